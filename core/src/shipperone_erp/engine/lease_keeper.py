"""The leases of one process: taken, kept alive by a heartbeat, given back."""

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from typing import overload

from shipperone_erp.domain.records import Lease
from shipperone_erp.kernel.errors import LeaseHeldElsewhere, LeaseLost, LedgerError
from shipperone_erp.kernel.offload import aside
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.ledger.leases import Owner, Seen
from shipperone_erp.ledger.repository import Ledger

BEATS = 5
"""Heartbeats in the time of a lease."""

LOOK_AGAIN = 0.5
"""Seconds at most between two looks at somebody else's heartbeat."""


class LeaseKeeper:
    """One for a runtime. It takes over a lease whose heartbeat stood still for the lease time on our own clock."""

    def __init__(self, ledger: Ledger, lease_time: timedelta, time: TimeSource = MACHINE_TIME) -> None:
        self._ledger = ledger
        self._clock = time
        self._time = lease_time
        self.looks_every = min(LOOK_AGAIN, lease_time.total_seconds() / BEATS)
        """Seconds between two looks at a lease that another process holds."""
        self._owner = Owner(id=uuid.uuid4().hex, host=socket.gethostname(), pid=os.getpid())
        self._held: dict[str, Lease] = {}
        self._proven: dict[str, float] = {}
        self._beating: asyncio.Task[None] | None = None

    @overload
    async def take(self, name: str, *, stand_by: Callable[[str], None] | None = None) -> Lease: ...

    @overload
    async def take(self, name: str, *, stand_by: Callable[[str], None], until: asyncio.Event) -> Lease | None: ...

    async def take(
        self,
        name: str,
        *,
        stand_by: Callable[[str], None] | None = None,
        until: asyncio.Event | None = None,
    ) -> Lease | None:
        """The lease of that name; None if `until` came first.

        Held elsewhere, it is waited for; if its heartbeat moves meanwhile, LeaseHeldElsewhere names the holder, or,
        with `stand_by`, that is told once who holds it and the waiting goes on.
        """
        seen: Seen | None = None
        told = False
        while until is None or not until.is_set():
            asked = self._clock.elapsed()
            answer = await asyncio.to_thread(
                self._ledger.try_take, name, self._owner, seen, self._time.total_seconds(), self._clock
            )
            if isinstance(answer, Lease):
                self._held[name] = answer
                self._proven[name] = asked
                if self._beating is None:
                    self._beating = asyncio.get_running_loop().create_task(self._beat())
                return answer
            if seen is not None and answer.seen.heartbeat != seen.heartbeat:
                if stand_by is None:
                    raise LeaseHeldElsewhere(name, answer.holder)
                if not told:
                    stand_by(answer.holder)
                    told = True
            seen = answer.seen
            await self._clock.sleep(self.looks_every)
        return None

    async def stands(self, lease: Lease) -> None:
        """Make sure, right before what must not be done by two: LeaseLost if this process was replaced.

        A heartbeat younger than the lease's time is proof enough; after a longer standstill the ledger is asked.
        """
        if self._clock.elapsed() - self._proven.get(lease.name, 0.0) < self._time.total_seconds():
            return
        asked = self._clock.elapsed()
        if await asyncio.to_thread(self._ledger.beat, [lease]):
            raise LeaseLost(lease.name)
        self._proven[lease.name] = asked

    async def give_back(self, lease: Lease) -> None:
        """Let another take it at once. A lease that was lost meanwhile is left to its new holder."""
        self._held.pop(lease.name, None)
        await asyncio.to_thread(self._ledger.give_back, lease)

    async def contended(self) -> bool:
        """Whether another process holds a lease of this ledger: it may wait for one of ours."""
        return await asyncio.to_thread(self._ledger.others_hold, self._owner)

    async def close(self, keep: Collection[Lease] = ()) -> None:
        """Give everything back but `keep`, which others have once this process has ended; nothing fails here."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])
        for lease in list(self._held.values()):
            if lease not in keep:
                # a ledger that is away: whoever comes next waits for the lease's time
                with contextlib.suppress(LedgerError):
                    await self.give_back(lease)

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(self._time.total_seconds() / BEATS)
            # a beat that is missed is no harm: whoever takes over is fenced off by the number of the lease
            with contextlib.suppress(LedgerError):
                asked, held = self._clock.elapsed(), list(self._held.values())
                # in a thread of its own: the loop's few may all be busy with one tenant's flood
                lost = await aside(partial(self._ledger.beat, held))
                self._proven |= {lease.name: asked for lease in held if lease not in lost}
