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

    def shared(self) -> "Share":
        """Share it with others; waits while it is held, or requested, exclusively."""
        return Share(self)

    async def enter(self) -> None:
        """Begin to share; `leave` once for each."""
        while not self._open.is_set():
            await self._open.wait()
        self.sharing += 1
        self._idle.clear()

    def leave(self) -> None:
        """End to share."""
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


class Share:
    """The context of one sharer. A class, since a generator takes three times as long, with each hook and each POST."""

    def __init__(self, lock: SharedLock) -> None:
        self._lock = lock

    async def __aenter__(self) -> None:
        await self._lock.enter()

    async def __aexit__(self, *_: object) -> None:
        self._lock.leave()
