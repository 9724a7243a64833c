"""What becomes of goods that are reserved and confirmed: shipped, kept for too long, given back. Pure functions.

Giving back is never decided here by itself: a person said so (`Job.ending` of a confirmed job), and only two reads
which prove that neither queue lists the order let it happen.
"""

from collections.abc import Collection, Iterable, Iterator

from shipperone_erp.domain.decisions import Continue, Decision, End, NoAction, PutOnHold
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listing
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, State


def to_be_given_back(job: Job) -> bool:
    """A person wants a confirmed reservation to be released."""
    return job.stage is Stage.ALLOCATION and job.accepted and job.ending is State.GONE


def give_back(job: Job, listing: Listing, elsewhere: Listing | None) -> Decision:
    """Release it if both queues prove that they do not list its order; if one lists it, a person was wrong."""
    for read in (listing, elsewhere):
        if read is not None and lists(read, job.order_id):
            return PutOnHold(
                job.not_given_back(),
                Reason.RESERVED_NOT_SHIPPED,
                f"{job.reference} was to be given back, but pending_{read.stage} lists the order: nothing was released",
                Owner.WAREHOUSE,
            )
    if elsewhere is None or not (listing.proves_absence and elsewhere.proves_absence):
        return NoAction(job.order_id, "is given back once a read of both queues proves that neither lists it", True)
    return End(job, State.GONE, job.sentence or "a person gave it back")


def lists(listing: Listing, order_id: str) -> bool:
    """The order is there, readable or not."""
    return order_id in listing.orders or any(entry.order_id == order_id for entry in listing.unreadable)


def kept_too_long(
    jobs: Iterable[Job], listed: Collection[str], shipped: Collection[int], within: str
) -> Iterator[PutOnHold]:
    """Confirmed reservations whose order never came to an invoice; what a queue lists is not forgotten."""
    for job in jobs:
        if job.order_id not in listed and job.id not in shipped:
            yield PutOnHold(
                job,
                Reason.RESERVED_NOT_SHIPPED,
                f"{job.reference} holds its goods since {job.accepted_at:%Y-%m-%d} and nothing has shipped within "
                f"{within}: `order release {job.order_id} --note …` gives them back, if ShipperOne has cancelled it",
                Owner.WAREHOUSE,
            )


def shipped_after_all(job: Job, shipped: Collection[int]) -> Continue | None:
    """What was kept too long has come to an invoice."""
    if job.reason is Reason.RESERVED_NOT_SHIPPED and job.id in shipped:
        return Continue(job, heals=True)
    return None
