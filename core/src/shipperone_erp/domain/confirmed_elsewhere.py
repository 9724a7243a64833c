"""Allocations that somebody else has confirmed: ShipperOne lists their goods to be shipped. Pure functions.

Their reservations are kept: what is to be shipped must not be sold again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from shipperone_erp.domain.allocation_release import to_be_given_back
from shipperone_erp.domain.decisions import ConfirmByInference, Continue, Decision, NoAction
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listing
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage, State, Step

WHY = "it was confirmed elsewhere: its items are in pending_shipment"


MARGIN = timedelta(minutes=1)
"""The plan is made later than the look-up: a release that falls due in between must have been looked up, too."""


def to_be_looked_up(jobs: Iterable[Job], listing: Listing, now: datetime, gone_grace: timedelta) -> list[Job]:
    """The jobs whose reservation may have to be kept: those that have just left the queue, and those about to be
    released.
    """
    if listing.stage is not Stage.ALLOCATION or not listing.proves_absence:
        return []
    return [job for job in jobs if to_be_given_back(job) or _leaves(job, listing, now, gone_grace)]


def _leaves(job: Job, listing: Listing, now: datetime, gone_grace: timedelta) -> bool:
    if not job.open or job.lost_at is not None or job.step is Step.NEW or job.reason is Reason.ORDER_GONE:
        return False
    if job.order_id in listing.orders or job.state is State.IGNORED:
        return False
    return job.absent_since is None or now + MARGIN >= job.absent_since + gone_grace


def listed_to_ship(jobs: Iterable[Job], listed: Mapping[str, Collection[str]]) -> frozenset[int]:
    """The ids of the jobs of which an item is listed, by `listed`: the items of each order; none if they are illegible.

    Another part of the same order proves nothing.
    """
    return frozenset(
        job.id
        for job in jobs
        if (items := listed.get(job.order_id)) is not None
        and (not items or not set(items).isdisjoint(map(str, job.item_ids)))
    )


def confirmed_by_others(order_ids: Sequence[str]) -> str:
    """The warning about orders that were confirmed elsewhere."""
    named = ", ".join(order_ids[:3]) + (f" and {len(order_ids) - 3} more" if len(order_ids) > 3 else "")
    return (
        f"ShipperOne ships {named}, and this ledger has confirmed none of them. Their reservations are kept. If nobody "
        "confirms orders by hand and the ledger was not restored, a second installation serves this store (a copy, an "
        "old server): stop one of them"
    )


def kept(job: Job, now: datetime) -> Decision | None:
    """The decision about an open allocation that is listed to be shipped; None if its undoing has begun."""
    if job.ending is not None:
        return None
    if job.step is Step.RESERVED:
        return ConfirmByInference(job, WHY)
    if job.due(now):
        # the ERP is queried for the reservation under its key; then the confirmation is inferred
        return Continue(job, heals=True)
    return NoAction(job.order_id, f"{WHY}; it is reserved with its next attempt")
