"""Exclusive names: hooks under one name run one at a time, across tenants here and processes on the same ledger."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from shipperone_erp.domain.records import Lease
from shipperone_erp.kernel.errors import LeaseLost
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource

Take = Callable[[str], Awaitable[Lease]]
GiveBack = Callable[[Lease], Awaitable[None]]
Stands = Callable[[Lease], Awaitable[None]]
Contended = Callable[[], Awaitable[bool]]


async def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Shares:
    """For how many seconds this process keeps a name that others want too, and how long it then stands back."""

    share: float = 15.0
    pause: float = 1.0


class ExclusiveNames:
    """One for a runtime. A name is taken from the ledger when first wanted here, and given back when nobody waits.

    While callers here keep waiting, the name stays with this process for its share (see `Shares`). Then, if `contended`
    answers that another process works on the ledger, it is given back for a pause, so that the other one is served too.
    """

    def __init__(
        self,
        take: Take,
        give_back: GiveBack,
        stands: Stands,
        *,
        contended: Contended = _never,
        shares: Shares = Shares(),
        time: TimeSource = MACHINE_TIME,
    ) -> None:
        self._take = take
        self._give_back = give_back
        self._stands = stands
        self._contended = contended
        self._share, self._pause = shares.share, shares.pause
        self._time = time
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: dict[str, int] = defaultdict(int)
        self._leases: dict[str, Lease] = {}
        self._since: dict[str, float] = {}
        self._in_use: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def in_use(self) -> frozenset[Lease]:
        """The leases under which a hook is still running, past its deadline or not: nobody else may have these."""
        return frozenset(self._leases[name] for name in self._in_use if name in self._leases)

    async def acquire(self, name: str) -> Callable[[], None]:
        """Waits for the name; returns what gives it back, to be called once in the event loop.

        It may be cancelled at any moment. A lease that the ledger was asked for by then is kept for whoever waits next:
        left behind in the ledger, it would have to be waited out by each caller after this one.
        """
        self._waiting[name] += 1
        try:
            await self._locks[name].acquire()
        except asyncio.CancelledError:
            if self._waiting[name] == 1:  # the name may have been passed to this caller, and nobody else waits for it
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
        """The name is this process's: taken now, or taken before and not lost while the process stood still."""
        lease = self._leases.get(name)
        if lease is not None:
            try:
                await self._stands(lease)
                return
            except LeaseLost:
                del self._leases[name]
        self._leases[name] = await self._take(f"exclusive:{name}")
        self._since[name] = self._time.elapsed()

    def _let_go(self, name: str, held: "asyncio.Task[None]") -> None:
        """The caller that the name was taken for has given up."""
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
                await self._give_back(lease)
        finally:
            self._locks[name].release()

    async def _give_way(self, name: str) -> None:
        """Another process may wait for the name. It looks once within the pause at the latest."""
        try:
            if await self._contended():
                await self._give_back(self._leases.pop(name))
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
