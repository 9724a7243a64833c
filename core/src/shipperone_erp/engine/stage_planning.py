"""Reads the queue and the ledger of one stage of a tenant, and plans from both; nothing is planned while both rest."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from shipperone_erp.domain.absence import wants_proof
from shipperone_erp.domain.allocation_release import to_be_given_back
from shipperone_erp.domain.confirmed_elsewhere import confirmed_by_others, to_be_looked_up
from shipperone_erp.domain.decisions import Continue, Decision
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listing, ReadFailed
from shipperone_erp.domain.planner import plan
from shipperone_erp.domain.planner_input import PlannerInput, PlannerRules
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.domain.resting_plan import changes_at, rests
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine import upgrade_checks
from shipperone_erp.engine.allocations import Allocations
from shipperone_erp.engine.clock import set_back
from shipperone_erp.engine.cycle_ports import CyclePorts
from shipperone_erp.engine.ledger_revision import LedgerRevision
from shipperone_erp.engine.next_read import LastRead, next_read_for
from shipperone_erp.engine.other_queues import OtherQueues, jobs_to_ship
from shipperone_erp.engine.planner_input_loader import load_planner_input
from shipperone_erp.engine.queue_record import QueueKeeper
from shipperone_erp.engine.resting_queue import PLANNED_EVERY, RestingQueue
from shipperone_erp.engine.shipping_deadline import ShippingDeadline
from shipperone_erp.kernel.offload import aside
from shipperone_erp.ledger.repository import Ledger

AT_ONCE = 100
"""Orders that are planned or started in one step of the event loop: a few milliseconds."""

LOG = logging.getLogger("shipperone_erp.run")


class StagePlanning:
    """The reads and plans of one stage under one lease, one at a time."""

    def __init__(self, context: CyclePorts, ledger: Ledger, others: OtherQueues) -> None:
        settings = context.settings
        self.context = context
        self.stage: Stage = context.stage
        self.tenant = settings.name
        self.rules = PlannerRules(settings, context.stage)
        self._ledger = ledger
        self._others = others
        self._queue = QueueKeeper(context, ledger, LOG)
        self.move_along = self._queue.move_along
        self._deadline = ShippingDeadline(settings.ship_within)
        self._resting: RestingQueue | None = None
        self._shipped = others.shipped()
        self._planned_at = context.now()
        self._complete = False
        self.planned: dict[int, Job] = {}
        """The jobs as they were before planning."""
        self.allocations = Allocations((), settings, context.erp)
        context.clock.jumped()  # discard jumps from before this lease: they concerned another schedule

    async def read(self, running: frozenset[str]) -> Listing:
        """Read the queue; `running` are the orders that are worked on now. ReadFailed if it cannot be read."""
        if jump := self.context.clock.jumped():
            self._resting = None
            await self._queue.clock_was_set(jump, running)
        return await self._read()

    def resting(self, listing: Listing) -> RestingQueue | None:
        """The newest plan, if a plan of this listing would do nothing either; call it while nothing is worked on.

        The read is recorded as after a plan.
        """
        resting, now = self._resting, self.context.now()
        if (
            resting is None
            or self._deadline.is_due(now)
            or not resting.rests(listing, self._others.shipped(), self.context.ledger_revision(), now)
        ):
            self._resting = None
            return None
        self._alert(listing)
        self._resting = replace(resting, record=self._queue.read_again(listing, resting.record))
        return self._resting

    async def look(self, listing: Listing, running: frozenset[str]) -> tuple[PlannerInput, list[Decision]]:
        """Plan from this read, or from another one that proves absence where the plan wants one, or it is the first.

        `running`: the orders that were worked on when the read began.
        """
        self._resting, revision = None, self.context.ledger_revision()
        planner_input, record = await self._load(listing, running)
        if behind := set_back(record, self.context.now()):
            await self._queue.clock_was_set(-behind, running)
            planner_input, record = await self._load(listing, running)
        decisions = await self._plan(listing, planner_input)
        # an order that moved up between two pages of the first read would count as listed after the go-live
        first = record.first_read_at is None and not planner_input.live
        if not listing.proves_absence and listing.complete and (first or wants_proof(decisions, listing)):
            listing = await self._read(prove=True)
            planner_input, record = await self._load(listing, running)
            decisions = await self._plan(listing, planner_input)
        self._alert(listing)
        if listing.complete:
            if upgrade_checks.are_new(record):
                await aside(partial(upgrade_checks.log_new_rules, self.context.settings, planner_input, decisions, LOG))
            record = self._queue.read_well(listing, record)
        if revision is not None and rests(decisions, listing, planner_input):
            self._resting = self._at_rest(listing, planner_input, revision, record)
        return planner_input, decisions

    async def without_reading(self, running: frozenset[str]) -> list[Decision]:
        """The decisions that need no listing: jobs that ShipperOne has accepted wait only for the ERP."""
        now = self.context.now()
        nothing = Listing(
            stage=self.stage, began_at=now, orders={}, unreadable=(), complete=False,
            proves_absence=False, alert=None,
        )  # fmt: skip
        planner_input, _ = await self._load(nothing, running)
        return [decision for decision in await self._plan(nothing, planner_input) if isinstance(decision, Continue)]

    def next_read_at(self, jobs: Iterable[Job], running: frozenset[str]) -> datetime | None:
        """When the first of these jobs requires the next read; None if none does."""
        last = LastRead(self._planned_at, self._complete, running)
        moments = (next_read_for(job, last, self.rules.settings.settle) for job in jobs)
        return min((moment for moment in moments if moment is not None), default=None)

    def _at_rest(
        self, listing: Listing, planner_input: PlannerInput, revision: LedgerRevision, record: QueueRecord
    ) -> RestingQueue:
        jobs = [job for job in planner_input.jobs if not job.ended]
        latest = self._planned_at + PLANNED_EVERY
        return RestingQueue(
            listing=listing,
            shipped=self._shipped,
            revision=revision,
            planned_at=self._planned_at,
            until=min(changes_at(planner_input, listing, self.rules.settings.settle) or latest, latest),
            jobs=jobs,
            next_read_at=self.next_read_at(jobs, frozenset()),
            record=record,
        )

    async def _read(self, *, prove: bool = False) -> Listing:
        try:
            return await self.context.view.read(prove=prove)
        except ReadFailed as failure:
            self._resting = None
            await self._queue.not_read(failure)
            raise

    def _alert(self, listing: Listing) -> None:
        if listing.alert:
            LOG.warning("%s %s: %s", self.tenant, self.stage, listing.alert)

    async def _plan(self, listing: Listing, planner_input: PlannerInput) -> list[Decision]:
        self._planned_at, self._complete = self.context.now(), listing.complete
        planned = partial(plan, self.rules, listing, planner_input, self._planned_at)
        few = len(listing.orders) + len(planner_input.jobs) <= AT_ONCE
        return planned() if few else await aside(planned)

    async def _load(self, listing: Listing, running: frozenset[str]) -> tuple[PlannerInput, QueueRecord]:
        shipped = self._others.shipped()
        planner_input, record = await asyncio.to_thread(
            load_planner_input,
            self._ledger,
            self.rules,
            listing,
            go_live=self.context.settings.go_live,
            shipped=shipped,
            busy=running,
            confirmed=self._deadline.window(self.context.now()),
            fiscal_first=self.context.settings.fiscal_first,
        )
        if listing.proves_absence and any(to_be_given_back(job) for job in planner_input.jobs):
            planner_input = replace(planner_input, elsewhere=await self._others.invoice_listing(self.tenant))
        if listing.proves_absence and any(job.absence_doubtful and not job.ended for job in planner_input.jobs):
            planner_input = replace(planner_input, failed=await self._others.failed_orders())
        asked = to_be_looked_up(planner_input.jobs, listing, self.context.now(), self.rules.settings.gone_grace)
        to_ship = await jobs_to_ship(asked, self._others.read_to_ship)
        if elsewhere := [job.order_id for job in asked if job.id in to_ship.jobs and not job.accepted]:
            LOG.warning("%s %s: %s", self.tenant, self.stage, confirmed_by_others(elsewhere))
        planner_input = replace(planner_input, to_ship=to_ship)
        self.planned = {job.id: job for job in (*planner_input.jobs, *planner_input.unshipped)}
        planner_input = replace(planner_input, jobs=tuple(map(self._released, planner_input.jobs)))
        self.allocations = Allocations(planner_input.allocations, self.context.settings, self.context.erp)
        self.context.planned_from(planner_input, running)
        self._shipped = shipped
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
