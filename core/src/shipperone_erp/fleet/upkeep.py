"""The work of each worker for the whole fleet, beside its own groups.

It hands out again the groups of dead workers, gives a heavy tenant a group of its own, and removes old jobs.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Collection, Mapping

from shipperone_erp.domain.events import Event, StepEnded
from shipperone_erp.engine.shared_limits import SharedLimits
from shipperone_erp.fleet.group_queue import GroupQueue
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.ledger.fleet_store import FleetStore

PRUNE_EVERY = 3600.0
HEAVY_EVERY = 60.0

MINUTES = 5
"""The period over which effects are counted, so that a short burst moves no tenant."""


class Schedule:
    """Which periodic work is due, by a monotonic clock. Each is due at its first call."""

    def __init__(self, time: TimeSource) -> None:
        self._time = time
        self._next: dict[str, float] = {}

    def due(self, work: str, every: float) -> bool:
        """Whether this work is due; if so, it is due again after `every` seconds."""
        now = self._time.elapsed()
        if now < self._next.get(work, 0.0):
            return False
        self._next[work] = now + every
        return True


class LoadCounter:
    """How many effects each tenant has a minute: one with many gets a group, and so a worker, of its own.

    An observer of the runtime. Minutes are those of its own monotonic clock.
    """

    def __init__(self, time: TimeSource = MACHINE_TIME) -> None:
        self._time = time
        self._minutes: deque[tuple[int, Counter[str]]] = deque(maxlen=MINUTES)

    def heavy(self, a_minute: int) -> frozenset[str]:
        """The tenants with at least that many effects a minute, over the last five minutes."""
        now = self._minute()
        counts = sum((counted for minute, counted in self._minutes if now - minute < MINUTES), Counter[str]())
        return frozenset(tenant for tenant, count in counts.items() if count >= a_minute * MINUTES)

    def __call__(self, event: Event) -> None:
        """Observes an event. Reads of a queue do not count as load, and requests are counted by their effects."""
        if not isinstance(event, StepEnded):
            return
        minute = self._minute()
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, Counter()))
        self._minutes[-1][1][event.job.tenant] += 1

    def _minute(self) -> int:
        return int(self._time.monotonic() // 60)


class FleetUpkeep:
    """Runs after each heartbeat of a worker. LedgerError during an outage of the database.

    `heavy`: a tenant with that many effects a minute gets a group of its own.
    """

    def __init__(
        self,
        store: FleetStore,
        load: LoadCounter,
        heavy: int,
        limits: SharedLimits,
        log: logging.Logger,
        time: TimeSource = MACHINE_TIME,
    ) -> None:
        self._store = store
        self._load = load
        self._heavy = heavy
        self._limits = limits
        self._log = log
        self._schedule = Schedule(time)

    async def follow_pauses(self) -> None:
        """Observe the pauses that ShipperOne or an ERP has requested from another worker."""
        self._limits.apply_pauses(await asyncio.to_thread(self._store.silences))

    async def run(self, queue: GroupQueue, members: Mapping[str, str], serving: Collection[str]) -> None:
        """`members`: the group of each tenant whose group this worker holds; `serving`: the tenants served here."""
        for group in await queue.rescue():
            self._log.warning("group %s: its worker has no heartbeat any more; the group is handed out again", group)
        for group in await asyncio.to_thread(self._store.without_hand_out):
            await queue.defer(group)
        if self._schedule.due("heavy", HEAVY_EVERY):
            await self._split_off(members, serving)
        if self._schedule.due("prune", PRUNE_EVERY):
            await queue.prune()

    async def _split_off(self, members: Mapping[str, str], serving: Collection[str]) -> None:
        for tenant in self._load.heavy(self._heavy) & frozenset(serving):
            alone = list(members.values()).count(members.get(tenant, "")) == 1
            if not alone and await asyncio.to_thread(self._store.part, tenant):
                self._log.info("%s has a high load: it gets its own group", tenant)
