"""`/actions`: who did what, when, with which note. `/doctor`: every check, run beside the request."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.doctor import Line, Verdict, examine
from shipperone_erp.web.screens.lists import query
from shipperone_erp.web.site import Site, Values, one, visit_of

SHOWN = 100


async def actions(site: Site, request: Request) -> Response:
    """The newest first, by tenant or by who did it."""
    asked = request.query_params
    tenant, actor = asked.get("tenant") or None, asked.get("actor") or None
    before = int(asked["before"]) if asked.get("before", "").isdecimal() and len(asked["before"]) < 20 else None

    def make(ledger: Ledger) -> Values:
        found = ledger.newest_actions(tenant=tenant, actor=actor, before=before, limit=SHOWN + 1)
        filters = {"tenant": tenant, "actor": actor}
        older = query(filters, before=found[SHOWN - 1][0].id) if len(found) > SHOWN else None
        return {"found": found[:SHOWN], "filters": filters, "older": older, "query_of": query}

    return await site.page(request, "actions.html", make)


async def doctor(site: Site, request: Request) -> Response:
    """The newest examination, what fails first."""
    run = site.beside.runs.get(("doctor",))

    def make(ledger: Ledger) -> Values:
        lines: list[Line] = run.result if run and not run.error and run.result else []
        order = [Verdict.FAIL, Verdict.WARN, Verdict.OK]
        lines = sorted(lines, key=lambda line: order.index(line.verdict))
        counted = {verdict: sum(1 for line in lines if line.verdict is verdict) for verdict in order}
        return {"run": run, "lines": lines, "counted": counted, "tenants": sorted(site.configuration.tenants)}

    return await site.page(request, "doctor.html", make)


async def run_doctor(site: Site, request: Request) -> Response:
    """Begin an examination; it changes nothing, so that whoever may look may ask for it."""
    fields = await site.form(request)
    tenant = one(fields, "tenant")
    person = visit_of(request).person

    async def work() -> list[Line]:
        lines = await examine(site.configuration, [tenant] if tenant else [])
        return [line for line in lines if not tenant or line.tenant in (None, tenant)]

    site.beside.start(("doctor",), person.name if person else "", site.now, work)
    return RedirectResponse("/doctor", status_code=303)
