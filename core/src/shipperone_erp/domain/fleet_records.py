"""The database's records about a fleet of workers, as frozen values. Times are the database's, aware UTC."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """One worker: a process that serves groups of tenants; `seen_at` is its last heartbeat."""

    id: str
    name: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    draining: bool
    slots: int
    lives: bool
    """Its heartbeat is younger than the limit from which a worker counts as stalled."""
    groups: tuple[str, ...]
    tenants: int
    hand_outs: int
    """The number of groups assigned to it since it started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecord:
    """One tenant of the fleet: its group, the worker that the group is assigned to, and the workers that refuse it."""

    tenant: str
    group: str
    digest: str
    worker: str | None
    refused: tuple[str, ...]
    """'worker NAME: sentence', for each live worker that does not serve it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A worker does not serve a tenant. `digest` is that of its own configuration; None: it names no such tenant."""

    tenant: str
    digest: str | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """The result of a heartbeat: everything that a worker decides by."""

    known: bool
    """False: other workers count this one as dead; it must register again."""
    draining: bool
    live: int
    """The number of live workers that accept groups."""
    groups: int
    revision: int
    """Increases with every change of a group's members, or of a digest."""
    held: frozenset[int]
    """The hand-outs of the query that are still this worker's."""


def slots(groups: int, live: int) -> int:
    """The most groups that a worker serves: one more than its share.

    A group then never waits for a worker without room while another one is about to take it.
    """
    return -(-groups // max(live, 1)) + 1
