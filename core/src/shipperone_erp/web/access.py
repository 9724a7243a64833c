"""Authentication and authorisation of the page: tokens, roles, sessions, a limit on failed logins."""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from shipperone_erp.config.page import PageSettings, Role
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Owner
from shipperone_erp.domain.states import Stage

SESSIONS = 1_000
"""The largest number of sessions; the least recently used one is ended for a new one."""
FAILURES, WITHIN = 5, 60.0
"""Failed logins from one address within that many seconds; then it must wait. `EVERYWHERE` is for all addresses."""
EVERYWHERE = 60
ADDRESSES = 1_000

ROLE_OF = {Owner.WAREHOUSE: Role.WAREHOUSE, Owner.ACCOUNTANT: Role.ACCOUNTANT, Owner.IT: Role.IT}
ROLE_OF_STAGE = {Stage.ALLOCATION: Role.WAREHOUSE, Stage.INVOICE: Role.ACCOUNTANT}


@dataclass(frozen=True, slots=True)
class Person:
    """An authenticated user. The name is recorded with each action."""

    name: str
    roles: frozenset[Role]

    def may_act(self, job: Job) -> bool:
        """Whether the user has the role of the job's owner, or of its stage if it has none; `it` may do everything."""
        if Role.IT in self.roles:
            return True
        needed = ROLE_OF.get(job.owner) if job.owner is not None else None
        return (needed or ROLE_OF_STAGE[job.stage]) in self.roles

    @property
    def may_steer(self) -> bool:
        """Whether the user may pause, resume and take whole tenants live."""
        return Role.IT in self.roles

    @property
    def may_act_at_all(self) -> bool:
        """Whether the user has any role besides `reader`."""
        return bool(self.roles - {Role.READER})


@dataclass(slots=True)
class Session:
    """One browser. `person` is None before the login; the message is shown once, on the next page."""

    id: str
    csrf: str
    ends: float
    person: Person | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: the user, the session, and the host in its address."""

    person: Person | None
    session: Session | None


@dataclass(slots=True)
class Limit:
    """The failed logins of the last minute."""

    monotonic: Callable[[], float]
    _failed: "OrderedDict[str, deque[float]]" = field(default_factory=OrderedDict)

    def wait(self, address: str) -> float:
        """Seconds until the next login from this address is accepted for a check."""
        return max(self._wait(address, FAILURES), self._wait("", EVERYWHERE))

    def failed(self, address: str) -> None:
        """Count a refused login from that address."""
        for place in (address, ""):
            self._failed.setdefault(place, deque(maxlen=EVERYWHERE)).append(self.monotonic())
            self._failed.move_to_end(place)
        while len(self._failed) > ADDRESSES:
            self._failed.popitem(last=False)

    def _wait(self, place: str, most: int) -> float:
        times = self._failed.get(place)
        while times and self.monotonic() - times[0] > WITHIN:
            times.popleft()
        return WITHIN - (self.monotonic() - times[-most]) if times and len(times) >= most else 0.0


class Access:
    """Authenticates requests. `local`: the name under which actions are recorded if no login is required."""

    def __init__(self, settings: PageSettings, local: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self.limit = Limit(monotonic)
        self._monotonic = monotonic
        self._local = Person(local, frozenset([Role.IT]))
        self._people = {name: Person(name, frozenset(one.roles)) for name, one in settings.people.items()}
        self._digests = {
            _digest(one.token.get_secret_value()): self._people[name]
            for name, one in settings.people.items()
            if one.token is not None
        }
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        proxy = settings.proxy
        self._networks = [ip_network(address) for address in proxy.addresses] if proxy else []

    @property
    def has_logins(self) -> bool:
        """Whether any user has a token."""
        return bool(self._digests)

    def visit(self, address: str, headers: Mapping[str, str], session_id: str | None) -> Visit:
        """The request's user, and the session if there is one. A user name counts only if the proxy has sent it."""
        session = self._session(session_id)
        if not self.settings.protected:
            return Visit(self._local, session)
        if (named := self._by_proxy(address, headers)) is not None:
            return Visit(named, session)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and (found := self._by_token(token.strip())) is not None:
            return Visit(Person(found.name, frozenset([Role.READER])), None)
        return Visit(session.person if session else None, session)

    def login(self, address: str, token: str) -> Session | None:
        """A new session for the user of this token; None, counted against the address, for any other token."""
        found = self._by_token(token.strip())
        if found is None:
            self.limit.failed(address)
            return None
        return self.begin(found)

    def begin(self, person: Person | None = None) -> Session:
        """A new session with a new id."""
        ends = self._monotonic() + self.settings.session.total_seconds()
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), ends, person)
        self._sessions[session.id] = session
        while len(self._sessions) > SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def end(self, session: Session) -> None:
        """Log out."""
        self._sessions.pop(session.id, None)

    def _session(self, session_id: str | None) -> Session | None:
        session = self._sessions.get(session_id or "")
        if session is None:
            return None
        if self._monotonic() >= session.ends:
            self.end(session)
            return None
        self._sessions.move_to_end(session.id)
        return session

    def _by_token(self, token: str) -> Person | None:
        digest = _digest(token)
        found = None
        for known, person in self._digests.items():  # compares with all tokens, so that the duration reveals nothing
            if hmac.compare_digest(known, digest):
                found = person
        return found

    def _by_proxy(self, address: str, headers: Mapping[str, str]) -> Person | None:
        proxy = self.settings.proxy
        name = headers.get(proxy.header.lower(), "").strip() if proxy else ""
        if proxy is None or not name or len(name) > 64 or not name.isprintable():
            return None
        try:
            peer = ip_address(address)
        except ValueError:
            return None
        if not any(peer in network for network in self._networks):
            return None
        return self._people.get(name) or Person(name, frozenset(proxy.roles))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
