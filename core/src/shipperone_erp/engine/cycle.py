"""The cycle of one stage of one tenant: read, plan, act. Runs under the stage's lease."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from shipperone_erp.domain.absence import wants_proof
from shipperone_erp.domain.allocation_release import to_be_given_back
from shipperone_erp.domain.decisions import (
    Continue,
    Decision,
    NoAction,
    RecordObservation,
    Start,
    StartHeld,
    moved_decision,
)
from shipperone_erp.domain.events import OrderPlanned, OrderRests, WorkLeft
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listing, ReadFailed
from shipperone_erp.domain.planner import plan, urgency
from shipperone_erp.domain.planner_input import PlannerInput, planner_rules
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine import upgrade_checks
from shipperone_erp.engine.allocations import Allocations
from shipperone_erp.engine.clock import StageClock
from shipperone_erp.engine.crash_isolation import CrashIsolation
from shipperone_erp.engine.cycle_ports import CyclePorts
from shipperone_erp.engine.fair_semaphore import FairSemaphore
from shipperone_erp.engine.interrupted_intents import recover
from shipperone_erp.engine.next_read import LastRead, next_read_for
from shipperone_erp.engine.observers.registry import Observers
from shipperone_erp.engine.other_queues import OtherQueues
from shipperone_erp.engine.planner_input_loader import load_planner_input
from shipperone_erp.engine.queue_record import QueueKeeper
from shipperone_erp.engine.selection import Selection, before_go_live
from shipperone_erp.engine.shipping_deadline import ShippingDeadline
from shipperone_erp.kernel.offload import aside
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.workflow.dispatch import act

AT_ONCE = 100
"""Orders that are planned or started in one step of the event loop: a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The result of one cycle: the number of moved jobs, the seconds until the next is due, the orders acted on."""

    moved: int
    due_in: float | None
    orders: frozenset[str]


LOG = logging.getLogger("shipperone_erp.run")


class StageCycle:
    """Cycles of one stage under one lease. Orders are worked on concurrently, the jobs of one order one by one."""

    def __init__(
        self,
        context: CyclePorts,
        ledger: Ledger,
        others: OtherQueues,
        crash_isolation: CrashIsolation,
        events: Observers,
        *,
        in_flight: int,
    ) -> None:
        settings = context.settings
        self.context = context
        self.stage: Stage = context.stage
        self.tenant = settings.name
        self.rules = planner_rules(settings, context.stage)
        self._ledger = ledger
        self._others = others
        self._queue = QueueKeeper(context, ledger, LOG)
        self._deadline = ShippingDeadline(settings.ship_within)
        self._crash_isolation = crash_isolation
        self._events = events
        self._places = FairSemaphore(in_flight)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._suspects: set[int] = set()
        self._allocations = Allocations((), settings, context.erp)
        self._planned: dict[int, Job] = {}
        self._moved = 0
        self._clock: StageClock = context.clock
        self._clock.jumped()  # discard jumps from before this lease: they concerned another schedule
        self._planned_at = context.now()
        self._complete = False

    async def recover(self) -> None:
        """Recover the work of an earlier process; call once, before cycles."""
        self._suspects = await recover(self._ledger, self.context)

    async def cycle(self, selection: Selection, *, wait: bool) -> Passed:
        """Read the queue, decide, act. With `wait` it returns once all work that it started has paused or ended.

        ReadFailed if the queue cannot be read; LeaseLost or LedgerError if nothing can be recorded any more.
        """
        # an idle stage writes nothing, so that no rejected write would reveal that the lease was lost
        await self.context.check_lease()
        self._moved = 0
        busy = bool(self._running)
        try:
            planner_input, decisions = await self._look()
        except ReadFailed as failure:
            await self._queue.not_read(failure)
            await self._act(selection.chosen(await self._without_reading()))
            if wait:
                await self.rest()
            raise
        self.context.queue_answers()
        chosen = selection.chosen(decisions)
        # Only the first read of a queue holds its orders for the go-live, whatever orders this run is restricted to.
        held = before_go_live(decisions, {order_id for order_id, _ in chosen})
        await self._act([*chosen, *held])
        if wait:
            await self.rest()
        await self.context.effect_log.flushed()
        # where nothing was done, the ledger is unchanged
        known = (
            await self.unfinished() if chosen or held or busy else [job for job in planner_input.jobs if not job.ended]
        )
        remaining = WorkLeft(self.tenant, self.stage, known, self.context.now(), self.context.settings.invoice_within)
        self._events.publish(remaining)
        read = LastRead(self._planned_at, self._complete, frozenset(self._running))
        times = [time for job in known if (time := next_read_for(job, read, self.rules.settle)) is not None]
        due_in = (min(times) - self.context.now()).total_seconds() if times else None
        return Passed(self._moved, due_in, frozenset(order_id for order_id, _ in chosen))

    async def rest(self) -> None:
        """Wait until no order of this stage is being worked on."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    def abandon(self) -> None:
        """Cancel all work: a call still under way has an unknown outcome for the next process."""
        for task in self._running.values():
            task.cancel()

    async def _look(self) -> tuple[PlannerInput, list[Decision]]:
        if jump := self._clock.jumped():
            await self._queue.clock_was_set(jump, frozenset(self._running))
        busy = frozenset(self._running)
        listing = await self.context.view.read()
        planner_input, record = await self._load_planner_input(listing, busy)
        decisions = await self._plan(listing, planner_input)
        if not listing.proves_absence and listing.complete and wants_proof(decisions, listing):
            busy |= frozenset(self._running)
            listing = await self.context.view.read(prove=True)
            planner_input, record = await self._load_planner_input(listing, busy)
            decisions = await self._plan(listing, planner_input)
        if listing.alert:
            LOG.warning("%s %s: %s", self.tenant, self.stage, listing.alert)
        if listing.complete:
            if upgrade_checks.are_new(record):
                await aside(partial(upgrade_checks.log_new_rules, self.context.settings, planner_input, decisions, LOG))
            self._queue.read_well(listing, record)
        return planner_input, decisions

    async def _without_reading(self) -> list[Decision]:
        """The decisions that need no listing: jobs that ShipperOne has accepted wait only for the ERP."""
        now = self.context.now()
        nothing = Listing(
            stage=self.stage, began_at=now, ended_at=now, orders={}, unreadable=(), complete=False,
            proves_absence=False, pages=0, alert=None,
        )  # fmt: skip
        planner_input, _ = await self._load_planner_input(nothing, frozenset(self._running))
        return [decision for decision in await self._plan(nothing, planner_input) if isinstance(decision, Continue)]

    async def _plan(self, listing: Listing, planner_input: PlannerInput) -> list[Decision]:
        self._planned_at, self._complete = self.context.now(), listing.complete
        planned = partial(plan, self.rules, listing, planner_input, self._planned_at)
        few = len(listing.orders) + len(planner_input.jobs) <= AT_ONCE
        return planned() if few else await aside(planned)

    async def _load_planner_input(self, listing: Listing, busy: frozenset[str]) -> tuple[PlannerInput, QueueRecord]:
        planner_input, record = await asyncio.to_thread(
            load_planner_input,
            self._ledger,
            self.rules,
            listing,
            go_live=self.context.settings.go_live,
            shipped=self._others.shipped(),
            busy=busy,
            confirmed=self._deadline.window(self.context.now()),
        )
        if listing.proves_absence and any(to_be_given_back(job) for job in planner_input.jobs):
            planner_input = replace(planner_input, elsewhere=await self._others.invoice_listing(self.tenant))
        if listing.proves_absence and any(job.absence_doubtful and not job.ended for job in planner_input.jobs):
            planner_input = replace(planner_input, failed=await self._others.failed_orders())
        self._planned = {job.id: job for job in (*planner_input.jobs, *planner_input.unshipped)}
        planner_input = replace(planner_input, jobs=tuple(map(self._released, planner_input.jobs)))
        self._allocations = Allocations(planner_input.allocations, self.context.settings, self.context.erp)
        self.context.planned_from(planner_input, busy)
        return planner_input, record

    def _released(self, job: Job) -> Job:
        """The job; if it was held for an exception that turned out to affect every order, it waits instead."""
        if (
            job.state is not State.HELD
            or job.reason is not Reason.CONNECTOR_BUG
            or not self.context.hooks.released(job)
        ):
            return job
        return job.released(self.context.now())

    async def _act(self, chosen: list[tuple[str, list[Decision]]]) -> None:
        suspects = {order_id: decisions for order_id, decisions in chosen if self._suspected(decisions)}
        for decisions in suspects.values():
            async with self._crash_isolation.alone():
                await self._order(decisions, self._to_be_taken(decisions), alone=True)
        notes: list[list[Decision]] = []
        for number, (order_id, decisions) in enumerate(chosen, 1):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)  # yield to the other tenants
            if all(isinstance(decision, RecordObservation) for decision in decisions):
                notes.append(decisions)
            elif order_id not in suspects:
                turn = self._in_turn(order_id, decisions, self._to_be_taken(decisions), self._clock.moved)
                task = asyncio.get_running_loop().create_task(turn)
                self._running[order_id] = task
                self._events.publish(OrderPlanned(self.tenant, self.stage))
                task.add_done_callback(partial(self._rests, order_id))
        for first in range(0, len(notes), AT_ONCE):
            some = notes[first : first + AT_ONCE]
            await asyncio.gather(*(self._order(noted, self._to_be_taken(noted)) for noted in some))

    def _suspected(self, decisions: Collection[Decision]) -> bool:
        return any(not isinstance(d, NoAction) and d.job.id in self._suspects for d in decisions)

    def _to_be_taken(self, decisions: Collection[Decision]) -> list[Job]:
        """The jobs, as they were before planning, that an operator could act on before the first write."""
        planned = [self._planned[d.job.id] for d in decisions if not isinstance(d, NoAction | Start | StartHeld)]
        return [job for job in planned if job.state is not State.WORKING]

    async def _in_turn(
        self, order_id: str, decisions: list[Decision], taking: list[Job], clock_moved: timedelta
    ) -> None:
        try:
            # by urgency, so that an accepted invoice is not queued behind a flood that came before it
            await self._places.acquire(urgency=urgency(decisions[0]))
            try:
                if not self.context.stopping:
                    if by := self._clock.moved - clock_moved:
                        decisions = [moved_decision(decision, by) for decision in decisions]
                    await self._order(decisions, taking)
            finally:
                self._places.release()
        except Exception as error:  # the effect log keeps the failure, which stops the cycle
            if self.context.effect_log.failure is None:
                LOG.exception("%s %s: order %s", self.tenant, self.stage, order_id)
                self.context.effect_log.failure = error

    def _rests(self, order_id: str, task: asyncio.Task[None]) -> None:
        self._running.pop(order_id, None)
        self._events.publish(OrderRests(self.tenant, self.stage))

    async def _order(self, decisions: list[Decision], taking: list[Job], *, alone: bool = False) -> None:
        """Act on one order. Does nothing if an operator has acted on it since it was planned: the next cycle plans
        again.
        """
        if taking and not await self.context.effect_log.claim(taking):
            return
        try:
            for decision in decisions:
                job = await act(decision, self.context, self._allocations.beside, alone=alone)
                if job is not None and not isinstance(decision, NoAction):
                    before = decision.job
                    self._moved += (before.id, before.state, before.step, before.reason) != (
                        job.id, job.state, job.step, job.reason
                    )  # fmt: skip
                    self._suspects.discard(before.id)
        finally:
            if taking:
                self.context.effect_log.release(taking)
        await self.context.effect_log.flushed()

    async def unfinished(self) -> list[Job]:
        """Every job of this stage that may still move automatically."""
        return await asyncio.to_thread(self._ledger.living_jobs, self.tenant, self.stage)
