"""A lock that many can share or one can hold alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SharedLock:
    """An exclusive holder waits until nobody shares it, and blocks new sharers meanwhile. For one event loop."""

    def __init__(self) -> None:
        self.sharing = 0
        """The number of current sharers."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._open = asyncio.Event()
        self._open.set()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Share it with others; waits while it is held, or requested, exclusively."""
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
        """Hold it exclusively."""
        async with self._turn:
            self._open.clear()
            try:
                await self._idle.wait()
                yield
            finally:
                self._open.set()
