"""Decides about an open job whose order is not listed, or whose confirmation has an unknown outcome. Pure functions.

Only a read that proves absence counts as absence (`Listing.proves_absence`).
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from shipperone_erp.domain.confirmed_elsewhere import kept
from shipperone_erp.domain.decisions import (
    ConfirmByInference,
    Continue,
    Decision,
    End,
    NoAction,
    PutOnHold,
    RecordObservation,
    RecoverFromErp,
    SendAgain,
    TreatAsRefused,
)
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listed, Listing, ToShip
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.rules import TenantRules
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.kernel.durations import words

DOUBTFUL_AFTER = timedelta(hours=24)
"""If the last good read is older than this (or `gone_grace`), the ledger may be a restored copy: absence proves less.
"""


VERDICTS = ("same", "repriced", "changed", "absent")
"""The possible findings about an order whose confirmation has an unknown outcome, from a read that can decide."""


def settle(job: Job, lost_at: datetime, listing: Listing, rules: TenantRules) -> Decision:
    """Decide an unknown outcome from two reads that can decide and began at least `settle` after the call ended.

    Both list exactly the same: the confirmation is sent again. Both prove that none of its items is listed: it counts
    as accepted. ShipperOne denied it and both list the same items and quantities, at any amounts: it counts as refused.
    Anything else needs an operator. A read that proves nothing is not counted.
    """
    if job.state is State.HELD:
        return NoAction(job.order_id, f"is held, {job.reason}: {job.sentence}")
    due = lost_at + rules.settle
    if listing.began_at < due:
        return NoAction(
            job.order_id, f"an answer of ShipperOne was lost; reads of the queue count from {due:%H:%M:%S} UTC on"
        )
    verdict = _verdict(job, listing)
    if verdict is None:
        return _undecided(job, listing, rules)
    reads = (*(read for read in job.settle_reads if read in VERDICTS), verdict)
    if len(reads) < 2:
        return RecordObservation(job.queue_shows(reads), f"an answer was lost: this read shows the order as {verdict}")
    if job.refusal is not None and set(reads) <= {"same", "repriced"}:
        return TreatAsRefused(job.queue_shows(reads))
    if set(reads) == {"same"}:
        return SendAgain(job.queue_shows(reads))
    if set(reads) == {"absent"}:
        lost = "its answer was lost" if job.refusal is None else f"ShipperOne denied it ({job.refusal})"
        why = f"{lost}, and two complete reads no longer list it"
        if job.stage is Stage.INVOICE and rules.in_doubt == "hold":
            return PutOnHold(
                job.queue_shows(()),
                Reason.OUTCOME_UNKNOWN,
                f'{why}; in_doubt = "hold" requires an operator: ask ShipperOne whether it accepted the invoice, then '
                f"run `order resolve {job.order_id} --outcome confirmed` or `cancelled`",
                Owner.ACCOUNTANT,
            )
        return ConfirmByInference(job, why)
    return _ask(job, f"the queue does not prove whether it was accepted (two reads: {' and '.join(reads)})")


def _undecided(job: Job, listing: Listing, rules: TenantRules) -> Decision:
    """This read cannot decide. Later reads may, until the outcome has been unknown for `doubt_for`."""
    since = doubt_since(job) or listing.began_at
    why = listing.doubt or "the read does not prove that the order has left the queue"
    if listing.began_at - since >= rules.doubt_for:
        within = words(rules.doubt_for)
        return _ask(
            job, f"no two reads of the queue within {within} proved whether it was accepted. The last read: {why}"
        )
    sentence = (
        "ShipperOne's answer is unknown. The queue is read until two reads prove whether the order was accepted, until "
        f"{since + rules.doubt_for:%Y-%m-%d %H:%M} UTC at the latest. The last read proved nothing: {why}"
    )
    waits = job.undecided(sentence, doubt_since=since, read_at=listing.began_at)
    if waits == job:
        return NoAction(job.order_id, sentence, wants_proof=True)
    return RecordObservation(waits, f"this read does not prove its outcome: {why}")


def doubt_since(job: Job) -> datetime | None:
    """Since when reads have proven nothing about this job's unknown outcome; None if none has counted yet."""
    known = job.doubt_since is not None and job.lost_at is not None and job.doubt_since >= job.lost_at
    return job.doubt_since if known else None


