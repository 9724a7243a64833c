"""Polls the ledger for operator actions and wakes the affected workers."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta

from shipperone_erp.domain.ids import first_id_at
from shipperone_erp.domain.records import Pause
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.ledger.repository import Ledger

LOOK_EVERY = 0.5
"""Seconds; one short query for the whole process, however many tenants it serves."""

PAUSES_GOOD_FOR = 0.5
"""Seconds for which the pauses are cached; an operator's action invalidates them earlier."""

CLOCKS_APART = timedelta(minutes=10)
"""The tolerated difference between the clocks of the operator's machine and of this one: ids ascend with time."""

KNOWN_FOR = 10.0
"""Seconds after a successful look for which the actions are known; much less than `CLOCKS_APART`."""

Acted = tuple[int, int]
"""Equal values: no action was seen in between, and none can have been missed."""


class OperatorSignals:
    """One for a runtime and its event loop. Wakes the workers of a tenant when an operator has acted on it.

    The pauses of all stages of all tenants are read in one query.
    """

    def __init__(self, ledger: Ledger, time: TimeSource = MACHINE_TIME) -> None:
        self._ledger = ledger
        self._time = time
        self._callbacks: dict[str, list[Callable[[], None]]] = defaultdict(list)
        self._seen: set[int] = set()
        self._looked_at: float | None = None
        self._looks = 0
        self._actions: Counter[str] = Counter()
        self._asking = asyncio.Lock()
        self._pauses: dict[str, dict[Stage, Pause]] = {}
        self._pauses_until = 0.0

    def add(self, tenant: str, callback: Callable[[], None]) -> None:
        """`callback` is called in the event loop; earlier actions do not count."""
        self._callbacks[tenant].append(callback)

    def remove(self, tenant: str) -> None:
        """Remove all callbacks of that tenant."""
        self._callbacks.pop(tenant, None)

    def wake(self, tenant: str) -> None:
        """Call the callbacks of this tenant."""
        for callback in self._callbacks.get(tenant, ()):
            callback()

    def acted(self) -> None:
        """An operator has acted: the pauses are read again, even if a query is under way."""
        self._pauses_until = 0.0

    def acted_on(self, tenant: str) -> Acted | None:
        """The actions on this tenant that were seen so far; None if recent ones may not have been seen."""
        return (self._looks, self._actions[tenant]) if self._known_at(self._time.elapsed()) else None

    async def look(self) -> None:
        """Look for actions once, and wake the workers of their tenants. LedgerError if that is not possible."""
        at = self._time.elapsed()
        first = self._looked_at is None
        recent = await asyncio.to_thread(self._ledger.acted_on, first_id_at(self._time.now() - CLOCKS_APART))
        if not self._known_at(at):
            self._looks += 1
        self._looked_at = at
        touched = {tenant for found, tenant in recent if found not in self._seen and not first}
        if touched:
            self.acted()
        for tenant in touched:
            self._actions[tenant] += 1
            self.wake(tenant)
        self._seen = {found for found, _ in recent}

    def _known_at(self, moment: float) -> bool:
        return self._looked_at is not None and moment - self._looked_at < KNOWN_FOR

    async def watch(self, stopping: asyncio.Event) -> None:
        """Poll until `stopping`; after an error of the ledger, poll again."""
        while not stopping.is_set():
            with contextlib.suppress(LedgerError):
                await self.look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LOOK_EVERY)

    async def paused(self, tenant: str) -> Mapping[Stage, Pause]:
        """The pauses of this tenant, at most `PAUSES_GOOD_FOR` old. LedgerError if they cannot be read."""
        async with self._asking:
            while self._time.monotonic() >= self._pauses_until:
                self._pauses_until = self._time.monotonic() + PAUSES_GOOD_FOR
                found: dict[str, dict[Stage, Pause]] = {}
                try:
                    pauses = await asyncio.to_thread(self._ledger.pauses)
                except BaseException:
                    self.acted()
                    raise
                for pause in pauses:
                    found.setdefault(pause.tenant, {})[pause.stage] = pause
                self._pauses = found
            return self._pauses.get(tenant, {})
