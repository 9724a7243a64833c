"""The cycle of one stage of one tenant: read, plan, act. Runs under the stage's lease."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from shipperone_erp.domain.decisions import Decision, NoAction, RecordObservation, Start, StartHeld, moved_decision
from shipperone_erp.domain.events import OrderPlanned, OrderRests, WorkLeft
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.domain.planner import urgency
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.clock import StageClock
from shipperone_erp.engine.crash_isolation import CrashIsolation
from shipperone_erp.engine.cycle_ports import CyclePorts
from shipperone_erp.engine.fair_semaphore import FairSemaphore
from shipperone_erp.engine.interrupted_intents import recover
from shipperone_erp.engine.observers.registry import Observers
from shipperone_erp.engine.other_queues import OtherQueues
from shipperone_erp.engine.resting_queue import RestingQueue
from shipperone_erp.engine.selection import Selection, before_go_live
from shipperone_erp.engine.stage_planning import AT_ONCE, LOG, StagePlanning
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.workflow.dispatch import act


@dataclass(frozen=True, slots=True)
class Passed:
    """The result of one cycle: the number of moved jobs, the seconds until the next is due, the orders acted on."""

    moved: int
    due_in: float | None
    orders: frozenset[str]


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
        self._ledger = ledger
        self._planning = StagePlanning(context, ledger, others)
        self._crash_isolation = crash_isolation
        self._events = events
        self._places = FairSemaphore(in_flight)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._suspects: set[int] = set()
        self._moved = 0
        self._clock: StageClock = context.clock

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
        running = frozenset(self._running)
        try:
            listing = await self._planning.read(running)
            if not running and (resting := self._planning.resting(listing)) is not None:
                return await self._rested(resting)
            planner_input, decisions = await self._planning.look(listing, running)
        except ReadFailed:
            await self._act(selection.chosen(await self._planning.without_reading(frozenset(self._running))))
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
            await self.unfinished()
            if chosen or held or running
            else [job for job in planner_input.jobs if not job.ended]
        )
        next_read_at = self._planning.next_read_at(known, frozenset(self._running))
        return self._passed(known, next_read_at, frozenset(order_id for order_id, _ in chosen))

    async def _rested(self, resting: RestingQueue) -> Passed:
        self.context.queue_answers()
        await self.context.effect_log.flushed()
        return self._passed(resting.jobs, resting.next_read_at, frozenset())

    def _passed(self, jobs: Sequence[Job], next_read_at: datetime | None, orders: frozenset[str]) -> Passed:
        now = self.context.now()
        self._events.publish(WorkLeft(self.tenant, self.stage, jobs, now, self.context.settings.invoice_within))
        due_in = (next_read_at - now).total_seconds() if next_read_at is not None else None
        return Passed(self._moved, due_in, orders)

    async def rest(self) -> None:
        """Wait until no order of this stage is being worked on."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    def abandon(self) -> None:
        """Cancel all work: a call still under way has an unknown outcome for the next process."""
        for task in self._running.values():
            task.cancel()

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
        planned = [
            self._planning.planned[d.job.id] for d in decisions if not isinstance(d, NoAction | Start | StartHeld)
        ]
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
        saved: list[tuple[Job, timedelta]] = []
        try:
            for decision in decisions:
                job = await act(decision, self.context, self._planning.allocations.beside, alone=alone)
                if job is not None:
                    saved.append((job, self._clock.moved))
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
        for job, clock_moved in saved:
            if (by := self._clock.moved - clock_moved) and not job.ended:
                # the cycle that noticed it left this order alone, as one that is worked on
                await self._planning.move_along(job, by)

    async def unfinished(self) -> list[Job]:
        """Every job of this stage that may still move automatically."""
        return await asyncio.to_thread(self._ledger.living_jobs, self.tenant, self.stage)
