"""The number of orders under way in this process, and an estimate of the remaining time."""

import logging
from collections import deque
from dataclasses import dataclass

from shipperone_erp.domain.events import Event, OrderPlanned, OrderRests
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource

LOOK_BACK = 30.0
"""Seconds over which the pace is measured."""


REPORT_EVERY = 60.0
"""Seconds between two lines of the log."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """`left`: the orders still to be worked on since the backlog began; `seconds` is an estimate."""

    done: int
    remaining: int
    seconds: float | None

    def words(self) -> str:
        """'1,240 of 3,000 orders, about 2 min left'"""
        pace = f", about {_span(self.seconds)} left" if self.seconds is not None else ""
        return f"{self.done:,} of {self.done + self.remaining:,} orders{pace}"


class Progress:
    """One for a runtime; receives an event when work on an order is planned and when it has paused or ended."""

    def __init__(self, time: TimeSource = MACHINE_TIME) -> None:
        self.time = time
        self._remaining = 0
        self._done = 0
        self._ends: deque[float] = deque()

    def __call__(self, event: Event) -> None:
        """As an observer: an order is about to be worked on, or is done, waits, or is held."""
        match event:
            case OrderPlanned():
                if self._remaining == 0:
                    self._done = 0
                    self._ends.clear()
                    self._ends.append(self.time.monotonic())
                self._remaining += 1
            case OrderRests():
                self._remaining -= 1
                self._done += 1
                now = self.time.monotonic()
                self._ends.append(now)
                while now - self._ends[0] > LOOK_BACK:
                    self._ends.popleft()

    def backlog(self) -> Backlog | None:
        """The current backlog; None if there is none."""
        if self._remaining == 0:
            return None
        if len(self._ends) < 2:
            return Backlog(self._done, self._remaining, None)
        took = self.time.monotonic() - self._ends[0]
        return Backlog(self._done, self._remaining, took / (len(self._ends) - 1) * self._remaining)


async def report_progress(progress: Progress, log: logging.Logger) -> None:
    """Log a line about the backlog every minute, until cancelled."""
    while True:
        await progress.time.sleep(REPORT_EVERY)
        backlog = progress.backlog()
        if backlog is not None:
            fields = {"event": "progress", "done": backlog.done, "left": backlog.remaining}
            log.info("%s", backlog.words(), extra={"fields": fields})


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
