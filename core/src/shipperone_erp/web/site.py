"""The shared parts of every screen: the ledger, the templates, the user, forms with their tokens, responses."""

import asyncio
import functools
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from shipperone_erp.config import Configuration
from shipperone_erp.domain.reasons import Owner
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import LedgerError, ShipperOneErpError
from shipperone_erp.kernel.redaction import Redaction
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.job_actions import as_shown
from shipperone_erp.operations.throughput import ThroughputCounter
from shipperone_erp.web import formatting
from shipperone_erp.web.access import Access, Person, Session, Visit
from shipperone_erp.web.background_runs import BackgroundRuns
from shipperone_erp.web.texts import text

HERE = Path(__file__).parent
LARGEST_FORM = 64 * 1024
MOST_FIELDS = 2_000
COOKIE = "shipperone_erp"

if TYPE_CHECKING:
    from shipperone_erp.web.metrics import Metrics

Values = dict[str, Any]
Clock = Callable[[], datetime]

LOG = logging.getLogger("shipperone_erp.web")
REFRESH = "x-refresh"
"""The header by which page.js marks a request for the newest state of a page that is open already."""


class Answered(Exception):
    """Ends a request with a page of its own: forbidden, not found, an expired form."""

    def __init__(self, status: int, title: str, *lines: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.lines = lines


@dataclass(slots=True)
class Site:
    """One page over one ledger. `refresh`: seconds between two refreshes in a browser."""

    configuration: Configuration
    ledger: Ledger
    access: Access
    redact: Redaction
    now: Clock
    read_only: bool = False
    refresh: int = 5
    background: BackgroundRuns = field(default_factory=BackgroundRuns)
    metrics: "Metrics | None" = None
    throughput: ThroughputCounter = field(init=False)
    environment: Environment = field(init=False)
    away_since: datetime | None = None

    def __post_init__(self) -> None:
        self.throughput = ThroughputCounter(self.now)
        self.environment = _environment()

    def zone(self, tenant: str | None) -> str:
        """The tenant's time zone; UTC without a tenant."""
        known = self.configuration.tenants.get(tenant or "")
        return known.timezone if known else "UTC"

    async def page(
        self, request: Request, template: str, make: Callable[[Ledger], Values], *, status: int = 200
    ) -> Response:
        """Render the template with the result of `make` in a thread, so that the tenants' event loop is not blocked."""
        visit = visit_of(request)
        session = visit.session or self.access.begin()
        message = None
        if REFRESH not in request.headers:
            # shown on the page that is opened next; a refresh in the background would swallow it
            message, session.message = session.message, None
        html = await asyncio.to_thread(self._filled, template, make, request, visit.person, session, message)
        if status == 200:
            self.away_since = None
        response = HTMLResponse(html, status_code=status)
        if visit.session is None:
            self.remember(response, session)
        return response

    def remember(self, response: Response, session: Session) -> None:
        """Set the session's cookie, which scripts and requests from other sites cannot use."""
        settings = self.access.settings
        response.set_cookie(
            COOKIE, session.id, max_age=int(settings.session.total_seconds()), path="/", secure=settings.https,
            httponly=True, samesite="lax",
        )  # fmt: skip

    def _filled(
        self, template: str, make: Callable[[Ledger], Values], request: Request, person: Person | None,
        session: Session, message: str | None,
    ) -> str:  # fmt: skip
        now = self.now()
        values: Values = make(self.ledger)
        common: Values = {
            "now": now, "person": person, "csrf": session.csrf, "message": message, "path": request.url.path,
            "address": _address(request), "read_only": self.read_only, "refresh": self.refresh,
            "has_logins": self.access.has_logins, "query": "",
            "ago": lambda at, zone="UTC": formatting.ago(at, now, zone), "zone": self.zone,
        }  # fmt: skip
        return self.redact(self.environment.get_template(template).render({**common, **values}))

    async def form(self, request: Request) -> Mapping[str, list[str]]:
        """The fields of a form that this page has sent to this session. Any other form is answered with 403."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_FORM:
                raise Answered(413, text("refused"), text("stale_form"))
        try:
            fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise Answered(413, text("refused"), text("stale_form")) from None
        session = visit_of(request).session
        given = (fields.get("csrf") or [""])[0]
        if session is None or not hmac.compare_digest(given.encode(), session.csrf.encode()):
            raise Answered(403, text("refused"), text("stale_form"))
        return fields

    def acting(self, request: Request) -> Person:
        """The acting user. Answered with 403 if the page is read-only, or if the user is a reader."""
        person = visit_of(request).person
        if self.read_only:
            raise Answered(403, text("forbidden"), text("forbidden_read_only"))
        if person is None or not person.may_act_at_all:
            raise forbidden(person)
        return person

    def flash(self, request: Request, message: str) -> None:
        """Set a message for the next page of this session."""
        session = visit_of(request).session
        if session is not None:
            session.message = self.redact(message)

    async def unavailable(self, request: Request, error: Exception) -> Response:
        """The page for a request that failed because a part is not available."""
        if isinstance(error, Answered):
            return await self._notice(request, error.status, error.title, list(error.lines))
        if isinstance(error, LedgerError):
            self.away_since = self.away_since or self.now()
            since = text("ledger_away_since", since=f"{self.away_since.astimezone(UTC):%H:%M:%S} UTC")
            return await self._notice(request, 503, text("ledger_away"), [str(error), since])
        if isinstance(error, ShipperOneErpError):
            return await self._notice(request, 409, text("refused"), str(error).split("\n"))
        LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return await self._notice(request, 500, text("failed"), [text("failed_why")])

    async def _notice(self, request: Request, status: int, title: str, lines: list[str]) -> Response:
        return await self.page(request, "notice.html", lambda ledger: {"title": title, "lines": lines}, status=status)


@functools.cache
def _environment() -> Environment:
    """The templates, compiled once a process and before the first request."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, auto_reload=False,  # an upgrade may replace files under a running process
    )  # fmt: skip
    names = (
        "money",
        "quantity",
        "figures",
        "first_sentence",
        "named",
        "part",
        "link",
        "bars",
        "ages",
        "clock",
        "minutes",
    )
    made.filters.update({name: getattr(formatting, name) for name in names})
    made.globals.update(text=text, assets=_versions(), owners=list(Owner), stages=list(Stage), as_shown=as_shown)
    for name in made.list_templates():
        made.get_template(name)
    return made


