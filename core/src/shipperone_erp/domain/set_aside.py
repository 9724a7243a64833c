"""Orders that an operator has not released yet, or has ignored, and that ShipperOne lists again or differently. Pure.

    listed before the go-live    stays so after it has left the queue for a moment, and if it could not be read then
    ignored                      stays ignored while the same is listed; another listing of its items is held

Nothing of such an order starts automatically: it may have been handled by hand.
"""

from collections.abc import Collection, Iterable, Iterator

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import State

UNREADABLE = "unreadable-"
"""The beginning of the fingerprint of a listing that cannot be read; for an entry without an id also of its name."""


def of_unreadable(job: Job) -> bool:
    """The listing of this job could not be read: its goods are unknown."""
    return job.fingerprint.startswith(UNREADABLE)


def of_unnamed(job: Job) -> bool:
    """The listing of this job has no readable id either: it may be any order."""
    return of_unreadable(job) and job.order_id == job.fingerprint


def waits_for_go_live(order: FulfillmentOrder, jobs: Collection[Job]) -> bool:
    """The order was listed before the go-live, left its queue undecided, and is listed again as it was."""
    if not any(map(_left_undecided, jobs)):
        return False  # nearly always, and no order's text is parsed
    same = [job for job in jobs if of_unreadable(job) or _pieces(job.order) == _pieces(order)]
    latest = max(same, key=lambda job: job.id, default=None)
    return latest is not None and _left_undecided(latest)


def unnamed_before_go_live(jobs: Iterable[Job]) -> bool:
    """An entry without a readable id was listed before the go-live: the order that it names is not known yet."""
    return any(job.open and job.reason is Reason.BEFORE_GO_LIVE and of_unnamed(job) for job in jobs)


def is_ignored(order: FulfillmentOrder, content: str, jobs: Iterable[Job]) -> bool:
    """An operator has ignored exactly this listing, whose digest is `content`.

    The goods are compared too, since the digest covers the store's address. What could not be read was ignored whatever
    it is.
    """
    return any(
        job.content == content or of_unreadable(job) or _goods(job.order) == _goods(order) for job in _ignored(jobs)
    )


def ignored_before(order: FulfillmentOrder, jobs: Collection[Job]) -> Job | None:
    """The ignored job of which this is another listing: it has one of its items, and nothing was decided since."""
    if not any(_ignored(jobs)):
        return None
    ids = {str(item.item_id) for item in order.items}
    sharing = [job for job in jobs if not ids.isdisjoint(map(str, job.item_ids))]
    latest = max(sharing, key=lambda job: job.id, default=None)
    if latest is not None and held_beside_ignored(latest, jobs):
        latest = max(_ignored(sharing), key=lambda job: job.id)
    return latest if latest is not None and latest.state is State.IGNORED else None


def held_beside_ignored(job: Job, jobs: Collection[Job]) -> bool:
    """The job is held because it is another listing of an ignored order; nobody has released it."""
    held = job.held_at_start(Reason.ITEMS_CHANGED)
    ids = set(map(str, job.item_ids))
    return held and not job.adopted and any(not ids.isdisjoint(map(str, one.item_ids)) for one in _ignored(jobs))


def _left_undecided(job: Job) -> bool:
    return job.state is State.GONE and job.reason is Reason.BEFORE_GO_LIVE


def _ignored(jobs: Iterable[Job]) -> Iterator[Job]:
    return (job for job in jobs if job.state is State.IGNORED)


def _pieces(order: FulfillmentOrder) -> frozenset[tuple[str, str]]:
    return frozenset((str(item.item_id), plain(item.qty)) for item in order.items)


def _goods(order: FulfillmentOrder) -> frozenset[tuple[str, str, str, str]]:
    return frozenset(
        (str(item.item_id), item.sku, plain(item.qty), order.source_warehouse(item)) for item in order.items
    )
