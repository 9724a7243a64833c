"""The page as an ASGI application: routes, access, handling of errors."""

from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from shipperone_erp.web.guard import Asgi, Guard, Receive, Scope, Send
from shipperone_erp.web.screens import (
    actions,
    audit_log,
    doctor,
    health,
    inspect,
    lists,
    login,
    order,
    overview,
    reconcile,
)
from shipperone_erp.web.site import COOKIE, HERE, Answered, Site
from shipperone_erp.web.texts import text

Screen = Callable[[Site, Request], Awaitable[Response]]

OPEN = ("/login", "/livez", "/readyz", "/static/")
"""Paths that are answered without a login: none of them contains data of a tenant."""

GET: tuple[tuple[str, Screen], ...] = (
    ("/", overview.overview),
    ("/held", partial(lists.show, which="held")),
    ("/waiting", partial(lists.show, which="waiting")),
    ("/search", lists.search),
    ("/tenant/{tenant}", actions.tenant),
    ("/order/{tenant}/{order_id:path}", order.order),
    ("/bodies/{tenant}/{order_id:path}", order.raw),
    ("/reconcile", reconcile.show),
    ("/reconcile/{tenant}", reconcile.show),
    ("/reconcile/{tenant}/csv", reconcile.as_csv),
    ("/inspect", inspect.show),
    ("/inspect/{tenant}", inspect.show),
    ("/actions", audit_log.show),
    ("/doctor", doctor.show),
    ("/livez", health.livez),
    ("/readyz", health.readyz),
    ("/statusz", health.statusz),
    ("/metrics", health.metrics),
)
POST: tuple[tuple[str, Screen], ...] = (
    ("/act/preview", actions.preview),
    ("/act", actions.run),
    ("/pause", actions.pause),
    ("/go-live", actions.go_live),
    ("/adopt", actions.adopt),
    ("/compare", reconcile.begin),
    ("/examine", doctor.begin),
    ("/inspect", inspect.begin),
    ("/logout", login.logout),
)


def application(site: Site, *, hosts: tuple[str, ...] = ()) -> Asgi:
    """The page for this site; it answers to these hosts in addition to those of this machine."""
    routes = [Route(path, partial(_screen, site, screen), methods=["GET"]) for path, screen in GET]
    routes += [Route(path, partial(_screen, site, screen), methods=["POST"]) for path, screen in POST]
    routes.append(Route("/login", partial(_screen, site, login.login), methods=["GET", "POST"]))
    static = Mount("/static", app=_Assets(directory=HERE / "assets"))
    app = Starlette(routes=[*routes, static], exception_handlers={404: partial(_missing, site)})
    return Guard(_visited(site, app), hosts=(*hosts, *site.access.settings.hosts), https=site.access.settings.https)


async def _screen(site: Site, screen: Screen, request: Request) -> Response:
    try:
        return await screen(site, request)
    except Exception as error:
        return await site.unavailable(request, error)


async def _missing(site: Site, request: Request, error: Exception) -> Response:
    return await site.unavailable(request, Answered(404, text("not_found"), text("not_found_hint")))


def _visited(site: Site, app: Asgi) -> Asgi:
    """Authenticates the request; redirects to the login if one is required."""

    async def visited(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        address = request.client.host if request.client else ""
        visit = site.access.visit(address, request.headers, request.cookies.get(COOKIE))
        scope["visit"] = visit
        path = request.url.path
        if visit.person is None and not path.startswith(OPEN):
            await _to_login(site, request)(scope, receive, send)
            return
        await app(scope, receive, send)

    return visited


def _to_login(site: Site, request: Request) -> Response:
    machine = request.url.path in ("/statusz", "/metrics")
    if machine or not site.access.has_logins or request.method != "GET":
        headers = {"www-authenticate": "Bearer"}
        return PlainTextResponse(f"{text('login_none')}\n", status_code=401, headers=headers)
    back = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""), safe="")
    return RedirectResponse(f"/login?back={back}", status_code=303)


class _Assets(StaticFiles):
    """Assets have a digest of their content in their address, so that a browser may cache them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response
