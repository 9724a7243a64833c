"""Decides about an order that the queue lists, readable or not, from the jobs that it has. Pure.

`absence` decides about orders that are not listed.
"""

from collections.abc import Collection, Iterator
from datetime import datetime

from shipperone_erp.domain.absence import came_late, lists_none_of, may_exist, settle
from shipperone_erp.domain.decisions import (
    Continue,
    Decision,
    NoAction,
    PutOnHold,
    RecordObservation,
    Restamp,
    SendAgain,
    Start,
    StartHeld,
    Supersede,
    TreatAsRefused,
)
from shipperone_erp.domain.history import History
from shipperone_erp.domain.invoice_checks.open_questions import decided
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import content_digest, undated
from shipperone_erp.domain.listed_again import listed_again
from shipperone_erp.domain.listing import Listed, Listing, UnreadableOrder
from shipperone_erp.domain.new_jobs import (
    adopted_for_another_listing,
    held_before_go_live,
    held_since_ignored,
    new_job,
    start_job,
)
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.planner_input import PlannerRules
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.restored_parts import lost_part
from shipperone_erp.domain.serialization import order_text
from shipperone_erp.domain.set_aside import UNREADABLE, ignored_before, is_ignored, of_unreadable, waits_for_go_live
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.domain.supply_date import Window, allocation_accepted_at, implausible
from shipperone_erp.domain.unstable_listing import held_as_unsteady, is_unsteady, wait_until_stable

HEALED_BY_LISTING = (Reason.ORDER_GONE, Reason.ORDER_UNREADABLE)
"""Reasons that no longer hold a job once its order is listed and can be read."""


def waits(job: Job, listed: Listed | None, now: datetime) -> bool:
    """The usual case of a long queue, decided early: listed as it was, it waits for a time that has not come.

    Never true where `listed_decisions` would decide anything else: tests/unit/domain/test_planner_waiting.py compares.
    """
    return (
        job.state is State.WAITING
        and job.next_attempt_at is not None
        and job.next_attempt_at > now
        and listed is not None
        and listed.fingerprint == job.fingerprint
        and job.open
        and job.lost_at is None
        and job.ending is None
        and job.absent_since is None
        and not (job.sent_again or job.absence_doubtful)
        and job.reason not in (*HEALED_BY_LISTING, Reason.DATE_IMPLAUSIBLE)
        and job.contradiction is None
    )


def listed_decisions(
    rules: PlannerRules,
    listing: Listing,
    listed: Listed,
    jobs: Collection[Job],
    allocations: Collection[Job],
    live: bool,
    now: datetime,
) -> Iterator[Decision]:
    """The decisions for an order that is listed and can be read."""
    job = next((job for job in jobs if job.open), None)
    if job is not None and job.fingerprint != listed.fingerprint and undated(job.order) == undated(listed.order):
        stamped = job.restamped(listed.fingerprint, order_text(listed.order))
        others = [stamped if one is job else one for one in jobs]
        for decision in listed_decisions(rules, listing, listed, others, allocations, live, now):
            yield Restamp(stamped, decision)
    elif job is None:
        yield _not_open(rules, listing, listed, jobs, allocations, live, now)
    elif job.lost_at is not None and not _never_taken(
        job, settled := settle(job, job.lost_at, listing, rules.settings)
    ):
        yield settled
    elif job.sent_again and lists_none_of(listed, job):
        yield came_late(job, rules.settings, now)
    elif is_unsteady(job) and (rests := wait_until_stable(job, listed, rules.unsteady_within, now)):
        yield rests
    elif job.fingerprint == listed.fingerprint and (job.ending is None or _back_untouched(job)):
        yield _as_listed(rules, job.listed_unchanged(), listed, jobs, allocations, now)
    elif job.ending is State.NEW and job.dated_by_operator and job.fingerprint == listed.fingerprint and job.due(now):
        yield Continue(job)
    elif _rests(job) and not job.due(now):
        yield NoAction(job.order_id, why_not_now(job))
    elif job.adopted:
        yield Supersede(
            job.outcome_void(),
            adopted_for_another_listing(rules, listed, job, History(rules.settings, jobs, allocations), now),
        )
    elif job.invoice is not None and job.invoice.issued:
        yield PutOnHold(
            job,
            Reason.ISSUED_NOT_CONFIRMED,
            f"invoice {job.invoice.number or job.invoice.reference} is already issued, but ShipperOne now lists the "
            "order differently: correct the document in the ERP, or have ShipperOne accept it as it is",
            Owner.ACCOUNTANT,
        )
    else:
        free = live and job.reason is not Reason.BEFORE_GO_LIVE
        following = _not_open(rules, listing, listed, jobs, allocations, free, now)
        successor = following if isinstance(following, Start | StartHeld) else None
        if isinstance(successor, Start) and job.ending is None:
            successor = held_as_unsteady(job, successor.job, jobs, rules.unsteady_within, now) or successor
        yield Supersede(job.outcome_void(), successor)


def _never_taken(job: Job, settled: Decision) -> bool:
    """The lost confirmation had no effect, and its document is to be undone: it is not sent again."""
    return isinstance(settled, SendAgain | TreatAsRefused) and job.ending is not None


def _rests(job: Job) -> bool:
    """It is to be undone, or never can be: it continues at its due time, unless the reason that held it is over."""
    if job.reason in HEALED_BY_LISTING:
        return False
    return job.ending is not None or job.reason is Reason.ISSUED_NOT_CONFIRMED


