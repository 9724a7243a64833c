"""How much work each tenant makes, so that one that makes much gets a group of its own."""

import time
from collections import Counter, deque
from collections.abc import Callable

from shipperone_erp.domain.states import EffectKind, Outcome, Stage

MINUTES = 5
"""Over which effects are counted: a short burst moves nobody."""


class LoadCounter:
    """An `Instrument` of the runtime. Minutes are those of its own monotonic clock."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._minutes: deque[tuple[int, Counter[str]]] = deque(maxlen=MINUTES)

    def heavy(self, a_minute: int) -> frozenset[str]:
        """The tenants with at least so many effects a minute, over the last five."""
        now = self._minute()
        counts: Counter[str] = Counter()
        for minute, counted in self._minutes:
            if now - minute < MINUTES:
                counts += counted
        return frozenset(tenant for tenant, count in counts.items() if count >= a_minute * MINUTES)

    def step(self, tenant: str, stage: Stage, kind: EffectKind, outcome: Outcome, seconds: float) -> None:
        """See `Instrument`."""
        minute = self._minute()
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, Counter()))
        self._minutes[-1][1][tenant] += 1

    def cycle(self, tenant: str, stage: Stage, seconds: float, *, good: bool, listed: int | None) -> None:
        """See `Instrument`; a read of a queue is no load worth a group."""

    def request(self, tenant: str, method: str, status: int | None, seconds: float) -> None:
        """See `Instrument`; requests go with effects."""

    def _minute(self) -> int:
        return int(self._monotonic() // 60)
