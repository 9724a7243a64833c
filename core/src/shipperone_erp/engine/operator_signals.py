"""What people do to the ledger while a service runs takes effect at once: the ledger is asked for new actions."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from shipperone_erp.domain.ids import first_id_at
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.repository import Ledger

LOOK_EVERY = 0.5
"""Seconds; one short query for the whole process, however many tenants it serves."""

CLOCKS_APART = timedelta(minutes=10)
"""By which the clock of the machine that a person acts on may differ from ours: ids grow with time."""


class OperatorSignals:
    """Calls back those who serve a tenant when a person has acted on it; `acted` is called first, whoever it was."""

    def __init__(self, ledger: Ledger, acted: Callable[[], None] = lambda: None) -> None:
        self._ledger = ledger
        self._acted = acted
        self._callbacks: dict[str, list[Callable[[], None]]] = defaultdict(list)
        self._seen: set[int] = set()

    def add(self, tenant: str, callback: Callable[[], None]) -> None:
        """To be called in the event loop; what was done before does not count."""
        self._callbacks[tenant].append(callback)

    def remove(self, tenant: str) -> None:
        """Nobody serves that tenant here any more."""
        self._callbacks.pop(tenant, None)

    def wake(self, tenant: str) -> None:
        """Something of this tenant has changed."""
        for callback in self._callbacks.get(tenant, ()):
            callback()

    async def watch(self, stopping: asyncio.Event) -> None:
        """Look until `stopping`; a ledger that cannot be read is asked again."""
        first = True
        while not stopping.is_set():
            since = first_id_at(datetime.now(UTC) - CLOCKS_APART)
            with contextlib.suppress(LedgerError):
                recent = await asyncio.to_thread(self._ledger.acted_on, since)
                touched = {tenant for found, tenant in recent if found not in self._seen and not first}
                if touched:
                    self._acted()
                for tenant in touched:
                    self.wake(tenant)
                self._seen, first = {found for found, _ in recent}, False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LOOK_EVERY)
