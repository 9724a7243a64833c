"""Endpoints for machines: `/livez`, `/readyz`, `/statusz`, `/metrics`."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.operations.fleet_report import status_with_fleet
from shipperone_erp.operations.reports import iso
from shipperone_erp.web.site import Answered, Site, visit_of
from shipperone_erp.web.texts import text

READY_WITHIN = 5.0
"""Seconds within which the ledger must accept a write."""


async def livez(site: Site, request: Request) -> Response:
    """The event loop that serves the tenants is running, since it has answered this request."""
    return PlainTextResponse("ok\n")


async def readyz(site: Site, request: Request) -> Response:
    """The ledger can be written (or, on a read-only page, read)."""
    check = site.ledger.counts if site.ledger.read_only else site.ledger.can_write
    try:
        await asyncio.wait_for(asyncio.to_thread(check), READY_WITHIN)
    except (LedgerError, TimeoutError) as error:
        why = site.redact(str(error)) or f"the ledger did not answer within {READY_WITHIN:g} s"
        return PlainTextResponse(f"{why}\n", status_code=503)
    return PlainTextResponse("ok\n")


async def metrics(site: Site, request: Request) -> Response:
    """The metrics for Prometheus; 404 with the extra to install if it is missing."""
    if site.metrics is None:
        return PlainTextResponse(f"{text('no_metrics')}\n", status_code=404)
    body = await asyncio.to_thread(site.metrics.exposition)
    return Response(site.redact(body.decode()), media_type=site.metrics.content_type)


async def statusz(site: Site, request: Request) -> Response:
    """The output of `status --json`."""
    if visit_of(request).person is None:
        raise Answered(401, text("log_in"))
    rows, _ = await asyncio.to_thread(lambda: status_with_fleet(site.configuration, site.ledger, site.now()))
    return JSONResponse({"at": iso(site.now()), "status": rows})
