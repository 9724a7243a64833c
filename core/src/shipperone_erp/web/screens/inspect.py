"""`/inspect/TENANT`: the place of each field, the sums, the goods in the ERP, and the proposed TOML.

The queues and the ERP are read in the background. Nothing is changed and nothing is written: an operator copies the
TOML into the configuration.
"""

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shipperone_erp.config import TenantSettings
from shipperone_erp.config.editing import as_toml
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.operations.inspect.erp_knowledge import with_erp
from shipperone_erp.operations.inspect.inspection import inspect
from shipperone_erp.operations.inspect.queue_reading import read_queues
from shipperone_erp.operations.inspect.results import Inspection
from shipperone_erp.web.formatting import part
from shipperone_erp.web.screens.reconcile import known, newest_run
from shipperone_erp.web.site import Site, Values, one, visit_of


async def show(site: Site, request: Request) -> Response:
    """The newest inspection of a tenant; of the first tenant if none is named."""
    tenant, run = newest_run(site, request, "inspect")

    def make(ledger: object) -> Values:
        done: Inspection | None = run.result if run and not run.error else None
        toml = as_toml(done.tenant, done.proposal.settings()) if done and not done.proposal.empty else ""
        return {"tenant": tenant, "tenants": sorted(site.configuration.tenants), "run": run, "done": done, "toml": toml}

    return await site.page(request, "inspect.html", make)


async def begin(site: Site, request: Request) -> Response:
    """Start an inspection. It changes nothing, so readers may start it too."""
    fields = await site.form(request)
    tenant = one(fields, "tenant")
    settings: TenantSettings = known(site, tenant)
    person = visit_of(request).person

    async def work() -> Inspection:
        try:
            queues = await read_queues(settings, max_response=site.configuration.runtime.max_response)
        except ReadFailed as failure:
            raise UsageError(failure.sentence) from None
        return await with_erp(settings, await asyncio.to_thread(inspect, settings, queues))

    site.background.start(("inspect", tenant), person.name if person else "", site.now, work)
    return RedirectResponse(f"/inspect/{part(tenant)}", status_code=303)
