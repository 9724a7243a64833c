"""How much work each tenant makes, so that one that makes much gets a group of its own."""

from collections import Counter, deque

from shipperone_erp.domain.events import Event, StepEnded
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource

MINUTES = 5
"""Over which effects are counted: a short burst moves nobody."""


class LoadCounter:
    """An observer of the runtime. Minutes are those of its own monotonic clock."""

    def __init__(self, time: TimeSource = MACHINE_TIME) -> None:
        self._time = time
        self._minutes: deque[tuple[int, Counter[str]]] = deque(maxlen=MINUTES)

    def heavy(self, a_minute: int) -> frozenset[str]:
        """The tenants with at least so many effects a minute, over the last five."""
        now = self._minute()
        counts: Counter[str] = Counter()
        for minute, counted in self._minutes:
            if now - minute < MINUTES:
                counts += counted
        return frozenset(tenant for tenant, count in counts.items() if count >= a_minute * MINUTES)

    def __call__(self, event: Event) -> None:
        """As an observer; a read of a queue is no load worth a group, and requests go with effects."""
        if not isinstance(event, StepEnded):
            return
        minute = self._minute()
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, Counter()))
        self._minutes[-1][1][event.job.tenant] += 1

    def _minute(self) -> int:
        return int(self._time.monotonic() // 60)
