"""After a crash, what was inside a hook is tried alone: while it runs, nothing else in this process does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class CrashIsolation:
    """Hooks share it; a suspect of a crash has it to itself. One for a runtime."""

    def __init__(self) -> None:
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._open = asyncio.Event()
        self._open.set()
        self._turn = asyncio.Lock()
        self._suspect: asyncio.Task[object] | None = None

    def mine(self) -> bool:
        """The running task is the suspect that is tried."""
        return self._suspect is not None and asyncio.current_task() is self._suspect

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """For an ordinary hook: waits while a suspect is tried (the suspect's own hooks pass)."""
        if self.mine():
            yield
            return
        while not self._open.is_set():
            await self._open.wait()
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if self._running == 0:
                self._idle.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """For a suspect: waits until no hook runs, and lets none begin until it is done."""
        async with self._turn:
            self._open.clear()
            try:
                await self._idle.wait()
                self._suspect = asyncio.current_task()
                yield
            finally:
                self._suspect = None
                self._open.set()
