"""Slots that are shared fairly: who waits in one line is not starved by a flood in another."""

import asyncio
from collections import deque


class FairSlots:
    """`slots` of them. While lines wait, they are served in turn, and each line in its order. For one event loop."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    async def acquire(self, line: str) -> None:
        """Wait for a slot in that line; `release` gives it back."""
        if self._free and not self._lines:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(line, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def refuse(self, error: Exception) -> None:
        """Whoever waits now waits no longer, but raises this."""
        lines, self._lines = self._lines, {}
        for turn in (turn for waiting in lines.values() for turn in waiting):
            if not turn.done():
                turn.set_exception(error)

    def release(self) -> None:
        """Hand the slot to the line whose turn it is, or keep it until somebody comes."""
        while self._lines:
            line = next(iter(self._lines))
            waiting = self._lines.pop(line)
            turn = waiting.popleft()
            if waiting:
                self._lines[line] = waiting  # at the end: the other lines come first now
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
