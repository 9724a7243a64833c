"""The number of incoming orders and their processing time: counts of the ledger by hour and by day, for small charts.

A count covers the jobs first listed within a span. Their ids grow with that time, so a span is one range of the table.
Spans older than an hour are counted again only every few minutes, a past day once a process.
"""

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shipperone_erp.ledger.repository import Ledger

HOURS, DAYS = 24, 30
PAUSE = 0.05
"""Seconds between two spans of days."""

RECOUNT = 300.0
"""Seconds after which the hours of the last day are counted again."""


@dataclass(frozen=True, slots=True)
class Span:
    """The jobs first listed from `since` on: their number, the number of completed ones, and the median time for it."""

    since: datetime
    listed: int
    done: int
    minutes: float | None


@dataclass(frozen=True, slots=True)
class Throughput:
    """The last 24 hours by hour and the last 30 days by day, oldest first; `days` may still be incomplete."""

    hours: Sequence[Span] = ()
    days: Sequence[Span] = ()

    @property
    def listed(self) -> int:
        """The number of jobs listed within the last 24 hours."""
        return sum(span.listed for span in self.hours)

    @property
    def done(self) -> int:
        """The number of these jobs that are done."""
        return sum(span.done for span in self.hours)


class ThroughputCounter:
    """Counts in the background, one span after another; `look` never waits for the ledger."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._spans: dict[tuple[datetime, timedelta], Span] = {}
        self._counted_at = float("-inf")
        self._counting = threading.Lock()

    def look(self) -> Throughput:
        """The counts so far."""
        spans = dict(self._spans)
        hours = [spans[key] for key in self._keys(HOURS, timedelta(hours=1)) if key in spans]
        days = [spans[key] for key in self._keys(DAYS, timedelta(days=1)) if key in spans]
        return Throughput(hours, days)

    def due(self) -> bool:
        """Whether it is time to `count` again."""
        return time.monotonic() - self._counted_at >= RECOUNT

    def failed(self) -> None:
        """A count failed: it is due again at the usual time, and earlier counts are kept."""
        self._counted_at = time.monotonic()

    def count(self, ledger: Ledger) -> None:
        """Count the due spans, the newest first. Blocking; of two concurrent calls only one counts."""
        if not self._counting.acquire(blocking=False):
            return
        try:
            self._counted_at = time.monotonic()
            hours, days = self._keys(HOURS, timedelta(hours=1)), self._keys(DAYS, timedelta(days=1))
            for key in reversed(hours):
                self._spans[key] = _span(ledger, *key)
            for number, key in enumerate(reversed(days)):
                if key not in self._spans or number < 2:
                    self._spans[key] = _span(ledger, *key)
                    time.sleep(PAUSE)
            for old in self._spans.keys() - {*hours, *days}:
                del self._spans[old]
        finally:
            self._counting.release()

    def _keys(self, count: int, span: timedelta) -> list[tuple[datetime, timedelta]]:
        now = self._now().astimezone(UTC)
        start = now.replace(minute=0, second=0, microsecond=0)
        if span >= timedelta(days=1):
            start = start.replace(hour=0)
        return [(start - span * back, span) for back in range(count - 1, -1, -1)]


def _span(ledger: Ledger, since: datetime, length: timedelta) -> Span:
    listed, done, sample = ledger.listed_between(since, since + length)
    took = [(accepted - first).total_seconds() / 60 for first, accepted in sample]
    return Span(since, listed, done, statistics.median(took) if took else None)
