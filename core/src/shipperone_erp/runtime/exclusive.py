"""Exclusive names: hooks under one name run one at a time, across tenants here and processes on the same ledger."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

from shipperone_erp.errors import LeaseLost
from shipperone_erp.ledger.records import Lease

Take = Callable[[str], Awaitable[Lease]]
GiveBack = Callable[[Lease], Awaitable[None]]
Stands = Callable[[Lease], Awaitable[None]]


class Exclusives:
    """One for a runtime. A name is taken from the ledger when first wanted here, and given back when nobody waits."""

    def __init__(self, take: Take, give_back: GiveBack, stands: Stands) -> None:
        self._take = take
        self._give_back = give_back
        self._stands = stands
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: dict[str, int] = defaultdict(int)
        self._leases: dict[str, Lease] = {}
        self._in_use: set[str] = set()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def in_use(self) -> frozenset[Lease]:
        """The leases under which a hook is still running, past its deadline or not: nobody else may have these."""
        return frozenset(self._leases[name] for name in self._in_use if name in self._leases)

    async def _hold(self, name: str) -> None:
        """The name is this process's: taken now, or taken before and not lost while the process stood still."""
        lease = self._leases.get(name)
        if lease is not None:
            try:
                await self._stands(lease)
                return
            except LeaseLost:
                del self._leases[name]
        self._leases[name] = await self._take(f"exclusive:{name}")

    async def acquire(self, name: str) -> Callable[[], None]:
        """Waits for the name; returns what gives it back, to be called once in the event loop."""
        self._waiting[name] += 1
        lock = self._locks[name]
        try:
            await lock.acquire()
        finally:
            self._waiting[name] -= 1
        try:
            await self._hold(name)
        except BaseException:
            lock.release()
            raise
        self._in_use.add(name)
        loop = asyncio.get_running_loop()

        async def close() -> None:
            lease = self._leases.pop(name, None)
            try:
                if lease is not None:
                    await self._give_back(lease)
            finally:
                lock.release()

        def release() -> None:
            self._in_use.discard(name)
            if self._waiting[name]:
                lock.release()
                return
            task = loop.create_task(close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

        return release