def _ask(job: Job, why: str) -> PutOnHold:
    return PutOnHold(
        job.queue_shows(()),
        Reason.OUTCOME_UNKNOWN,
        f"the answer of ShipperOne was lost, and {why}. Ask ShipperOne, then run `order resolve {job.order_id} "
        "--outcome confirmed` or `cancelled`; `order retry` reads the queue again",
        Owner.SHIPPERONE,
    )


def came_late(job: Job, rules: TenantRules, now: datetime) -> RecordObservation:
    """The confirmation was sent again and its items are not listed any more: its outcome counts as unknown again.

    The first call may have arrived late. Then the second one was refused or never sent.
    """
    why = "it was sent again after a lost answer, and is no longer listed: the first request may have arrived late"
    waits = job.outcome_unknown(f"{why}; ShipperOne's queue shows whether it was accepted", now, settle=rules.settle)
    return RecordObservation(waits, why)


def lists_none_of(listed: Listed, job: Job) -> bool:
    """The listing of the order contains none of the job's items."""
    return {str(item.item_id) for item in listed.order.items}.isdisjoint(map(str, job.item_ids))


def _quantities(order: FulfillmentOrder) -> dict[str, Decimal]:
    return {str(item.item_id): item.qty for item in order.items}


def _verdict(job: Job, listing: Listing) -> str | None:
    """One of `VERDICTS`; None if this read cannot decide."""
    if not listing.complete:
        return None
    listed = listing.orders.get(job.order_id)
    if listed is not None and listed.fingerprint == job.fingerprint:
        return "same"
    if listed is not None and _quantities(listed.order) == _quantities(job.order):
        return "repriced"
    unreadable = any(entry.order_id == job.order_id for entry in listing.unreadable)
    if unreadable or (listed is not None and not lists_none_of(listed, job)):
        return "changed"
    return "absent" if listing.proves_absence else None


