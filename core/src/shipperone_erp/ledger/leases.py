"""Leases: the right to act under a name. Each function is one step of a short transaction that the Ledger opens.

Clocks of different machines are never compared: a lease is taken over when its heartbeat has not changed for the lease
time on the successor's own monotonic clock. Each acquisition increments the fencing token (`number`); writes with a
stale token are rejected.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Result, String, any_, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from shipperone_erp.domain.records import Lease
from shipperone_erp.kernel.grouping import chunks
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.ledger.queries import CHUNK
from shipperone_erp.ledger.schema import leases


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that takes leases: `id` is generated at each start."""

    id: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A waiting process's last reading of a lease: this heartbeat, first read at `since` on its own monotonic clock."""

    number: int
    heartbeat: int
    since: float


@dataclass(frozen=True, slots=True)
class Held:
    """Another process holds the lease. Try again later with `seen`."""

    holder: str
    seen: Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """A lease as recorded; `owner` is None while it is free."""

    name: str
    owner: str | None
    host: str | None
    pid: int | None
    number: int
    heartbeat: int
    taken_at: datetime | None

    @property
    def holder(self) -> str:
        """The holder, as text for operators."""
        if self.owner is None:
            return "nobody"
        since = f" since {self.taken_at:%Y-%m-%d %H:%M:%S} UTC" if self.taken_at else ""
        return f"{self.served_by}{since}"

    @property
    def served_by(self) -> str | None:
        """'process 4711 on erp1'; None while it is free."""
        return None if self.owner is None else f"process {self.pid} on {self.host}"


_ONE = select(leases).where(leases.c.name == bindparam("wanted")).with_for_update()
_OURS = leases.c.owner == bindparam("holder")
_MOVED = update(leases).where(_OURS).values(heartbeat=leases.c.heartbeat + 1)
_NUMBERS = select(leases.c.name, leases.c.number).where(_OURS)

_IN_LIST = leases.c.name.in_(bindparam("names", expanding=True))
_OWNERS = select(leases.c.name, leases.c.owner).where(_IN_LIST)
_TAKE_IF_FREE = (
    update(leases)
    .where(leases.c.name == bindparam("wanted"), leases.c.owner.is_(None))
    .values(
        owner=bindparam("holder"),
        host=bindparam("of_host"),
        pid=bindparam("of_pid"),
        number=leases.c.number + 1,
        heartbeat=leases.c.heartbeat + 1,
        taken_at=bindparam("at"),
    )
)
_IN_ARRAY = leases.c.name == any_(bindparam("names", type_=ARRAY(String)))
"""By name: a lease of this process that it has lost sight of must expire."""

_moved_at_once = _MOVED.where(_IN_ARRAY).returning(leases.c.number).cte("moved")
_MOVED_AT_ONCE = select(func.count(), func.coalesce(func.sum(_moved_at_once.c.number), 0))
"""PostgreSQL: one statement, one parameter and one row for thousands of leases, at less than half the CPU of chunks
that are locked first.
"""


def try_take(
    connection: Connection,
    name: str,
    owner: Owner,
    seen: Seen | None,
    lease_time: float,
    time: TimeSource,
) -> Lease | Held:
    """The lease with the next fencing token if it is free, or if its holder has stopped for `lease_time` seconds."""
    # The clock before this reading and after the earlier one: waiting for the database never counts as a stopped
    # heartbeat.
    now = time.monotonic()
    row = connection.execute(_ONE, {"wanted": name}).one_or_none()
    if row is None:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        first = dialect.insert(leases).values(name=name, number=0, heartbeat=0).on_conflict_do_nothing()
        connection.execute(first)
        row = connection.execute(_ONE, {"wanted": name}).one()
    found = LeaseRecord(**row._mapping)
    if found.owner is not None:
        same = seen is not None and (seen.number, seen.heartbeat) == (found.number, found.heartbeat)
        since = seen.since if seen is not None and same else time.monotonic()
        if not same or now - since < lease_time:
            return Held(found.holder, Seen(found.number, found.heartbeat, since))
    number = found.number + 1
    connection.execute(
        update(leases)
        .where(leases.c.name == name)
        .values(
            owner=owner.id,
            host=owner.host,
            pid=owner.pid,
            number=number,
            heartbeat=found.heartbeat + 1,
            taken_at=time.now(),
        )
    )
    return Lease(name, owner.id, number)


