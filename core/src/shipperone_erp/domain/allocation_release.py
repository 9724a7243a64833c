"""Decides about confirmed reservations: shipped, kept for too long, or given back. Pure functions.

An operator must request the release (`Job.ending` of a confirmed job). It happens only after a read of each queue has
proven that neither lists the order.
"""

from collections.abc import Collection, Iterable, Iterator

from shipperone_erp.domain.decisions import Continue, Decision, End, NoAction, PutOnHold
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listing, ToShip
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, State


def to_be_given_back(job: Job) -> bool:
    """An operator has requested the release of a confirmed reservation."""
    return job.stage is Stage.ALLOCATION and job.accepted and job.ending is State.GONE


def give_back(job: Job, listing: Listing, elsewhere: Listing | None, to_ship: ToShip) -> Decision:
    """Release it if both queues prove that they do not list its order, and pending_shipment does not list it, where
    the token may read that. If one lists it, hold the job and release nothing.
    """
    listing_it = [f"pending_{read.stage}" for read in (listing, elsewhere) if read and lists(read, job.order_id)]
    for queue in (*listing_it, *(["pending_shipment"] if job.id in to_ship.jobs else [])):
        return PutOnHold(
            job.not_given_back(),
            Reason.RESERVED_NOT_SHIPPED,
            f"{job.reference} was to be released, but {queue} lists the order: nothing was released",
            Owner.WAREHOUSE,
        )
    if elsewhere is None or not (listing.proves_absence and elsewhere.proves_absence):
        return NoAction(job.order_id, "is released once reads of both queues prove that neither lists the order", True)
    if to_ship.failed:
        return NoAction(job.order_id, "is released once pending_shipment has been read, which must not list the order")
    return End(job, State.GONE, job.sentence or "an operator released it")


def lists(listing: Listing, order_id: str) -> bool:
    """The queue lists the order, readable or not."""
    return order_id in listing.orders or any(entry.order_id == order_id for entry in listing.unreadable)


def kept_too_long(
    jobs: Iterable[Job], listed: Collection[str], shipped: Collection[int], within: str
) -> Iterator[PutOnHold]:
    """Hold confirmed reservations whose order never reached the invoice queue. A listed order is not held."""
    for job in jobs:
        if job.order_id not in listed and job.id not in shipped:
            yield PutOnHold(
                job,
                Reason.RESERVED_NOT_SHIPPED,
                f"{job.reference} has reserved goods since {job.accepted_at:%Y-%m-%d}, and nothing was shipped "
                f"within {within}: if ShipperOne has cancelled the order, `order release {job.order_id} --note …` "
                "releases them",
                Owner.WAREHOUSE,
            )


def shipped_after_all(job: Job, shipped: Collection[int]) -> Continue | None:
    """A reservation that was held for too long has shipped: its job continues."""
    if job.reason is Reason.RESERVED_NOT_SHIPPED and job.id in shipped:
        return Continue(job, heals=True)
    return None
