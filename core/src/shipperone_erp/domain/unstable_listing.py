"""Holds an order whose listing keeps changing, as when two caches answer alternately. Pure functions.

A listing that only grows (the parts of a shipment arrive one by one) does not count: it never returns to an earlier
content.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import pairwise

from shipperone_erp.domain.decisions import NoAction, RecordObservation, StartHeld
from shipperone_erp.domain.invoice_checks.comparison import order_differences, side_by_side
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listed
from shipperone_erp.domain.states import State
from shipperone_erp.kernel.durations import words

CHANGES_AT_MOST = 3
"""The number of changes of an order within minutes from which it is held."""


def held_as_unsteady(
    job: Job, successor: Job, jobs: Collection[Job], within: timedelta, now: datetime
) -> StartHeld | None:
    """The successor of a superseded job, held if the order keeps changing; None if it does not.

    `jobs` are all of the order's jobs in this stage. Changes of the listing within the last `within` count, if it has
    shown the successor's items and quantities before.
    """
    recent = [one for one in jobs if one.state is State.SUPERSEDED and now - one.since <= within and one.id != job.id]
    fingerprints = [one.fingerprint for one in (*sorted(recent, key=lambda one: one.id), job, successor)]
    changes = sum(before != after for before, after in pairwise(fingerprints))
    returns = any(one.content == successor.content for one in (*recent, job))
    if changes < CHANGES_AT_MOST or not returns:
        return None
    both = side_by_side(order_differences(job.order, successor.order), "before", "now")
    sentence = (
        f"ShipperOne's listing of this order has changed {changes} times within {words(within)}: {both}. Nothing is "
        f"created for it until the listing is unchanged for {words(within)}; then it proceeds automatically. "
        "Ask ShipperOne which is right; two caches may answer in turn"
    )
    return StartHeld(successor.unsteady(sentence, now + within))


def is_unsteady(job: Job) -> bool:
    """It is held because its listing keeps changing."""
    return job.state is State.HELD and job.listed_as is not None


def wait_until_stable(
    job: Job, listed: Listed, within: timedelta, now: datetime
) -> RecordObservation | NoAction | None:
    """The decision about such a job; None once the listing has been unchanged for `within`."""
    if listed.fingerprint != job.listed_as:
        return RecordObservation(
            job.listing_changed_again(listed.fingerprint, now + within), "its listing changes again"
        )
    if job.next_attempt_at is not None and now < job.next_attempt_at:
        return NoAction(job.order_id, f"is held, {job.reason}: {job.sentence}")
    return None