def absent(
    job: Job,
    listing: Listing,
    last_good_read_at: datetime | None,
    seen_in_invoice: Collection[int],
    failed: Collection[str],
    to_ship: ToShip,
    rules: TenantRules,
    now: datetime,
) -> Decision:
    """Decide about an open job whose order is not listed: settle it, record, wait, hold or end it.

    `failed`: the ids of orders that ShipperOne lists as failed in its own process and that nobody has confirmed.
    `to_ship`: the jobs whose goods it lists to be shipped.
    """
    if job.lost_at is not None:
        return settle(job, job.lost_at, listing, rules)
    if job.sent_again:
        return came_late(job, rules, now)
    if job.stage is Stage.ALLOCATION and job.id in seen_in_invoice:
        if job.step is Step.RESERVED:
            return ConfirmByInference(job, "it was confirmed elsewhere: its items are in pending_invoice")
        if job.step is Step.RESERVING and job.absence_doubtful:
            # The order was confirmed after the backup that this ledger was restored from. The ERP is queried for the
            # reservation under its key; then the confirmation is inferred.
            return Continue(job, heals=True)
    if job.id in to_ship.jobs and (decision := kept(job, now)) is not None:
        return decision
    silence = max(rules.gone_grace, DOUBTFUL_AFTER)
    since = job.absent_since
    unread = since is None and last_good_read_at is not None and now - last_good_read_at > silence
    doubtful = job.absence_doubtful or unread
    if not listing.proves_absence:
        why = "is not listed, but this read does not prove that it is gone"
        # A complete read counts as a good read and would hide how long the queue was not read: record the doubt now.
        changed = doubtful is not job.absence_doubtful
        return (
            RecordObservation(job.absence_doubted(), why) if changed else NoAction(job.order_id, why, wants_proof=True)
        )
    if since is None:
        job = job.not_listed(now, doubtful=doubtful)
        return RecordObservation(job, "is not listed any more; it counts as gone after a second read and gone_grace")
    job = job.not_listed(now, doubtful=doubtful)
    doubted = job.absence_doubtful and not (job.stage is Stage.ALLOCATION and job.order_id in failed)
    refused = job.state is State.HELD and job.ending is None and not job.absence_doubtful
    if job.reason is Reason.ORDER_GONE and (job.adopted or doubted or refused):
        return NoAction(job.order_id, f"is held, {job.reason}: {job.sentence}")
    if job.adopted:
        return PutOnHold(
            job,
            Reason.ORDER_GONE,
            f"the order left the queue; {job.reference}, which was created elsewhere, stays unchanged. Ask ShipperOne "
            "whether the order was cancelled or confirmed, then record the outcome by `order resolve`",
            Owner.ACCOUNTANT if job.stage is Stage.INVOICE else Owner.WAREHOUSE,
        )
    if not may_exist(job):
        return End(job, State.GONE)
    if doubted:
        if job.stage is Stage.INVOICE:
            return RecoverFromErp(job)
        return PutOnHold(
            job,
            Reason.ORDER_GONE,
            "the order is no longer listed, and this ledger has no record of its leaving (the queue was not read for "
            f"long, or the ledger is a restored copy); {held_in_erp(job)} is kept. Ask ShipperOne: if it was "
            f"confirmed, run `order resolve {job.order_id} --outcome confirmed`; if it was cancelled, undo the "
            "document in the ERP, then use `--outcome cancelled`",
            Owner.WAREHOUSE,
        )
    until = since + rules.gone_grace
    if now < until:
        return RecordObservation(
            job, f"is not listed any more; {held_in_erp(job)} is kept until {until:%Y-%m-%d %H:%M} UTC"
        )
    if job.stage is Stage.ALLOCATION and to_ship.failed:
        return NoAction(
            job.order_id,
            f"is not listed any more; {held_in_erp(job)} is kept until pending_shipment has been read",
        )
    if to_ship.denied and job.state is State.WAITING and job.reason is Reason.PLATFORM_REFUSED:
        return PutOnHold(
            job,
            Reason.ORDER_GONE,
            "ShipperOne refused the confirmation while the order left the queue: it was cancelled, or confirmed at the "
            f"same time by somebody else, such as a second installation; {held_in_erp(job)} is kept, since the token "
            "may not read pending_shipment. Ask ShipperOne: if it was confirmed, run `order resolve "
            f"{job.order_id} --outcome confirmed`; if it was cancelled, undo the document in the ERP, then use "
            "`--outcome cancelled`",
            Owner.WAREHOUSE,
        )
    return End(job, State.GONE)


def may_exist(job: Job) -> bool:
    """The ERP may hold something of this job: a reservation, a draft, or the effect of a call of unknown outcome."""
    if job.step is Step.NEW or job.adopted:
        return False
    if job.stage is Stage.INVOICE and job.step in (Step.BUILT, Step.CONFIRMING):
        return job.invoice is None or job.invoice.reference is not None
    if job.stage is Stage.ALLOCATION and job.step in (Step.RESERVED, Step.CONFIRMING):
        return job.reference is not None  # services only: the ERP was not called
    return True


def held_in_erp(job: Job) -> str:
    """'reservation R-1' or 'draft INV/7', for sentences."""
    kind = "reservation" if job.stage is Stage.ALLOCATION else "draft"
    return f"{kind} {job.reference}" if job.reference else f"what may exist under {job.key}"


def wants_proof(decisions: Iterable[Decision], listing: Listing) -> bool:
    """Some order may be gone, or its outcome is unknown: only a read that proves absence can decide it."""
    unreadable = {entry.order_id for entry in listing.unreadable}
    for decision in decisions:
        if isinstance(decision, NoAction):
            if decision.wants_proof:
                return True
        elif not decision.job.accepted and decision.job.order_id not in unreadable:
            listed = listing.orders.get(decision.job.order_id)
            if listed is None or (decision.job.lost_at and listed.fingerprint != decision.job.fingerprint):
                return True
    return False
