"""Exclusive names: hooks under one name run one at a time, across tenants and across processes on the same ledger."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any

from shipperone_erp.domain.records import Lease
from shipperone_erp.engine.lease_keeper import LeaseKeeper
from shipperone_erp.kernel.errors import LeaseLost
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource


class ExclusiveNames:
    """One for a runtime. A name is taken from the ledger on first use, and returned when no caller waits here.

    While callers here keep waiting, the name stays with this process for the seconds of its `share`. Then, if another
    process works on the ledger, the name is returned for the seconds of a `pause`, so that the other one is served too.
    """

    def __init__(
        self, keeper: LeaseKeeper, *, share: float = 15.0, pause: float = 1.0, time: TimeSource = MACHINE_TIME
    ) -> None:
        self._keeper = keeper
        self._share, self._pause = share, pause
        self._time = time
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: dict[str, int] = defaultdict(int)
        self._leases: dict[str, Lease] = {}
        self._since: dict[str, float] = {}
        self._in_use: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def in_use(self) -> frozenset[Lease]:
        """The leases under which a hook is still running, past its deadline or not: no other process may have these."""
        return frozenset(self._leases[name] for name in self._in_use if name in self._leases)

    async def acquire(self, name: str) -> Callable[[], None]:
        """Wait for the name; returns its release function, to be called once in the event loop.

        It may be cancelled at any moment. A lease that was requested from the ledger by then is kept for the next
        waiter: left in the ledger, every later caller would have to wait until it expires.
        """
        self._waiting[name] += 1
        try:
            await self._locks[name].acquire()
        except asyncio.CancelledError:
            if self._waiting[name] == 1:  # the name may have been passed to this caller, and no other waits for it
                self._start(self._close_unused(name))
            raise
        finally:
            self._waiting[name] -= 1
        held = self._start(self._hold(name))
        try:
            await asyncio.shield(held)
        except asyncio.CancelledError:
            held.add_done_callback(lambda held: self._let_go(name, held))
            raise
        except BaseException:
            self._locks[name].release()
            raise
        self._in_use.add(name)

        def release() -> None:
            self._in_use.discard(name)
            self._pass_on(name)

        return release

    async def _hold(self, name: str) -> None:
        """Hold the name in this process: take it, or check that an earlier lease was not lost during a pause of the
        process.
        """
        lease = self._leases.get(name)
        if lease is not None:
            try:
                await self._keeper.check(lease)
                return
            except LeaseLost:
                del self._leases[name]
        self._leases[name] = await self._keeper.take(f"exclusive:{name}", stand_by=lambda holder: None)
        self._since[name] = self._time.elapsed()

    def _let_go(self, name: str, held: "asyncio.Task[None]") -> None:
        """The caller for which the name was taken was cancelled."""
        if held.cancelled() or held.exception() is not None:
            self._locks[name].release()
        else:
            self._pass_on(name)

    def _pass_on(self, name: str) -> None:
        if not self._waiting[name]:
            self._start(self._close(name))
        elif name not in self._leases or self._time.elapsed() - self._since[name] < self._share:
            self._locks[name].release()
        else:
            self._start(self._give_way(name))

    async def _close_unused(self, name: str) -> None:
        await self._locks[name].acquire()
        self._pass_on(name)

    async def _close(self, name: str) -> None:
        lease = self._leases.pop(name, None)
        try:
            if lease is not None:
                await self._keeper.give_back(lease)
        finally:
            self._locks[name].release()

    async def _give_way(self, name: str) -> None:
        """Give up the name for a pause: another process that waits for it reads the lease at least once within it."""
        try:
            if await self._keeper.contended():
                await self._keeper.give_back(self._leases.pop(name))
                await self._time.sleep(self._pause)
            else:
                self._since[name] = self._time.elapsed()
        finally:
            self._locks[name].release()

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
