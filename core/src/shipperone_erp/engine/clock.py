"""The machine's clock, and what happens when somebody sets it: intervals go on as if nobody had.

Times in the ledger are wall-clock times, since they outlive the process. While a process runs it can tell that the
clock was set, by its monotonic one; what intervals are counted from is then moved along.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from shipperone_erp.domain.job import moved
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.kernel.time_source import TimeSource

NOTICED = timedelta(seconds=30)
"""NTP slews; somebody sets."""


class StageClock:
    """The `TimeSource` by which one stage schedules. It follows the machine's time from look to look, never in between.

    So every time that a stage has written before a look is of one clock: a jump moves all of them by the same amount,
    those of jobs that are being worked on included, whether they were written before or after the clock was set.
    """

    def __init__(self, machine: TimeSource) -> None:
        self._machine = machine
        self._set = machine.now(), machine.elapsed()
        self.moved = timedelta()
        """By how much all jumps together have moved this clock."""

    def now(self) -> datetime:
        before, then = self._set
        return before + timedelta(seconds=self._machine.elapsed() - then)

    def monotonic(self) -> float:
        return self._machine.monotonic()

    def elapsed(self) -> float:
        return self._machine.elapsed()

    async def sleep(self, seconds: float) -> None:
        await self._machine.sleep(seconds)

    def jumped(self) -> timedelta:
        """By how much the machine's clock was set since the last look; zero for what is no more than a drift."""
        jump = self._machine.now() - self.now()
        self._set = self._machine.now(), self._machine.elapsed()
        if abs(jump) <= NOTICED:
            return timedelta()
        self.moved += jump
        return jump


def moved_queue(record: QueueRecord, by: timedelta) -> QueueRecord:
    """The queue's record with what its intervals are counted from moved along with the clock."""
    return replace(record, last_good_read_at=moved(record.last_good_read_at, by))
