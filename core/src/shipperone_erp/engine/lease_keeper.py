"""The leases of one process: acquired, renewed by a heartbeat, returned."""

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
from shipperone_erp.engine.grouped_calls import GroupedCalls
from shipperone_erp.kernel.errors import LeaseHeldElsewhere, LeaseLost, LedgerError
from shipperone_erp.kernel.offload import aside
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.ledger.leases import Owner, Seen
from shipperone_erp.ledger.repository import Ledger

BEATS = 5
"""Heartbeats in the time of a lease."""

LOOK_AGAIN = 0.5
"""The longest time in seconds between two reads of another process's heartbeat."""


class LeaseKeeper:
    """One for a runtime. It takes over a lease whose heartbeat stopped for the lease time on this process's clock."""

    def __init__(self, ledger: Ledger, lease_time: timedelta, time: TimeSource = MACHINE_TIME) -> None:
        self._ledger = ledger
        self._clock = time
        self._time = lease_time
        self.looks_every = min(LOOK_AGAIN, lease_time.total_seconds() / BEATS)
        """Seconds between two reads of a lease that another process holds."""
        self._owner = Owner(id=uuid.uuid4().hex, host=socket.gethostname(), pid=os.getpid())
        self._held: dict[str, Lease] = {}
        self._proven: dict[str, float] = {}
        self._beating: asyncio.Task[None] | None = None
        self._free = GroupedCalls(self._take_free)

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
        """The lease of that name; None if `until` was set first.

        If another process holds it, waits for it. If its heartbeat continues, LeaseHeldElsewhere names the holder, or,
        with `stand_by`, that is called once with the holder and waiting continues.
        """
        if until is not None and until.is_set():
            return None
        asked = self._clock.elapsed()
        if (free := await self._free.call(name)) is not None:
            return self._taken(free, asked)
        seen: Seen | None = None
        reported = False
        while until is None or not until.is_set():
            asked = self._clock.elapsed()
            answer = await asyncio.to_thread(
                self._ledger.try_take, name, self._owner, seen, self._time.total_seconds(), self._clock
            )
            if isinstance(answer, Lease):
                return self._taken(answer, asked)
            if seen is not None and answer.seen.heartbeat != seen.heartbeat:
                if stand_by is None:
                    raise LeaseHeldElsewhere(name, answer.holder)
                if not reported:
                    stand_by(answer.holder)
                    reported = True
            seen = answer.seen
            await self._clock.sleep(self.looks_every)
        return None

    def _take_free(self, names: Collection[str]) -> dict[str, Lease]:
        return {lease.name: lease for lease in self._ledger.take_free(names, self._owner, self._clock)}

    def _taken(self, lease: Lease, asked: float) -> Lease:
        self._held[lease.name] = lease
        self._proven[lease.name] = asked
        if self._beating is None:
            self._beating = asyncio.get_running_loop().create_task(self._beat())
        return lease

    async def check(self, lease: Lease) -> None:
        """Raise LeaseLost if another process has taken over; call it right before an exclusive effect.

        A heartbeat younger than the lease's time is sufficient proof; after a longer pause the ledger is queried.
        """
        if self._is_proven(lease):
            return
        asked = self._clock.elapsed()
        if await asyncio.to_thread(self._ledger.beat, [lease]):
            raise LeaseLost(lease.name)
        self._proven[lease.name] = asked

    def is_held(self, lease: Lease) -> bool:
        """The lease is this process's, by a recent heartbeat. False while that is uncertain."""
        return self._held.get(lease.name) == lease and self._is_proven(lease)

    def _is_proven(self, lease: Lease) -> bool:
        return self._clock.elapsed() - self._proven.get(lease.name, 0.0) < self._time.total_seconds()

    async def give_back(self, lease: Lease) -> None:
        """Return it, so that another process can take it at once. A lost lease is left to its new holder."""
        self._held.pop(lease.name, None)
        await asyncio.to_thread(self._ledger.give_back, lease)

    async def contended(self) -> bool:
        """Another process holds a lease of this ledger, and so may wait for one of this process."""
        return await asyncio.to_thread(self._ledger.others_hold, self._owner)

    async def close(self, keep: Collection[Lease] = ()) -> None:
        """Return all leases but `keep`, which expire after this process has ended. Never raises."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])
        for lease in list(self._held.values()):
            if lease not in keep:
                # if the ledger is unavailable, the next holder waits for the lease's time
                with contextlib.suppress(LedgerError):
                    await self.give_back(lease)

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(self._time.total_seconds() / BEATS)
            # a missed heartbeat is harmless: writes with a stale fencing token are rejected
            with contextlib.suppress(LedgerError):
                asked, held = self._clock.elapsed(), list(self._held.values())
                # in a separate thread: the loop's few threads may all be busy with one tenant's flood
                lost = await aside(partial(self._ledger.beat, held))
                self._proven |= {lease.name: asked for lease in held if lease not in lost}