def take_free(connection: Connection, names: Collection[str], owner: Owner, time: TimeSource) -> list[Lease]:
    """Those of these leases that nobody holds, each with the next fencing token. The others are left alone."""
    taken: list[Lease] = []
    # sorted, in one order: two processes that start at once wait for each other, and no longer
    for chunk in chunks(sorted(set(names)), CHUNK):
        owners = {row.name: row.owner for row in connection.execute(_OWNERS, {"names": chunk})}
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        missing = [{"name": name, "number": 0, "heartbeat": 0} for name in chunk if name not in owners]
        if missing:
            connection.execute(dialect.insert(leases).on_conflict_do_nothing(), missing)
        free = [name for name in chunk if owners.get(name) is None]
        if not free:
            continue
        of = {"holder": owner.id, "of_host": owner.host, "of_pid": owner.pid, "at": time.now()}
        connection.execute(_TAKE_IF_FREE, [{"wanted": name, **of} for name in free])
        ours = connection.execute(_NUMBERS.where(_IN_LIST), {"names": free, "holder": owner.id})
        taken += [Lease(row.name, owner.id, row.number) for row in ours]
    return taken


def others_hold(connection: Connection, owner: Owner) -> bool:
    """A process other than the owner holds any lease, alive or not."""
    theirs = select(leases.c.name).where(leases.c.owner.is_not(None), leases.c.owner != owner.id).limit(1)
    return connection.execute(theirs).first() is not None


def beat(connection: Connection, held: Collection[Lease]) -> tuple[Lease, ...]:
    """Renew the heartbeat of these leases; returns those that another process has taken over.

    A process locks no other's leases, neither here nor in `lost_leases`; the rows need no order.
    """
    at_once = connection.dialect.name == "postgresql"
    lost: list[Lease] = []
    for owner in {lease.owner for lease in held}:
        own = [lease for lease in held if lease.owner == owner]
        lost += (_renew_at_once if at_once else _renew)(connection, owner, own)
    return tuple(lost)


def _renew_at_once(connection: Connection, owner: str, own: Sequence[Lease]) -> list[Lease]:
    names = {"names": [lease.name for lease in own], "holder": owner}
    renewed, total = connection.execute(_MOVED_AT_ONCE, names).one()
    if (renewed, total) == (len(own), sum(lease.number for lease in own)):
        return []  # fencing tokens only increase: equal sums are equal tokens
    return _lost(own, connection.execute(_NUMBERS.where(_IN_ARRAY), names))


def _renew(connection: Connection, owner: str, own: Sequence[Lease]) -> list[Lease]:
    lost: list[Lease] = []
    for chunk in chunks(own, CHUNK):
        names = {"names": [lease.name for lease in chunk], "holder": owner}
        lost += _lost(chunk, connection.execute(_NUMBERS.where(_IN_LIST), names))
        connection.execute(_MOVED.where(_IN_LIST), names)
    return lost


def _lost(own: Sequence[Lease], found: Result[tuple[str, int]]) -> list[Lease]:
    numbers = {row.name: row.number for row in found}
    return [lease for lease in own if numbers.get(lease.name) != lease.number]


_FENCE = (
    select(leases.c.name, leases.c.owner, leases.c.number)
    .where(_IN_LIST, leases.c.owner.in_(bindparam("owners", expanding=True)))
    .order_by(leases.c.name)
    .with_for_update(read=True)
)
"""These leases, as far as these processes hold them; in PostgreSQL none can be taken over before this transaction has
ended. Those of others are not locked.
"""


def lost_leases(connection: Connection, held: Collection[Lease]) -> set[Lease]:
    """Those of `held` that another process has taken over; the others stay held until the transaction ends.

    Checked in the transaction of each commit: writes with a stale token are rejected.
    """
    if not held:
        return set()
    asked = {"names": [lease.name for lease in held], "owners": list({lease.owner for lease in held})}
    rows = connection.execute(_FENCE, asked)
    return set(held) - {Lease(row.name, row.owner, row.number) for row in rows}


def give_back(connection: Connection, lease: Lease) -> None:
    """Free the lease; one that was taken over meanwhile is left to its new holder."""
    connection.execute(
        update(leases)
        .where(leases.c.name == lease.name, leases.c.owner == lease.owner, leases.c.number == lease.number)
        .values(owner=None, host=None, pid=None, taken_at=None)
    )