def visit_of(request: Request) -> Visit:
    """The user and the session, as determined by the middleware before."""
    visit: Visit = request.scope["visit"]
    return visit


def forbidden(person: Person | None) -> Answered:
    """The response for a user whose roles do not permit the request."""
    roles = ", ".join(sorted(person.roles)) if person else text("none")
    return Answered(403, text("forbidden"), text("forbidden_why", roles=roles))


def back_to(request: Request, fields: Mapping[str, list[str]]) -> RedirectResponse:
    """Redirect to the page named in the form, never to another site."""
    target = (fields.get("back") or ["/"])[0]
    local = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return RedirectResponse(target if local else "/", status_code=303)


def one(fields: Mapping[str, list[str]], name: str) -> str:
    """The value of a field, stripped of blanks; empty if the field is missing."""
    return (fields.get(name) or [""])[0].strip()


def _address(request: Request) -> str:
    path = quote(request.url.path)  # quoted as in a new request: an order's id may contain any character
    return f"{path}?{request.url.query}" if request.url.query else path


def _versions() -> Mapping[str, str]:
    """The addresses of the assets, each with a digest of its content, so that a browser caches it until it changes."""
    return {
        file.name: f"/static/{file.name}?v={sha256(file.read_bytes()).hexdigest()[:12]}"
        for file in sorted((HERE / "assets").iterdir())
    }
