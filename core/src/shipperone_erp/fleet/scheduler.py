"""The scheduler of one worker of a fleet: it takes groups of tenants from the queue, serves them and gives them back.

A group stays with its worker as long as the worker's heartbeat continues. The worker gives it back when it stops or is
drained, when others have room and it has more than its share, and when others have taken the group after a stall.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import socket
import uuid
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar

from shipperone_erp.config import Configuration
from shipperone_erp.domain.fleet_records import Beat, slots
from shipperone_erp.engine.scheduling import Host
from shipperone_erp.fleet.group_queue import GroupQueue, database_errors
from shipperone_erp.fleet.schema_upgrade import engine_version
from shipperone_erp.fleet.tenant_book import LOOK_EVERY, TenantBook
from shipperone_erp.fleet.upkeep import FleetUpkeep, Schedule
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.ledger.fleet_store import FleetStore

ResultT = TypeVar("ResultT")

REFUSED_AGAIN = timedelta(seconds=10)
"""The delay until a group of which this worker serves no tenant is handed out again, so that others come first."""


def group_of(tenant: str, groups: int) -> str:
    """The group of a tenant when it is first registered in the fleet."""
    return f"group-{int.from_bytes(hashlib.sha256(tenant.encode()).digest()[:8]) % groups:04d}"


class HandOut:
    """A group handed to this worker.

    `back` is set once none of its tenants is served here, `ended` once the fleet's tables record this.
    """

    def __init__(self, group: str, job: int) -> None:
        self.group = group
        self.job = job
        self.leaving = False
        self.back = asyncio.Event()
        self.ended = asyncio.Event()


class FleetScheduler:
    """The `Scheduler` of a worker, for one run of it."""

    def __init__(
        self,
        configuration: Configuration,
        store: FleetStore,
        upkeep: FleetUpkeep,
        *,
        name: str,
        log: logging.Logger,
        time: TimeSource = MACHINE_TIME,
    ) -> None:
        self._time = time
        self._settings = configuration.runtime.fleet
        self._store = store
        self._upkeep = upkeep
        self._log = log
        self.name = name
        self._id = uuid.uuid4().hex
        self._book = TenantBook(configuration, log)
        self._queue = GroupQueue(configuration.runtime.ledger, self._settings, name, log)
        self._held: dict[str, HandOut] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._fleet: Mapping[str, str] = {}
        self._members: Mapping[str, str] = {}
        self._revision = 0
        self._slots = 0
        self._draining = False
        self._refusing = False
        self._newest = 0
        self._away = False
        self._wake = asyncio.Event()
        self._schedule = Schedule(time)

    async def run(self, host: Host, stopping: asyncio.Event) -> None:
        """See `Scheduler`."""
        self._host = host
        self._stopping = stopping
        async with self._queue:
            await self._register()
            await self._bring()
            await self._beat()
            fetching = asyncio.create_task(self._queue.run(self._serve, self._room))
            # the heartbeat waits for nothing: a configuration of thousands of tenants takes long to load
            beating = asyncio.create_task(self._rounds(self._until_due, self._beat))
            following = asyncio.create_task(self._rounds(self._until_woken, self._follow))
            ended = asyncio.create_task(stopping.wait())
            await asyncio.wait({fetching, ended, beating, following}, return_when=asyncio.FIRST_COMPLETED)
            self._queue.stop()
            for held in self._held.values():
                self._leave(held)
            try:
                async with database_errors():
                    await fetching
            except LedgerError:  # a worker that ends during a database outage is rescued like a dead one
                if not stopping.is_set():
                    raise
            for task in (beating, following, ended):
                task.cancel()
            await asyncio.wait({beating, following})
            with contextlib.suppress(LedgerError):
                await asyncio.to_thread(self._store.unregister, self._id)

    def _room(self) -> bool:
        return not self._draining and not self._stopping.is_set() and len(self._held) < self._slots

    async def _register(self) -> None:
        process = {"id": self._id, "name": self.name, "host": socket.gethostname(), "pid": os.getpid()}
        versions = {"version": version("shipperone-erp"), "engine": engine_version()}
        await asyncio.to_thread(self._store.register, process | versions)

    async def _bring(self) -> None:
        """Register tenants of this machine's configuration that are missing in the fleet."""
        new = {name: digest for name, digest in self._book.digests.items() if name not in self._fleet}
        if new:
            groups = self._settings.groups
            await asyncio.to_thread(self._store.add, {n: (group_of(n, groups), digest) for n, digest in new.items()})

    async def _serve(self, group: str, job: int) -> None:
        """Run a job of the queue until the group is given back. Errors of the engine end in its log, never here."""
        while (earlier := self._held.get(group)) is not None:  # another worker has closed its job meanwhile
            self._leave(earlier)
            await earlier.ended.wait()
        if self._stopping.is_set():  # fetched while this worker was stopping: nothing would give it back
            await self._deferred(group)
            return
        held = self._held[group] = HandOut(group, job)  # before the first await, so that `room` counts it
        try:
            members = await self._patiently(lambda: self._store.members([group]))
            if not members:
                return
            mine = await self._book.settings(members)
            refused = {one.tenant for one in self._book.refusals(self._fleet)}
            if not mine.keys() - refused:
                await self._deferred(group, REFUSED_AGAIN)
                return
            await self._deferred(group)
            await self._patiently(lambda: self._store.handed_out(group, self._id))
            self._log.info("group %s with %d tenant(s): served by this worker from now on", group, len(members))
            self._revision = 0  # requests the members with the next heartbeat, which follows at once
            self._wake.set()
            await held.back.wait()
            await self._patiently(lambda: self._store.handed_back(group, self._id))
            self._log.info("group %s: released", group)
        finally:
            del self._held[group]
            held.ended.set()

    async def _deferred(self, group: str, after: timedelta = timedelta()) -> None:
        with contextlib.suppress(LedgerError):  # every heartbeat looks for groups without a job
            async with database_errors():
                await self._queue.defer(group, after)

    async def _patiently(self, ask: Callable[[], ResultT]) -> ResultT:
        """The result of the database call, repeated during an outage."""
        while True:
            try:
                return await asyncio.to_thread(ask)
            except LedgerError:
                if self._stopping.is_set():
                    raise
                await self._time.sleep(self._settings.heartbeat.total_seconds())

    async def _until_due(self) -> None:
        await self._time.sleep(self._settings.heartbeat.total_seconds())

    async def _until_woken(self) -> None:
        await self._wake.wait()
        self._wake.clear()

    async def _rounds(self, wait: Callable[[], Awaitable[None]], act: Callable[[], Awaitable[None]]) -> None:
        """Act after each wait, until cancelled. A database outage is logged once."""
        while True:
            await wait()
            try:
                async with database_errors():
                    await act()
                self._away = False
            except LedgerError as failure:
                if not self._away:
                    self._log.warning("%s; this worker keeps serving its groups", failure)
                self._away = True
            except Exception:  # an internal error must not end what keeps this worker alive
                self._log.exception("this is a bug in shipperone-erp; the worker continues")

    async def _beat(self) -> None:
        """Send one heartbeat, and give up the groups that its result takes from this worker; wakes `_follow`."""
        stalled = self._settings.stalled.total_seconds()
        asked = frozenset(held.job for held in self._held.values())
        beat: Beat = await asyncio.to_thread(
            lambda: self._store.beat(self._id, self._queue.worker_id, asked, slots=self._slots, stalled=stalled)
        )
        if not beat.known and self._queue.worker_id:
            self._log.warning("this worker was suspended, and other workers have taken over its groups: they keep them")
            await self._register()
            await self._queue.register_again()
        if beat.draining and not self._draining:
            self._log.info("drained: every group is released, and none is claimed until a restart")
        self._draining = beat.draining
        self._slots = 0 if beat.draining else slots(beat.groups, beat.live)
        for held in list(self._held.values()):
            if held.job in asked and held.job not in beat.held:
                self._leave(held)
        kept = [held for held in self._held.values() if not held.leaving]
        for held in kept[self._slots :]:  # the newest groups, which lose the least
            self._leave(held)
        self._newest = beat.revision
        self._wake.set()

    async def _follow(self) -> None:
        """Follow the fleet and the files of this machine, then do this worker's part for the whole fleet."""
        await self._upkeep.follow_pauses()
        await self._serve_members(self._newest)
        await self._upkeep.run(self._queue, self._members, self._host.serving)

    async def _serve_members(self, revision: int) -> None:
        """Serve the members of the held groups, as far as the configuration of this machine permits."""
        changed = False
        if self._schedule.due("files", LOOK_EVERY):
            changed = await self._book.changed()
            renewed = await self._book.renewed()
            if renewed is not None:
                self._host.renew(renewed)
                changed = True
        if revision != self._revision or changed:
            # before they are read: a group that is handed out meanwhile requests them again
            self._revision = revision
            try:
                self._fleet = await asyncio.to_thread(self._store.digests)
                await self._bring()
                held = list(self._held.values())
                self._members = await asyncio.to_thread(self._store.members, [one.group for one in held])
            except LedgerError:
                self._revision = 0
                raise
            self._leave_empty(held)
        here = {name for name, group in self._members.items() if group in self._held}
        settings = await self._book.settings(here)
        refusals = self._book.refusals(self._fleet)
        refused = {one.tenant for one in refusals}
        stalled = self._settings.stalled.total_seconds()
        if refusals or self._refusing or changed or self._schedule.due("refusals", 60.0):
            self._refusing = bool(refusals)  # if none are left, the recorded refusals are withdrawn at once
            refuse = partial(self._store.refuse, self._id, refusals, stalled=stalled)
            if await asyncio.to_thread(refuse) > 0:
                self._revision = 0
        for tenant in here & refused:
            if await asyncio.to_thread(partial(self._store.part, tenant, refused_by=self._id, stalled=stalled)):
                self._revision = 0
        wanted = {name for name in here - refused if self._is_held(name)}
        leaving = {name for name, of in self._members.items() if of in self._held and self._held[of].leaving}
        gone = self._host.serving - wanted - leaving
        if gone:
            self._aside(self._host.leave(gone))
        for name in sorted(wanted - self._host.serving):
            if name in settings and self._is_held(name):
                self._host.start(settings[name])
                await asyncio.sleep(0)  # lets the heartbeat run between thousands of starts

    def _leave_empty(self, held: Collection[HandOut]) -> None:
        """Give up the groups that the last member has left: each would keep a slot from a group with tenants.

        A group that gets a member meanwhile is handed out again: every worker looks for groups without a hand-out.
        """
        with_members = set(self._members.values())
        for one in held:
            if one.group not in with_members and self._held.get(one.group) is one:
                self._leave(one)

    def _is_held(self, tenant: str) -> bool:
        held = self._held.get(self._members.get(tenant, ""))
        return held is not None and not held.leaving

    def _leave(self, held: HandOut) -> None:
        """Give a group back, once its hooks have returned."""
        if not held.leaving:
            held.leaving = True
            self._aside(self._release(held))

    async def _release(self, held: HandOut) -> None:
        mine = [name for name, of in self._members.items() if of == held.group]
        await self._host.leave(mine)
        held.back.set()

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
