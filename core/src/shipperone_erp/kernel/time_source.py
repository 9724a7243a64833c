"""Where time is read and waited for: aware UTC time, seconds that only increase, sleeping."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class TimeSource(Protocol):
    """What a class that schedules, measures or waits is given. A test's own may jump, and skips what it would sleep."""

    def now(self) -> datetime:
        """Aware UTC time, which somebody may set."""
        ...

    def monotonic(self) -> float:
        """Seconds that only increase, and stand still while the machine sleeps."""
        ...

    def elapsed(self) -> float:
        """Seconds that only increase, also while the machine sleeps where its system counts that."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...


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
"""What is used where nothing else is given."""


def utc_now() -> datetime:
    """The time of this machine, aware, in UTC: for commands, which end before anybody could set it."""
    return MACHINE_TIME.now()
