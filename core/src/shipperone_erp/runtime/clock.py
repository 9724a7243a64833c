"""The machine's clock, and what happens when somebody sets it: intervals go on as if nobody had.

Times in the ledger are wall-clock times, since they outlive the process. While a process runs it can tell that the
clock was set, by its monotonic one; what intervals are counted from is then moved along.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from shipperone_erp.ledger.records import Job, QueueRecord

NOTICED = timedelta(seconds=30)
"""NTP slews; somebody sets."""


class Clock(Protocol):
    """Aware UTC time; a test's own may jump."""

    def __call__(self) -> datetime: ...


def utc_now() -> datetime:
    """The time of this machine, aware, in UTC."""
    return datetime.now(UTC)


def elapsed() -> float:
    """Seconds on a clock that only goes forward, also while the machine sleeps where its system counts that."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class ClockWatch:
    """Compares the clock with the monotonic one from look to look."""

    def __init__(self, now: Clock, monotonic: Callable[[], float] = elapsed) -> None:
        self._now = now
        self._monotonic = monotonic
        self._seen = now(), monotonic()

    def jumped(self) -> timedelta:
        """By how much the clock was set since the last look; zero for what is no more than a drift."""
        now, monotonic = self._now(), self._monotonic()
        before, then = self._seen
        self._seen = now, monotonic
        jump = (now - before) - timedelta(seconds=monotonic - then)
        return jump if abs(jump) > NOTICED else timedelta()


def moved_job(job: Job, by: timedelta) -> Job:
    """The job with what its intervals are counted from moved along with the clock."""
    return job.with_(
        next_attempt_at=_moved(job.next_attempt_at, by),
        lost_at=_moved(job.lost_at, by),
        absent_since=_moved(job.absent_since, by),
        doubt_since=_moved(job.doubt_since, by),
    )


def moved_queue(record: QueueRecord, by: timedelta) -> QueueRecord:
    """The queue's record likewise."""
    return replace(record, last_good_read_at=_moved(record.last_good_read_at, by))


def _moved(moment: datetime | None, by: timedelta) -> datetime | None:
    return moment + by if moment is not None else None
