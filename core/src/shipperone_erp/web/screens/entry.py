"""`/login` and `/logout`; `/livez`, `/readyz`, `/statusz` for machines."""

import asyncio
import math

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.operations.reports import iso, status_rows
from shipperone_erp.web.site import COOKIE, Answered, Site, back_to, one, visit_of
from shipperone_erp.web.texts import text

READY_WITHIN = 5.0
"""Seconds in which the ledger has to take a write."""


async def login(site: Site, request: Request) -> Response:
    """The form for a token, or what came of it."""
    if request.method != "POST":
        if visit_of(request).person is not None:
            return RedirectResponse("/", status_code=303)
        return await _form(site, request, None)
    fields = await site.form(request)
    address = request.client.host if request.client else ""
    wait = site.access.limit.wait(address)
    if wait > 0:
        response = await _form(site, request, text("login_wait", n=math.ceil(wait)), status=429)
        response.headers["retry-after"] = str(math.ceil(wait))
        return response
    session = site.access.login(address, one(fields, "token"))
    if session is None:
        return await _form(site, request, text("login_wrong"), status=403)
    before = visit_of(request).session
    if before is not None:
        site.access.end(before)
    response = back_to(request, fields)
    site.remember(response, session)
    return response


async def _form(site: Site, request: Request, wrong: str | None, status: int = 200) -> Response:
    back = request.query_params.get("back", "/")
    return await site.page(request, "login.html", lambda ledger: {"wrong": wrong, "back": back}, status=status)


async def logout(site: Site, request: Request) -> Response:
    """End the session."""
    await site.form(request)
    session = visit_of(request).session
    if session is not None:
        site.access.end(session)
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=site.access.settings.https)
    return response


async def livez(site: Site, request: Request) -> Response:
    """The loop that serves the tenants turns: it has answered this."""
    return PlainTextResponse("ok\n")


async def readyz(site: Site, request: Request) -> Response:
    """The ledger can be written (where the page is read only: read)."""
    check = site.ledger.counts if site.ledger.read_only else site.ledger.can_write
    try:
        await asyncio.wait_for(asyncio.to_thread(check), READY_WITHIN)
    except (LedgerError, TimeoutError) as error:
        why = site.redact(str(error)) or f"the ledger did not answer within {READY_WITHIN:g} s"
        return PlainTextResponse(f"{why}\n", status_code=503)
    return PlainTextResponse("ok\n")


async def metrics(site: Site, request: Request) -> Response:
    """What Prometheus scrapes; 404 with what to install where the extra is missing."""
    if site.metrics is None:
        return PlainTextResponse(f"{text('no_metrics')}\n", status_code=404)
    body = await asyncio.to_thread(site.metrics.exposition)
    return Response(site.redact(body.decode()), media_type=site.metrics.content_type)


async def statusz(site: Site, request: Request) -> Response:
    """What `status --json` prints."""
    if visit_of(request).person is None:
        raise Answered(401, text("log_in"))
    rows = await asyncio.to_thread(lambda: status_rows(site.configuration, site.ledger, site.now()))
    return JSONResponse({"at": iso(site.now()), "status": rows})
