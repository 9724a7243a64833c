"""A lock that many can share or one can hold alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SharedLock:
    """An exclusive holder waits until nobody shares it, and blocks new sharers meanwhile. For one event loop."""

    def __init__(self) -> None:
        self.sharing = 0
        """The number of current sharers."""
        # events are made when somebody waits for them: thousands of these locks are never held exclusively
        self._unshared: asyncio.Event | None = None
        self._opened: asyncio.Event | None = None
        self._turn = asyncio.Lock()

    def shared(self) -> "Share":
        """Share it with others; waits while it is held, or requested, exclusively."""
        return Share(self)

    async def enter(self) -> None:
        """Begin to share; `leave` once for each."""
        while self._opened is not None:
            await self._opened.wait()
        self.sharing += 1

    def leave(self) -> None:
        """End to share."""
        self.sharing -= 1
        if self.sharing == 0 and self._unshared is not None:
            self._unshared.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Hold it exclusively."""
        async with self._turn:
            opened = self._opened = asyncio.Event()
            try:
                if self.sharing:
                    self._unshared = asyncio.Event()
                    await self._unshared.wait()
                yield
            finally:
                self._opened = self._unshared = None
                opened.set()


class Share:
    """The context of one sharer. A class, since a generator takes three times as long, with each hook and each POST."""

    def __init__(self, lock: SharedLock) -> None:
        self._lock = lock

    async def __aenter__(self) -> None:
        await self._lock.enter()

    async def __aexit__(self, *_: object) -> None:
        self._lock.leave()