def _back_untouched(job: Job) -> bool:
    """Its order had gone, but the connector could not undo the job's document; now the order is listed again."""
    return job.ending is State.GONE and job.state is State.HELD and job.reason is Reason.ORDER_GONE


def _as_listed(
    rules: PlannerRules, job: Job, listed: Listed, jobs: Collection[Job], allocations: Collection[Job], now: datetime
) -> Decision:
    heals = (
        job.reason in HEALED_BY_LISTING
        or decided(job, rules.settings)
        or (job.reason is Reason.DATE_IMPLAUSIBLE and _date_can_be_true(rules, job, listed, allocations))
    )
    seen_absent = job.absent_since is not None or job.absence_doubtful
    of_copy = job.absence_doubtful and job.part
    job = job.listed()
    if heals or job.due(now):
        if rules.restored_at is not None and of_copy:
            lost = lost_part(job, listed.order, jobs, allocations, rules.restored_at)
            if lost:
                return PutOnHold(job, Reason.OUTCOME_UNKNOWN, lost, Owner.ACCOUNTANT)
        if rules.stage is Stage.INVOICE and job.occurrence > 1 and job.step is Step.NEW:
            # `order repeat` allows a second shipment of the order, but never one that was not allocated
            too_much = History(rules.settings, jobs, allocations).more_than_allocated(job.order)
            if too_much:
                return PutOnHold(job, Reason.MORE_THAN_ORDERED, too_much, Owner.SHIPPERONE)
        return Continue(job, heals=heals)
    return RecordObservation(job, "is listed again") if seen_absent else NoAction(job.order_id, why_not_now(job))


def _date_can_be_true(rules: PlannerRules, job: Job, listed: Listed, allocations: Collection[Job]) -> bool:
    """The day of supply that held the job is plausible now: it was corrected, or the tenant's settings allow it."""
    window = Window.of(rules.settings, job.first_listed_at, allocation_accepted_at(allocations))
    fixed = job.tax_date if may_exist(job) else None
    return implausible(listed.order, rules.settings, window, fixed=fixed) is None


def _not_open(
    rules: PlannerRules,
    listing: Listing,
    listed: Listed,
    jobs: Collection[Job],
    allocations: Collection[Job],
    live: bool,
    now: datetime,
) -> Decision:
    order = listed.order
    content = content_digest(rules.settings.base_url, rules.settings.store_code, rules.stage, order)
    if is_ignored(order, content, jobs):
        return NoAction(order.order_id, "was ignored by an operator; `order retry` resumes it")
    if any(job.state is State.IGNORED and _still_reserves(job, order) for job in jobs):
        return NoAction(order.order_id, "was ignored with its reservation; `order retry` releases that first")
    live = live and not waits_for_go_live(order, jobs)
    history = History(rules.settings, jobs, allocations)
    again = history.confirmed_before(order)
    if again is None:
        ignored = ignored_before(order, jobs)
        if ignored is not None:
            return held_since_ignored(rules, listed, ignored, history, now)
        return start_job(rules, listed, history, live, now)
    repeated = history.repeated(content)
    if repeated is not None:
        return start_job(rules, listed, history, live, now, occurrence=repeated.occurrence)
    return listed_again(rules, listing, listed, jobs, history, again, now)


def _still_reserves(job: Job, order: FulfillmentOrder) -> bool:
    """The job may hold stock for one of these items: a second reservation beside it would hold it twice."""
    ids = {str(item.item_id) for item in order.items}
    return job.stage is Stage.ALLOCATION and may_exist(job) and any(str(item_id) in ids for item_id in job.item_ids)


def why_not_now(job: Job) -> str:
    """The clause that nothing is done for this job yet, with the reason."""
    if job.state is State.HELD:
        return f"is held, {job.reason}: {job.sentence}"
    return f"waits, {job.reason}: {job.sentence}"


def unreadable_decisions(
    rules: PlannerRules,
    listing: Listing,
    entry: UnreadableOrder,
    order_id: str,
    jobs: Collection[Job],
    live: bool,
    now: datetime,
) -> Iterator[Decision]:
    """An order that cannot be read blocks no other: it gets a held job of its own, or its open job is held.

    Before the go-live it is held for that: once it can be read, it does not start automatically.
    """
    job = next((job for job in jobs if job.open), None)
    if job is not None and job.lost_at is not None:
        yield settle(job, job.lost_at, listing, rules.settings)
        return
    if job is not None and job.state is State.HELD:
        yield NoAction(order_id, f"cannot be read as listed now: {entry.sentence}")
        return
    if job is not None:
        yield PutOnHold(job, Reason.ORDER_UNREADABLE, entry.sentence, Owner.IT)
        return
    if any(job.state is State.IGNORED and of_unreadable(job) for job in jobs):
        yield NoAction(order_id, "was ignored by an operator; `order retry` resumes it")
        return
    order = FulfillmentOrder(order_id=order_id, warehouse_code="", items=(), extra={"listed": entry.raw})
    listed = Listed(order=order, fingerprint=f"{UNREADABLE}{entry.digest}")
    job = new_job(rules, listed, History(rules.settings, jobs), now)
    if live:
        yield StartHeld(job.held(Reason.ORDER_UNREADABLE, entry.sentence, Owner.IT))
    else:
        yield held_before_go_live(rules, job, f"it cannot be read: {entry.sentence}. Also, ")
