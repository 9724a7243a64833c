"""One stage of one tenant: read, plan, act. Runs under the stage's lease."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shipperone_erp.config import TenantSettings
from shipperone_erp.ledger.records import Job, QueueRecord
from shipperone_erp.ledger.store import Ledger
from shipperone_erp.model.answers import Reservation
from shipperone_erp.model.work import Stage, State
from shipperone_erp.reasons import Reason
from shipperone_erp.runtime.desk import StageDesk
from shipperone_erp.runtime.memory import remember
from shipperone_erp.runtime.recovery import recover
from shipperone_erp.runtime.solitude import Solitude
from shipperone_erp.shipperone.answers import ReadFailed, Trouble
from shipperone_erp.shipperone.reading import Listing
from shipperone_erp.stages.acting import act
from shipperone_erp.stages.decisions import Decision, Leave, Note, order_of
from shipperone_erp.stages.planning import Memory, Scope, plan

TELL_EVERY = timedelta(minutes=1)
"""How often at least the ledger is told that a queue was read, if that is all there is to tell: a commit costs."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What one cycle did: how many jobs it moved, when the next one comes due, what it acted on."""

    moved: int
    next_due: datetime | None
    orders: frozenset[str]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which orders a run is restricted to: these ids (empty: all), at most `limit` of each stage."""

    orders: frozenset[str] = frozenset()
    limit: int | None = None

    def admits(self, order_id: str) -> bool:
        """The order is not excluded by its id."""
        return not self.orders or order_id in self.orders


class StageRun:
    """Cycles of one stage under one lease. Orders are worked on side by side, the jobs of one order one by one."""

    def __init__(
        self,
        desk: StageDesk,
        ledger: Ledger,
        *,
        seen_in_invoice: Callable[[], frozenset[str]],
        solitude: Solitude,
        in_flight: int,
        log: logging.Logger,
    ) -> None:
        settings = desk.settings
        self.desk = desk
        self.stage: Stage = desk.stage
        self.tenant = settings.name
        self.scope = scope_of(settings, desk.stage)
        self._ledger = ledger
        self._seen_in_invoice = seen_in_invoice
        self._solitude = solitude
        self._places = asyncio.Semaphore(in_flight)
        self._log = log
        self._running: dict[str, asyncio.Task[None]] = {}
        self._suspects: set[int] = set()
        self._allocations: dict[str, list[Job]] = {}
        self._moved = 0

    async def recover(self) -> None:
        """Take up what an earlier process left behind; call once, before cycles."""
        self._suspects = await recover(self.desk, self._ledger)

    async def cycle(self, selection: Selection, *, wait: bool) -> Passed:
        """Read the queue, decide, act. With `wait` it returns once everything that it started has come to rest.

        ReadFailed if the queue cannot be read; LeaseLost or LedgerError if nothing can be recorded any more.
        """
        self._moved = 0
        busy = bool(self._running)
        try:
            listing, memory, decisions = await self._look()
        except ReadFailed as failure:
            await self._not_read(failure)
            raise
        self.desk.queue_answers()
        chosen = list(self._chosen(decisions, selection))
        await self._act(chosen, listing)
        if wait:
            await self.rest()
        await self.desk.journal.flushed()
        # where nothing was done the ledger still says what it said
        known = await self.unfinished() if chosen or busy else [job for job in memory.jobs if not job.ended]
        times = [job.next_attempt_at for job in known if job.next_attempt_at and self._hurries(job, listing)]
        return Passed(self._moved, min(times, default=None), frozenset(order_id for order_id, _ in chosen))

    async def rest(self) -> None:
        """Wait until nothing of this stage is being worked on."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    def abandon(self) -> None:
        """Wait for nothing any more: what is still inside a call is unknown to whoever takes this up next."""
        for task in self._running.values():
            task.cancel()

    async def _look(self) -> tuple[Listing, Memory, list[Decision]]:
        busy = frozenset(self._running)
        listing = await self.desk.view.read()
        memory, record = await self._memory(listing, busy)
        decisions = plan(self.scope, listing, memory, self.desk.now())
        if not listing.proves_absence and listing.complete and _wants_proof(decisions, listing):
            busy |= frozenset(self._running)
            listing = await self.desk.view.read(prove=True)
            memory, record = await self._memory(listing, busy)
            decisions = plan(self.scope, listing, memory, self.desk.now())
        if listing.alert:
            self._log.warning("%s %s: %s", self.tenant, self.stage, listing.alert)
        if listing.complete:
            self._read_well(listing, record)
        return listing, memory, decisions

    async def _not_read(self, failure: ReadFailed) -> None:
        """A token that is refused is a pause of the tenant, which `status` shows."""
        if failure.trouble is not Trouble.UNAUTHORISED:
            return
        self.desk.queue_refused(failure.sentence)
        record = await asyncio.to_thread(self._ledger.queue, self.tenant, self.stage)
        record = record or QueueRecord(tenant=self.tenant, stage=self.stage)
        self.desk.journal.queue(
            replace(
                record,
                paused_reason=Reason.PLATFORM_AUTH,
                paused_sentence=failure.sentence,
                paused_at=record.paused_at or self.desk.now(),
            )
        )
        await self.desk.journal.flushed()

    def _read_well(self, listing: Listing, record: QueueRecord) -> None:
        live_at = record.live_at
        if live_at is None and (self.desk.settings.go_live == "now" or not (listing.orders or listing.unreadable)):
            live_at = listing.began_at
        told = record.last_good_read_at
        now = replace(
            record,
            first_read_at=record.first_read_at or listing.began_at,
            live_at=live_at,
            last_good_read_at=listing.began_at,
            paused_reason=None,
            paused_sentence=None,
            paused_at=None,
        )
        recent = told is not None and timedelta(0) <= listing.began_at - told < TELL_EVERY
        if not recent or replace(now, last_good_read_at=told) != record:
            self.desk.journal.queue(now)

    async def _memory(self, listing: Listing, busy: frozenset[str]) -> tuple[Memory, QueueRecord]:
        memory, record = await asyncio.to_thread(
            remember,
            self._ledger,
            self.scope,
            listing,
            go_live=self.desk.settings.go_live,
            seen_in_invoice=self._seen_in_invoice(),
            busy=busy,
        )
        self._allocations = defaultdict(list)
        for job in memory.allocations:
            self._allocations[job.order_id].append(job)
        return memory, record

    def _chosen(self, decisions: Iterable[Decision], selection: Selection) -> Iterable[tuple[str, list[Decision]]]:
        """The decisions of each order together, in their urgency, as far as this run may act on them."""
        orders: dict[str, list[Decision]] = defaultdict(list)
        for decision in decisions:
            if not isinstance(decision, Leave) and selection.admits(order_of(decision)):
                orders[order_of(decision)].append(decision)
        return list(orders.items())[: selection.limit]

    async def _act(self, chosen: list[tuple[str, list[Decision]]], listing: Listing) -> None:
        suspects = [entry for entry in chosen if self._suspected(entry[1])]
        for order_id, decisions in suspects:
            async with self._solitude.alone():
                await self._order(order_id, decisions, alone=True)
        for order_id, decisions in chosen:
            if all(isinstance(decision, Note) for decision in decisions):
                for decision in decisions:
                    await act(decision, self.desk, self._reservations)
            elif (order_id, decisions) not in suspects:
                task = asyncio.get_running_loop().create_task(self._in_turn(order_id, decisions))
                self._running[order_id] = task

    def _suspected(self, decisions: Collection[Decision]) -> bool:
        return any(not isinstance(d, Leave) and d.job.id in self._suspects for d in decisions)

    async def _in_turn(self, order_id: str, decisions: list[Decision]) -> None:
        try:
            async with self._places:
                if not self.desk.stopping:
                    await self._order(order_id, decisions)
        except Exception as error:  # the journal keeps what failed and stops the cycle; here it must not go unseen
            if self.desk.journal.failure is None:
                self._log.exception("%s %s: order %s", self.tenant, self.stage, order_id)
                self.desk.journal.failure = error
        finally:
            self._running.pop(order_id, None)

    async def _order(self, order_id: str, decisions: list[Decision], *, alone: bool = False) -> None:
        for decision in decisions:
            job = await act(decision, self.desk, self._reservations, alone=alone)
            if job is not None and not isinstance(decision, Leave):
                before = decision.job
                self._moved += (before.id, before.state, before.step, before.reason) != (
                    job.id, job.state, job.step, job.reason
                )  # fmt: skip
                self._suspects.discard(before.id)
        await self.desk.journal.flushed()

    def _reservations(self, job: Job) -> tuple[Reservation, ...]:
        return tuple(
            Reservation(key=made.key, reference=made.reference, item_ids=made.item_ids)
            for made in self._allocations.get(job.order_id, ())
            if made.reference is not None and made.state not in (State.GONE, State.SUPERSEDED)
        )

    async def unfinished(self) -> list[Job]:
        """Every job of this stage that has not ended."""
        return await asyncio.to_thread(self._ledger.unfinished_jobs, self.tenant, self.stage)

    def _hurries(self, job: Job, listing: Listing) -> bool:
        """Its next attempt is worth a read of its own.

        What was due already when this read began, and was left alone, would be left alone by the next one too (its
        order is not listed, say); unless one more read settles a lost answer, or its work is still under way.
        """
        if job.next_attempt_at and job.next_attempt_at > listing.began_at:
            return True
        return job.order_id in self._running or (job.lost_at is not None and listing.complete)


def scope_of(settings: TenantSettings, stage: Stage) -> Scope:
    """The tenant's settings that planning goes by."""
    return Scope(
        tenant=settings.name,
        stage=stage,
        base_url=settings.base_url,
        store_code=settings.store_code,
        settle=settings.settle,
        gone_grace=settings.gone_grace,
        in_doubt=settings.in_doubt,
    )


def _wants_proof(decisions: Iterable[Decision], listing: Listing) -> bool:
    """Something may be gone, or its answer was lost: only a read that proves absence can tell."""
    readable = listing.orders.keys()
    unreadable = {entry.order_id for entry in listing.unreadable}
    for decision in decisions:
        if isinstance(decision, Leave):
            if decision.order_id not in readable and decision.order_id not in unreadable:
                return True
        elif not decision.job.accepted and decision.job.order_id not in unreadable:
            listed = listing.orders.get(decision.job.order_id)
            if listed is None or (decision.job.lost_at and listed.fingerprint != decision.job.fingerprint):
                return True
    return False
