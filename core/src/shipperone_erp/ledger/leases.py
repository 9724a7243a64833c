"""Leases: the right to act under a name. Each function is one step of a short transaction that the Ledger opens.

Clocks of different machines are never compared: a lease is taken over when its heartbeat has not changed for the lease
time on the successor's own monotonic clock. Each acquisition increments the fencing token (`number`); writes with a
stale token are rejected.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, String, any_, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from shipperone_erp.domain.records import Lease
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.ledger.schema import leases

CHUNK = 500


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
_AMONG = leases.c.name.in_(bindparam("names", expanding=True))
_MOVED = update(leases).where(_OURS).values(heartbeat=leases.c.heartbeat + 1)
_MOVED_AMONG = _MOVED.where(_AMONG)
_NUMBERS_AMONG = select(leases.c.name, leases.c.number).where(_OURS, _AMONG)
_MOVED_AT_ONCE = _MOVED.where(leases.c.name == any_(bindparam("names", type_=ARRAY(String)))).returning(
    leases.c.name, leases.c.number
)
"""PostgreSQL: one statement and one parameter for thousands of leases, at a third of the CPU of chunks that are locked
first. By name too: a lease of this process that it has lost sight of must expire.
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


def others_hold(connection: Connection, owner: Owner) -> bool:
    """A process other than the owner holds any lease, alive or not."""
    theirs = select(leases.c.name).where(leases.c.owner.is_not(None), leases.c.owner != owner.id).limit(1)
    return connection.execute(theirs).first() is not None


def beat(connection: Connection, held: Collection[Lease]) -> tuple[Lease, ...]:
    """Renew the heartbeat of these leases; returns those that another process has taken over.

    A process locks no other's leases, neither here nor in `fencing`; the rows need no order.
    """
    lost: list[Lease] = []
    for owner in {lease.owner for lease in held}:
        own = [lease for lease in held if lease.owner == owner]
        numbers = _renewed(connection, owner, [lease.name for lease in own])
        lost += [lease for lease in own if numbers.get(lease.name) != lease.number]
    return tuple(lost)


def _renewed(connection: Connection, owner: str, names: Sequence[str]) -> dict[str, int]:
    """The fencing token of each of the owner's leases among these names."""
    if connection.dialect.name == "postgresql":
        moved = connection.execute(_MOVED_AT_ONCE, {"names": list(names), "holder": owner})
        return {row[0]: row[1] for row in moved}
    numbers: dict[str, int] = {}
    for start in range(0, len(names), CHUNK):
        chunk = {"names": names[start : start + CHUNK], "holder": owner}
        numbers |= {row[0]: row[1] for row in connection.execute(_NUMBERS_AMONG, chunk)}
        connection.execute(_MOVED_AMONG, chunk)
    return numbers


def give_back(connection: Connection, lease: Lease) -> None:
    """Free the lease; one that was taken over meanwhile is left to its new holder."""
    connection.execute(
        update(leases)
        .where(leases.c.name == lease.name, leases.c.owner == lease.owner, leases.c.number == lease.number)
        .values(owner=None, host=None, pid=None, taken_at=None)
    )
