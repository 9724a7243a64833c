"""`/doctor`: every check, run in the background."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.doctor import examine
from shipperone_erp.operations.installation_checks import Line, Verdict
from shipperone_erp.web.site import Site, Values, one, visit_of


async def show(site: Site, request: Request) -> Response:
    """The newest examination, failures first."""
    run = site.background.runs.get(("doctor",))

    def make(ledger: Ledger) -> Values:
        lines: list[Line] = run.result if run and not run.error and run.result else []
        order = [Verdict.FAIL, Verdict.WARN, Verdict.OK]
        lines = sorted(lines, key=lambda line: order.index(line.verdict))
        counted = {verdict: sum(1 for line in lines if line.verdict is verdict) for verdict in order}
        return {"run": run, "lines": lines, "counted": counted, "tenants": sorted(site.configuration.tenants)}

    return await site.page(request, "doctor.html", make)


async def begin(site: Site, request: Request) -> Response:
    """Start an examination. It changes nothing, so readers may start it too."""
    fields = await site.form(request)
    tenant = one(fields, "tenant")
    person = visit_of(request).person

    async def work() -> list[Line]:
        lines = await examine(site.configuration, [tenant] if tenant else [])
        return [line for line in lines if not tenant or line.tenant in (None, tenant)]

    site.background.start(("doctor",), person.name if person else "", site.now, work)
    return RedirectResponse("/doctor", status_code=303)
