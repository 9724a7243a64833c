"""A lock that many share, or one has alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SharedLock:
    """Whoever wants it alone waits until nobody shares it, and lets nobody new share it meanwhile. One event loop."""

    def __init__(self) -> None:
        self.sharing = 0
        """How many share it now."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._open = asyncio.Event()
        self._open.set()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Beside others who share it; waits while somebody has it alone, or waits for that."""
        while not self._open.is_set():
            await self._open.wait()
        self.sharing += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.sharing -= 1
            if self.sharing == 0:
                self._idle.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """With nobody beside."""
        async with self._turn:
            self._open.clear()
            try:
                await self._idle.wait()
                yield
            finally:
                self._open.set()
