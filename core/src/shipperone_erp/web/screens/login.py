"""`/login` and `/logout`."""

import math

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shipperone_erp.web.site import COOKIE, Site, back_to, one, visit_of
from shipperone_erp.web.texts import text


async def login(site: Site, request: Request) -> Response:
    """The form for a token, or the result of a login."""
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
