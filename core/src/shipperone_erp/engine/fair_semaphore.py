"""Slots that are shared fairly: who waits in one line is not starved by a flood in another, and the urgent go first."""

import asyncio
import heapq
import itertools
from typing import Any

Urgency = tuple[Any, ...]
"""Compared with others of the same line: the smaller goes first; equals in the order in which they came."""


class FairSemaphore:
    """`slots` of them. While lines wait, they are served in turn. For one event loop."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._lines: dict[str, list[tuple[Urgency, int, asyncio.Future[None]]]] = {}
        self._came = itertools.count()

    async def acquire(self, line: str = "", urgency: Urgency = ()) -> None:
        """Wait for a slot in that line; `release` gives it back."""
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
        """Whoever waits now waits no longer, but raises this."""
        lines, self._lines = self._lines, {}
        for _, _, turn in (entry for waiting in lines.values() for entry in waiting):
            if not turn.done():
                turn.set_exception(error)

    def release(self) -> None:
        """Hand the slot to the line whose turn it is, or keep it until somebody comes."""
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
