"""`/reconcile/TENANT`: compares the ledger's documents with the ERP's, with totals that add up; CSV."""

import asyncio
import io
from collections import Counter
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shipperone_erp.kernel import csv_files
from shipperone_erp.operations.document_adoption import parsed
from shipperone_erp.operations.reconcile.finding_kinds import CSV_COLUMNS, NOTES
from shipperone_erp.operations.reconcile.period_totals import by_rate, not_invoiced, totals
from shipperone_erp.operations.reconcile.running import Reconciled, reconcile_since, reconciled
from shipperone_erp.web.background_runs import Run
from shipperone_erp.web.formatting import part
from shipperone_erp.web.site import Answered, Site, Values, one, visit_of
from shipperone_erp.web.texts import text

SHOWN = 60
"""Findings on the page, the most urgent; the CSV has all of them."""


async def show(site: Site, request: Request) -> Response:
    """The newest comparison of a tenant; of the first tenant if none is named."""
    tenant, run = newest_run(site, request, "reconcile")
    default = reconcile_since(site.configuration.tenants[tenant], None).date() if tenant else None

    def make(ledger: object) -> Values:
        done: Reconciled | None = run.result if run and not run.error else None
        shown = [compared for compared in done.found if compared.finding is not None] if done else []
        counted = Counter(compared.finding.value for compared in shown if compared.finding)
        return {
            "tenant": tenant, "tenants": sorted(site.configuration.tenants), "run": run, "done": done,
            "shown": [one.row() for one in shown[:SHOWN]], "more": max(0, len(shown) - SHOWN),
            "counted": dict(counted), "totals": totals(done.found) if done else {},
            "rates": by_rate(done.found, done.own) if done else [],
            "unbilled": not_invoiced(done.shipped) if done else [],
            "notes": {finding.value for finding in NOTES}, "default": default,
        }  # fmt: skip

    return await site.page(request, "reconcile.html", make)


async def begin(site: Site, request: Request) -> Response:
    """Start a comparison in the background; the page shows the result."""
    fields = await site.form(request)
    tenant = one(fields, "tenant")
    settings = known(site, tenant)
    day = parsed(date.fromisoformat, one(fields, "since"), text("first_day"), "a date such as 2026-03-01")
    person = visit_of(request).person
    since, limit = reconcile_since(settings, day), site.configuration.runtime.max_response

    async def work() -> Reconciled:
        return await asyncio.to_thread(reconciled, site.ledger, settings, since, max_response=limit)

    site.background.start(("reconcile", tenant), person.name if person else "", site.now, work)
    return RedirectResponse(f"/reconcile/{part(tenant)}", status_code=303)


async def as_csv(site: Site, request: Request) -> Response:
    """Every document of the newest comparison, for a spreadsheet."""
    tenant = request.path_params["tenant"]
    run = site.background.runs.get(("reconcile", tenant))
    if run is None or run.result is None:
        raise Answered(404, text("not_found"))
    rows = (compared.row() for compared in run.result.found)
    written = io.StringIO(newline="")
    csv_files.write_to(written, CSV_COLUMNS, ([row[column] for column in CSV_COLUMNS] for row in rows))
    name = "".join(sign for sign in tenant if sign.isalnum() or sign in "._-")
    headers = {"content-disposition": f'attachment; filename="reconcile-{name}.csv"'}
    return Response(site.redact(written.getvalue()), media_type="text/csv; charset=utf-8", headers=headers)


def newest_run(site: Site, request: Request, kind: str) -> tuple[str | None, Run | None]:
    """The tenant in the address, else the first one, and its newest run of that kind."""
    tenant = request.path_params.get("tenant") or min(site.configuration.tenants, default=None)
    if tenant is not None:
        known(site, tenant)
    return tenant, site.background.runs.get((kind, tenant or ""))


def known(site: Site, tenant: str) -> Any:
    """The settings of that tenant. An unknown tenant is answered with 404."""
    settings = site.configuration.tenants.get(tenant)
    if settings is None:
        raise Answered(404, text("not_found"), text("not_found_hint"))
    return settings
