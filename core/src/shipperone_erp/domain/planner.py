"""Plans the work of a read from its listing and the ledger's jobs. Pure: it reads and writes nothing.

A plan can be repeated at any time. It matches each listed order with its jobs, then decides about the jobs whose orders
are not listed. It calls no ERP, so a queue of thousands of waiting orders costs milliseconds.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from shipperone_erp.domain.absence import absent
from shipperone_erp.domain.allocation_release import give_back, kept_too_long, shipped_after_all, to_be_given_back
from shipperone_erp.domain.decisions import (
    Continue,
    Decision,
    NoAction,
    PutOnHold,
)
from shipperone_erp.domain.job import InvalidTransition, Job
from shipperone_erp.domain.listed_orders import listed_decisions, unreadable_decisions, waits, why_not_now
from shipperone_erp.domain.listing import Listing, UnreadableOrder
from shipperone_erp.domain.planner_input import PlannerInput, PlannerRules
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.set_aside import UNREADABLE
from shipperone_erp.domain.shipped_unreserved import unless_shipped
from shipperone_erp.domain.states import State
from shipperone_erp.kernel.durations import words
from shipperone_erp.kernel.grouping import grouped


def plan(rules: PlannerRules, listing: Listing, planner_input: PlannerInput, now: datetime) -> list[Decision]:
    """Every decision that this read requires: confirmed but unfinished work first, then the oldest order first."""
    if planner_input.restored_at is not None:
        rules = replace(rules, restored_at=planner_input.restored_at)
    decisions = list(_decide(rules, listing, planner_input, now))
    return sorted(decisions, key=urgency)


def urgency(decision: Decision) -> tuple[int, datetime | None, int]:
    """The sort key: jobs that ShipperOne has accepted first, then the oldest."""
    if isinstance(decision, NoAction):
        return 3, None, 0
    job = decision.job
    return (0 if job.accepted else 1), job.first_listed_at, job.id


def _decide(rules: PlannerRules, listing: Listing, planner_input: PlannerInput, now: datetime) -> Iterator[Decision]:
    jobs = grouped(sorted(planner_input.jobs, key=lambda job: job.id), key=lambda job: job.order_id)
    allocations = grouped(planner_input.allocations, key=lambda job: job.order_id)
    unreadable = {_name(entry): entry for entry in listing.unreadable}

    for order_id in dict.fromkeys((*listing.orders, *unreadable, *jobs)):
        if order_id in planner_input.busy:
            continue
        known = jobs.get(order_id, [])
        if len(known) == 1 and order_id not in unreadable and waits(known[0], listing.orders.get(order_id), now):
            yield NoAction(order_id, why_not_now(known[0]))
            continue
        contradictory = [job for job in known if job.contradiction is not None]
        if contradictory:
            yield from (_held_as_contradictory(job, str(job.contradiction)) for job in contradictory)
            continue
        try:
            # as a list: if a job refuses a transition, no other decision of its order may be made
            yield from list(
                _of_order(
                    rules,
                    listing,
                    order_id,
                    unreadable.get(order_id),
                    known,
                    allocations.get(order_id, []),
                    planner_input,
                    now,
                )
            )
        except InvalidTransition as refused:
            yield from (_held_as_contradictory(job, refused.what) for job in known if job.id == refused.job.id)
    seen = {*listing.orders, *unreadable, *planner_input.busy}
    yield from kept_too_long(
        planner_input.unshipped, seen, planner_input.seen_in_invoice, words(rules.settings.ship_within)
    )


def _of_order(
    rules: PlannerRules,
    listing: Listing,
    order_id: str,
    entry: UnreadableOrder | None,
    jobs: Collection[Job],
    allocations: Collection[Job],
    planner_input: PlannerInput,
    now: datetime,
) -> Iterator[Decision]:
    yield from _unfinished(jobs, listing, planner_input, now)
    listed = listing.orders.get(order_id)
    if listed is not None:
        for decision in listed_decisions(rules, listing, listed, jobs, allocations, planner_input.live, now):
            yield unless_shipped(decision, jobs, planner_input.seen_in_invoice)
    if entry is not None:
        yield from unreadable_decisions(rules, listing, entry, order_id, jobs, planner_input.live, now)
    if listed is None and entry is None:
        for job in jobs:
            if job.open and job.ending is not None and job.lost_at is None and not job.due(now):
                yield NoAction(order_id, why_not_now(job))
            elif job.open:
                yield absent(
                    job,
                    listing,
                    planner_input.last_good_read_at,
                    planner_input.seen_in_invoice,
                    planner_input.failed,
                    planner_input.to_ship,
                    rules.settings,
                    now,
                )


def _held_as_contradictory(job: Job, clause: str) -> Decision:
    """A row that no transition has made: held for an operator, and nothing is done for its order meanwhile."""
    if job.state is State.HELD:
        return NoAction(job.order_id, f"is held, {job.reason}: {job.sentence}")
    return PutOnHold(
        job,
        Reason.CONNECTOR_BUG,
        f"the ledger contradicts itself about this job: {clause}. Nothing is done for the order. Check the ERP's "
        f"documents under {job.key} and whether ShipperOne has accepted the order; then `order retry {job.order_id}` "
        f"queries the ERP again, or `order resolve {job.order_id} --outcome confirmed` or `cancelled` ends the job",
        Owner.IT,
    )


def _unfinished(
    jobs: Iterable[Job], listing: Listing, planner_input: PlannerInput, now: datetime
) -> Iterator[Decision]:
    """Jobs that ShipperOne has accepted continue, listed or not: delay is harmful, and only the ERP is needed."""
    for job in jobs:
        if not job.accepted or job.ended:
            continue
        healed = shipped_after_all(job, planner_input.seen_in_invoice)
        if healed is not None:
            yield healed
        elif job.due(now):
            yield (
                give_back(job, listing, planner_input.elsewhere, planner_input.to_ship)
                if to_be_given_back(job)
                else Continue(job)
            )


def _name(entry: UnreadableOrder) -> str:
    return entry.order_id or f"{UNREADABLE}{entry.digest}"
