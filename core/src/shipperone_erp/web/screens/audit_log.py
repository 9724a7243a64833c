"""`/actions`: the audit log of actions with actor, time and note."""

from starlette.requests import Request
from starlette.responses import Response

from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.web.screens.lists import query
from shipperone_erp.web.site import Site, Values

SHOWN = 100


async def show(site: Site, request: Request) -> Response:
    """The newest first, filtered by tenant or by actor."""
    asked = request.query_params
    tenant, actor = asked.get("tenant") or None, asked.get("actor") or None
    before = int(asked["before"]) if asked.get("before", "").isdecimal() and len(asked["before"]) < 20 else None

    def make(ledger: Ledger) -> Values:
        found = ledger.newest_actions(tenant=tenant, actor=actor, before=before, limit=SHOWN + 1)
        filters = {"tenant": tenant, "actor": actor}
        older = query(filters, before=found[SHOWN - 1][0].id) if len(found) > SHOWN else None
        return {"found": found[:SHOWN], "filters": filters, "older": older, "query_of": query}

    return await site.page(request, "actions.html", make)
