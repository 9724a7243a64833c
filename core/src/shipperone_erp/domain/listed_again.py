"""Decides about an order that ShipperOne has confirmed and still lists in the same items and quantities. Pure.

A listing can lag, so the first complete reads change nothing. Then a job of its own is held `listed_again`: only an
operator knows whether it is a second shipment (`order repeat`).
"""

from collections.abc import Collection
from datetime import datetime

from shipperone_erp.domain.decisions import Decision, NoAction, RecordObservation, StartHeld
from shipperone_erp.domain.history import History
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listed, Listing
from shipperone_erp.domain.new_jobs import new_job
from shipperone_erp.domain.planner_input import PlannerRules
from shipperone_erp.domain.reasons import Owner, Reason

READS_BEFORE_LISTED_AGAIN = 3
"""The number of complete reads that may still list a confirmed order before an operator must act."""


def listed_again(
    rules: PlannerRules,
    listing: Listing,
    listed: Listed,
    jobs: Collection[Job],
    history: History,
    again: Job,
    now: datetime,
) -> Decision:
    """The decision for an order whose job `again` was confirmed."""
    order = listed.order
    if again.accepted_at is not None and listing.began_at < again.accepted_at:
        return NoAction(order.order_id, "was confirmed during this read")
    if not again.ended and again.due(now):
        return NoAction(order.order_id, "was confirmed, and is processed now")
    reads = again.listed_again + (1 if listing.complete else 0)
    if reads <= READS_BEFORE_LISTED_AGAIN:
        return RecordObservation(
            again.listed_after_acceptance(reads), "was confirmed and is still listed: the listing can lag"
        )
    document = again.number or again.reference or again.key
    sentence = (
        f"ShipperOne confirmed {history.the_same(again.order, order)} as {document} and still lists the same: if this "
        f"is a true second shipment, run `order repeat {order.order_id}`, else have ShipperOne remove it from the queue"
    )
    occurrence = max(job.occurrence for job in jobs) + 1
    start = new_job(rules, listed, history, now, occurrence=occurrence)
    return StartHeld(start.held(Reason.LISTED_AGAIN, sentence, Owner.SHIPPERONE))
