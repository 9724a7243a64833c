"""Crash isolation: a job that was inside a hook when the process died is retried while no other hook runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from shipperone_erp.engine.shared_lock import SharedLock


class CrashIsolation:
    """Ordinary hooks share it; a suspect of a crash holds it alone. One for a runtime."""

    def __init__(self) -> None:
        self._lock = SharedLock()
        self._suspect: asyncio.Task[object] | None = None

    def mine(self) -> bool:
        """The running task is the suspect being retried."""
        return self._suspect is not None and asyncio.current_task() is self._suspect

    def shared(self) -> AbstractAsyncContextManager[None]:
        """For an ordinary hook: waits while a suspect is retried (the suspect's own hooks pass)."""
        return nullcontext() if self.mine() else self._lock.shared()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """For a suspect: waits until no hook runs, and lets none begin until it is done."""
        async with self._lock.alone():
            self._suspect = asyncio.current_task()
            try:
                yield
            finally:
                self._suspect = None
