"""From what a read shows and what the ledger holds to what is to be done. Pure: it reads and writes nothing.

A plan can be made again at any time. Each order of the listing is matched with its jobs; then the jobs whose orders
are not listed are looked at. Nothing here calls an ERP, so a queue of thousands that all wait costs milliseconds.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from shipperone_erp.ledger.records import Job, new_id
from shipperone_erp.model.keys import content_digest, job_key, plain
from shipperone_erp.model.order import FulfillmentOrder
from shipperone_erp.model.text import order_text
from shipperone_erp.model.work import Stage, State, Step
from shipperone_erp.reasons import Owner, Reason
from shipperone_erp.shipperone.reading import Listed, Listing, UnreadableOrder
from shipperone_erp.stages.decisions import (
    Continue,
    Decision,
    Hold,
    Leave,
    Note,
    Start,
    StartHeld,
    Supersede,
    listed_items,
)
from shipperone_erp.stages.vanished import absent, settle

READS_BEFORE_LISTED_AGAIN = 3
"""How many complete reads may still show what was confirmed before a person is asked: a listing can lag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which queue a plan is for, and the tenant's settings that decide."""

    tenant: str
    stage: Stage
    base_url: str
    store_code: str
    settle: timedelta
    gone_grace: timedelta
    in_doubt: str = "accept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the ledger holds of the orders in question.

    `jobs`: all that are not ended, and every job of the listed orders. `allocations`: the allocation jobs of the listed
    orders, for the invoice stage. `seen_in_invoice`: orders that the other queue lists, which proves their allocation.
    `live`: the tenant's go-live has happened for this queue. `last_good_read_at` is that of the read before this one.
    """

    jobs: tuple[Job, ...] = ()
    allocations: tuple[Job, ...] = ()
    seen_in_invoice: frozenset[str] = frozenset()
    live: bool = True
    last_good_read_at: datetime | None = None
    busy: frozenset[str] = field(default_factory=frozenset)


def plan(scope: Scope, listing: Listing, memory: Memory, now: datetime) -> list[Decision]:
    """Every decision that this read calls for: confirmed but unfinished work first, then the oldest order first."""
    decisions = list(_decide(scope, listing, memory, now))
    return sorted(decisions, key=_urgency)


def _urgency(decision: Decision) -> tuple[int, datetime | None, int]:
    if isinstance(decision, Leave):
        return 3, None, 0
    job = decision.job
    return (0 if job.accepted else 1), job.first_listed_at, job.id


def _decide(scope: Scope, listing: Listing, memory: Memory, now: datetime) -> Iterator[Decision]:
    jobs: dict[str, list[Job]] = defaultdict(list)
    for job in sorted(memory.jobs, key=lambda job: job.id):
        jobs[job.order_id].append(job)
    allocations: dict[str, list[Job]] = defaultdict(list)
    for job in memory.allocations:
        allocations[job.order_id].append(job)
    unreadable = {_name(entry): entry for entry in listing.unreadable}

    for order_id, listed in listing.orders.items():
        if order_id in memory.busy:
            continue
        yield from _unfinished(jobs[order_id], now)
        yield from _listed(scope, listing, listed, jobs[order_id], allocations[order_id], memory.live, now)
    for order_id, entry in unreadable.items():
        if order_id not in memory.busy:
            yield from _listed_unreadable(scope, entry, order_id, jobs[order_id], now)
    for order_id, known in jobs.items():
        if order_id in listing.orders or order_id in unreadable or order_id in memory.busy:
            continue
        yield from _unfinished(known, now)
        for job in known:
            if job.open and job.state is not State.IGNORED:
                yield absent(job, listing, memory.last_good_read_at, memory.seen_in_invoice, scope, now)


def due(job: Job, now: datetime) -> bool:
    """Its time has come. A held job has none, unless it is tried again by itself all the same."""
    if job.next_attempt_at is None:
        return job.state is not State.HELD
    return job.next_attempt_at <= now


def _unfinished(jobs: Iterable[Job], now: datetime) -> Iterator[Decision]:
    """What ShipperOne has accepted goes on, listed or not: late is bad, and only the ERP is left to ask."""
    for job in jobs:
        if job.accepted and not job.ended and due(job, now):
            yield Continue(job)


def _listed(
    scope: Scope,
    listing: Listing,
    listed: Listed,
    jobs: Collection[Job],
    allocations: Collection[Job],
    live: bool,
    now: datetime,
) -> Iterator[Decision]:
    job = next((job for job in jobs if job.open), None)
    if job is None:
        yield _not_open(scope, listing, listed, jobs, allocations, live, now)
    elif job.lost_at is not None:
        yield settle(job, job.lost_at, listing, scope)
    elif job.fingerprint == listed.fingerprint and job.ending is None:
        yield _as_listed(job, now)
    elif job.invoice is not None and job.invoice.issued:
        yield Hold(
            job,
            Reason.ISSUED_NOT_CONFIRMED,
            f"invoice {job.invoice.number or job.invoice.reference} is already issued, but ShipperOne now lists the "
            "order otherwise: correct the document in the ERP, or have ShipperOne take it as it is",
            Owner.ACCOUNTANT,
        )
    else:
        free = live and job.reason is not Reason.BEFORE_GO_LIVE
        following = _not_open(scope, listing, listed, jobs, allocations, free, now)
        successor = following if isinstance(following, Start | StartHeld) else None
        yield Supersede(job, successor)


def _as_listed(job: Job, now: datetime) -> Decision:
    gone = job.reason is Reason.ORDER_GONE
    seen_absent = job.absent_since is not None
    job = job.with_(absent_since=None, absent_reads=0, absence_doubtful=False)
    if gone or due(job, now):
        return Continue(job, heals=gone)
    return Note(job, "is listed again") if seen_absent else Leave(job.order_id, _why_not_now(job))


def _not_open(
    scope: Scope,
    listing: Listing,
    listed: Listed,
    jobs: Collection[Job],
    allocations: Collection[Job],
    live: bool,
    now: datetime,
) -> Decision:
    order = listed.order
    content = content_digest(scope.base_url, scope.store_code, scope.stage, order)
    if any(job.state is State.IGNORED and job.content == content for job in jobs):
        return Leave(order.order_id, "is ignored, as a person decided; `order retry` takes it up again")
    again = _confirmed_before(order, jobs)
    if again is None:
        return _start(scope, listed, jobs, allocations, live, now)
    if again.accepted_at is not None and listing.began_at < again.accepted_at:
        return Leave(order.order_id, "was confirmed while this read was under way")
    reads = again.listed_again + (1 if listing.complete else 0)
    if reads <= READS_BEFORE_LISTED_AGAIN:
        return Note(again.with_(listed_again=reads), "was confirmed and is still listed: a listing can lag")
    document = again.number or again.reference or again.key
    sentence = (
        f"ShipperOne confirmed {_what(again.order, order)} as {document} and still lists the same: if this is a true "
        "second shipment say `order repeat`, else have ShipperOne take it out of the queue"
    )
    occurrence = max(job.occurrence for job in jobs) + 1
    start = _new_job(scope, listed, jobs, allocations, now, occurrence=occurrence)
    return StartHeld(_held(start, Reason.LISTED_AGAIN, sentence, Owner.SHIPPERONE))


def _confirmed_before(order: FulfillmentOrder, jobs: Collection[Job]) -> Job | None:
    """The newest confirmed job that has one of these items in the very same quantity; None if there is none."""
    wanted = {(str(item.item_id), plain(item.qty)) for item in order.items}
    for job in sorted(jobs, key=lambda job: job.id, reverse=True):
        if job.accepted and wanted & {(str(item.item_id), plain(item.qty)) for item in job.order.items}:
            return job
    return None


def _start(
    scope: Scope,
    listed: Listed,
    jobs: Collection[Job],
    allocations: Collection[Job],
    live: bool,
    now: datetime,
) -> Start | StartHeld:
    job = _new_job(scope, listed, jobs, allocations, now)
    if not live:
        sentence = "it was listed before this tenant went live: `go-live` lets it go on or leaves it alone"
        return StartHeld(_held(job, Reason.BEFORE_GO_LIVE, sentence, Owner.IT))
    if scope.stage is Stage.INVOICE:
        too_much = _more_than_allocated(listed.order, [job for job in jobs if job.accepted], allocations)
        if too_much:
            return StartHeld(_held(job, Reason.MORE_THAN_ORDERED, too_much, Owner.SHIPPERONE))
    return Start(job)


def _new_job(
    scope: Scope,
    listed: Listed,
    jobs: Collection[Job],
    allocations: Collection[Job],
    now: datetime,
    *,
    occurrence: int = 1,
) -> Job:
    order = listed.order
    content = content_digest(scope.base_url, scope.store_code, scope.stage, order)
    before = [job.generation for job in jobs if job.content == content and job.occurrence == occurrence]
    generation = max(before, default=0) + 1
    latest = max(jobs, key=lambda job: job.id, default=None)
    carried = latest if latest is not None and not latest.accepted else None
    return Job(
        id=new_id(),
        tenant=scope.tenant,
        stage=scope.stage,
        order_id=order.order_id,
        key=job_key(scope.stage, order.order_id, content, generation=generation, occurrence=occurrence),
        content=content,
        generation=generation,
        occurrence=occurrence,
        fingerprint=listed.fingerprint,
        order_json=order_text(order),
        item_ids=listed_items(order),
        since=now,
        first_listed_at=now,
        part=scope.stage is Stage.INVOICE and _is_part(order, [job for job in jobs if job.accepted], allocations),
        retries=carried.retries if carried else 0,
        rebuilds=carried.rebuilds if carried else 0,
        accepts=carried.accepts if carried else 0,
    )


def _held(job: Job, reason: Reason, sentence: str, owner: Owner) -> Job:
    return job.with_(state=State.HELD, reason=reason, sentence=sentence, owner=owner)


def _quantities(jobs: Iterable[Job]) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for job in jobs:
        for item in job.order.items:
            found[str(item.item_id)] += item.qty
    return found


def _is_part(order: FulfillmentOrder, done: Collection[Job], allocations: Collection[Job]) -> bool:
    """The ledger shows a larger order: an earlier invoice, or more allocated than is listed now."""
    if done:
        return True
    listed = {str(item.item_id): item.qty for item in order.items}
    # what ShipperOne lists as shipped it has allocated, even if its answer is still on its way or was lost
    allocated = _quantities(job for job in allocations if job.accepted or job.step is Step.CONFIRMING)
    return any(listed.get(item_id, Decimal(0)) < qty for item_id, qty in allocated.items())


def _more_than_allocated(order: FulfillmentOrder, done: Collection[Job], allocations: Collection[Job]) -> str | None:
    allocated, invoiced = _quantities(job for job in allocations if job.accepted), _quantities(done)
    for item in order.items:
        limit = allocated.get(str(item.item_id))
        before = invoiced.get(str(item.item_id), Decimal(0))
        if limit is not None and before + item.qty > limit:
            return (
                f"item {item.item_id} ({item.sku}): {plain(limit)} allocated, {plain(before)} invoiced already, "
                f"and {plain(item.qty)} more are listed"
            )
    return None


def _what(before: FulfillmentOrder, now: FulfillmentOrder) -> str:
    known = {(str(item.item_id), plain(item.qty)) for item in before.items}
    same = [item for item in now.items if (str(item.item_id), plain(item.qty)) in known]
    return ", ".join(f"{plain(item.qty)} of {item.sku} (item {item.item_id})" for item in same)


def _why_not_now(job: Job) -> str:
    if job.state is State.HELD:
        return f"is held, {job.reason}: {job.sentence}"
    return f"waits, {job.reason}: {job.sentence}"


def _name(entry: UnreadableOrder) -> str:
    return entry.order_id or f"unreadable-{entry.digest}"


def _listed_unreadable(
    scope: Scope, entry: UnreadableOrder, order_id: str, jobs: Collection[Job], now: datetime
) -> Iterator[Decision]:
    """An order that cannot be read hides no other: it is a held job of its own, or leaves its open job as it is."""
    yield from _unfinished(jobs, now)
    job = next((job for job in jobs if job.open), None)
    if job is not None:
        yield Leave(order_id, f"cannot be read as listed now: {entry.sentence}")
        return
    order = FulfillmentOrder(order_id=order_id, warehouse_code="", items=(), extra={"listed": entry.raw})
    listed = Listed(order=order, fingerprint=f"unreadable-{entry.digest}")
    yield StartHeld(_held(_new_job(scope, listed, jobs, (), now), Reason.ORDER_UNREADABLE, entry.sentence, Owner.IT))
