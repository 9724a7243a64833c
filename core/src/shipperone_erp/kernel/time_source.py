"""The source of time: aware UTC time, monotonic seconds, sleeping."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class TimeSource(Protocol):
    """The time of a class that schedules, measures or waits. A test's own may jump, and skips its sleeps."""

    def now(self) -> datetime:
        """Aware UTC time, which may be set."""

    def monotonic(self) -> float:
        """Seconds that only increase, and stop while the machine sleeps."""

    def elapsed(self) -> float:
        """Seconds that only increase, also while the machine sleeps where its system supports that."""

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""


class MachineTime:
    """The clocks of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def elapsed(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


MACHINE_TIME = MachineTime()
"""The default time source."""


def utc_now() -> datetime:
    """The time of this machine, aware, in UTC: for commands, which end before the clock could be set."""
    return MACHINE_TIME.now()
