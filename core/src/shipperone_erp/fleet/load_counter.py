"""Measures the load of each tenant, so that a busy one gets a group of its own."""

from collections import Counter, deque

from shipperone_erp.domain.events import Event, StepEnded
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource

MINUTES = 5
"""The period over which effects are counted, so that a short burst moves no tenant."""


class LoadCounter:
    """An observer of the runtime. Minutes are those of its own monotonic clock."""

    def __init__(self, time: TimeSource = MACHINE_TIME) -> None:
        self._time = time
        self._minutes: deque[tuple[int, Counter[str]]] = deque(maxlen=MINUTES)

    def heavy(self, a_minute: int) -> frozenset[str]:
        """The tenants with at least that many effects a minute, over the last five minutes."""
        now = self._minute()
        counts: Counter[str] = Counter()
        for minute, counted in self._minutes:
            if now - minute < MINUTES:
                counts += counted
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
