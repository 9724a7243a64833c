"""A lock that many can share or one can hold alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self


class SharedLock:
    """An exclusive holder waits until nobody shares it, and blocks new sharers meanwhile. For one event loop."""

    def __init__(self) -> None:
        self.sharing = 0
        """The number of current sharers."""
        # events are made when somebody waits for them: thousands of these locks are never held exclusively
        self._unshared: asyncio.Event | None = None
        self._opened: asyncio.Event | None = None
        self._turn = asyncio.Lock()

    def shared(self) -> Self:
        """A context in which it is shared with others; waits while it is held, or requested, exclusively."""
        return self  # no generator, which would take three times as long, with each hook and each POST

    async def __aenter__(self) -> None:
        while self._opened is not None:
            await self._opened.wait()
        self.sharing += 1

    async def __aexit__(self, *_: object) -> None:
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
