"""A fair semaphore: a flood in one line does not starve another, and within a line the urgent come first."""

import asyncio
import heapq
import itertools
from typing import Any

Urgency = tuple[Any, ...]
"""Compared within one line: the smaller comes first; equals in the order of arrival."""


class FairSemaphore:
    """A semaphore with `slots`. Waiting lines are served in turn. For one event loop."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._lines: dict[str, list[tuple[Urgency, int, asyncio.Future[None]]]] = {}
        self._came = itertools.count()

    async def acquire(self, line: str = "", urgency: Urgency = ()) -> None:
        """Wait for a slot in that line; `release` returns it."""
        if self._free and not self._lines:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._lines.setdefault(line, []), (urgency, next(self._came), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.release()
            raise

    def refuse(self, error: Exception) -> None:
        """Raise this error in every waiter."""
        lines, self._lines = self._lines, {}
        for _, _, turn in (entry for waiting in lines.values() for entry in waiting):
            if not turn.done():
                turn.set_exception(error)

    def release(self) -> None:
        """Pass the slot to the next line in turn, or keep it free."""
        while self._lines:
            line = next(iter(self._lines))
            waiting = self._lines.pop(line)
            _, _, turn = heapq.heappop(waiting)
            if waiting:
                self._lines[line] = waiting  # at the end: the other lines come first now
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
