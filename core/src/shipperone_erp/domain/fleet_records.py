"""What the ledger's database holds about a fleet of workers, as frozen values. Times are the database's, aware UTC."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """One worker: a process that serves groups of tenants, or did until `seen_at`."""

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
    """Its heartbeat is younger than the time after which it counts as stalled."""
    groups: tuple[str, ...]
    tenants: int
    hand_outs: int
    """Groups that it was given since it started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecord:
    """One tenant of the fleet: its group, the worker that the group was handed to, who refuses it and why."""

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
    """What a heartbeat has brought back: all that a worker decides by."""

    known: bool
    """False: others have taken this worker for dead; it registers anew."""
    draining: bool
    live: int
    """Workers that live and take groups."""
    groups: int
    revision: int
    """Grows with every change of who belongs to which group, or of a digest."""
    held: frozenset[int]
    """Those of the hand-outs that were asked about which are still this worker's."""


def slots(groups: int, live: int) -> int:
    """How many groups a worker serves at most. One more than its share: a group never waits for a worker without room
    while another one is about to take it."""
    return -(-groups // max(live, 1)) + 1
