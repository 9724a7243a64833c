"""The machine's clock, and the correction of intervals when it is set.

Times in the ledger are wall-clock times, since they outlive the process. A running process detects by the monotonic
clock that the wall clock was set; the times from which intervals are counted are then moved by the same amount.
"""

from datetime import datetime, timedelta

from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.kernel.time_source import TimeSource

NOTICED = timedelta(seconds=30)
"""NTP adjusts by less; a larger jump means that the clock was set."""


class StageClock:
    """The `TimeSource` by which one stage schedules. It follows the machine's time only when `jumped` is called.

    So all times that a stage has written before that call are of one clock. A jump moves all of them by the same
    amount, including those of jobs that are being worked on, whether they were written before or after the clock was
    set.
    """

    def __init__(self, machine: TimeSource) -> None:
        self._machine = machine
        self._set = machine.now(), machine.elapsed()
        self.monotonic = machine.monotonic
        self.elapsed = machine.elapsed
        self.sleep = machine.sleep
        self.moved = timedelta()
        """The sum of all jumps of this clock."""

    def now(self) -> datetime:
        before, then = self._set
        return before + timedelta(seconds=self._machine.elapsed() - then)

    def jumped(self) -> timedelta:
        """The interval by which the machine's clock was set since the last call; zero for a mere drift."""
        jump = self._machine.now() - self.now()
        self._set = self._machine.now(), self._machine.elapsed()
        if abs(jump) <= NOTICED:
            return timedelta()
        self.moved += jump
        return jump


def set_back(record: QueueRecord, now: datetime) -> timedelta:
    """How far the clock was set back, at least, since the queue's record was written; zero where nothing shows it.

    No process ran meanwhile, or another machine did. Its jobs would wait for the hour that the clock showed then.
    """
    if record.last_good_read_at is None or record.last_good_read_at - now <= NOTICED:
        return timedelta()
    return record.last_good_read_at - now
