"""A time source for tests: it stands still until it is advanced, and nobody sleeps for real."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from shipperone_erp.kernel.time_source import MachineTime, TimeSource

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class SkippedTime:
    """A `TimeSource` whose seconds pass by `advance` alone; `sleep` advances it at once, and lets others run."""

    def __init__(self, start: datetime = START, seconds: float = 0.0) -> None:
        self._start = start
        self.seconds = seconds
        self.set_by = timedelta()
        """By how much somebody has set the wall clock."""

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.seconds) + self.set_by

    def monotonic(self) -> float:
        return self.seconds

    def elapsed(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class TimeOf(MachineTime):
    """This machine's time, but for what a test says of the day, or of the seconds that have passed."""

    def __init__(self, now: Callable[[], datetime] | None = None, monotonic: Callable[[], float] | None = None) -> None:
        self._now, self._monotonic = now, monotonic

    def now(self) -> datetime:
        return self._now() if self._now else super().now()

    def monotonic(self) -> float:
        return self._monotonic() if self._monotonic else super().monotonic()

    def elapsed(self) -> float:
        return self._monotonic() if self._monotonic else super().elapsed()


class SleptTime:
    """The time of `run --once`, whose `settle_for` it measures: the pauses that a task has made, and nothing else.

    So a test that gives it a second sees as many cycles on a machine where each takes a second as on one where it takes
    milliseconds.
    """

    def __init__(self, machine: TimeSource) -> None:
        self._machine = machine
        self._slept: Counter[object] = Counter()

    def now(self) -> datetime:
        return self._machine.now()

    def monotonic(self) -> float:
        return self._slept[asyncio.current_task()]

    def elapsed(self) -> float:
        return self._machine.elapsed()

    async def sleep(self, seconds: float) -> None:
        await self._machine.sleep(seconds)
        self._slept[asyncio.current_task()] += seconds
