"""What people have paused, in every tenant: asked of the ledger once for all stages, not once in each one's cycle."""

import asyncio
import time
from collections.abc import Mapping

from shipperone_erp.domain.records import Pause
from shipperone_erp.domain.states import Stage
from shipperone_erp.ledger.repository import Ledger

GOOD_FOR = 0.5
"""Seconds; sooner after a person has acted (`forget`)."""


class Pauses:
    """One for a runtime and its event loop."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._asking = asyncio.Lock()
        self._found: dict[str, dict[Stage, Pause]] = {}
        self._good_until = 0.0

    async def of(self, tenant: str) -> Mapping[Stage, Pause]:
        """What is paused of this tenant, as it is now or was at most `GOOD_FOR` ago. LedgerError if nobody can tell."""
        async with self._asking:
            while time.monotonic() >= self._good_until:
                self._good_until = time.monotonic() + GOOD_FOR
                found: dict[str, dict[Stage, Pause]] = {}
                try:
                    pauses = await asyncio.to_thread(self._ledger.pauses)
                except BaseException:
                    self.forget()
                    raise
                for pause in pauses:
                    found.setdefault(pause.tenant, {})[pause.stage] = pause
                self._found = found
            return self._found.get(tenant, {})

    def forget(self) -> None:
        """A person has acted: what is known is asked anew, also what is on its way just now."""
        self._good_until = 0.0
