"""Compares ShipperOne's queues, read now, with the ledger: shipped and not invoiced, reserved for no order."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.allocation_release import lists
from shipperone_erp.domain.amounts.expected_totals import figures
from shipperone_erp.domain.hook_answers import Document
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.line_selection import sort_out
from shipperone_erp.domain.listing import Listed, Listing
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.reconcile.finding_kinds import MOVING, Compared, Finding, Shipped
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import connected
from shipperone_erp.shipperone.http_exchange import ExchangeLimits
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import QueueReader

HOLDS_GOODS = frozenset(
    {"live", "reserved", "assigned", "waiting", "confirmed", "partially_available", "picked", "packed", "sale"}
)
"""States of a reservation, in the terms of ERPs, in which it holds or awaits goods. Other terms prove nothing."""

NOT_READ_FOR = timedelta(minutes=10)
"""An order missing in the ledger is new, unless the service has not read that queue for this long."""


QUEUES_IN_TURN = (Stage.ALLOCATION, Stage.INVOICE)
"""The invoice queue last: an order may ship between the two reads, but never moves back."""


QueuesRead = Mapping[Stage, Listing]
"""Both queues, each read completely at one time."""


def read_queues(settings: TenantSettings, *, max_response: int) -> QueuesRead:
    """Read both queues. ReadFailed if one cannot be read. Blocking; must not be called in a running event loop."""

    async def read() -> QueuesRead:
        async with connected(Account.of(settings), ExchangeLimits(max_response=max_response)) as client:
            readers = {stage: QueueReader(client, stage, OrderWire.of(settings, stage)) for stage in QUEUES_IN_TURN}
            return {stage: await reader.read(prove=True) for stage, reader in readers.items()}

    return asyncio.run(read())


def holds_goods(document: Document) -> bool:
    """Whether it is a reservation that holds goods in the ERP, according to its state."""
    return document.kind == "reservation" and (document.state or "").lower() in HOLDS_GOODS


def shipped(settings: TenantSettings, queues: QueuesRead) -> list[Shipped]:
    """The orders that ShipperOne lists as shipped and not invoiced, sorted by their day of shipment."""
    listing = queues[Stage.INVOICE]
    found = [_shipped(settings, listing, order_id, one) for order_id, one in listing.orders.items()]
    return sorted(found, key=lambda one: one.since)


def beside_the_queues(
    ledger: Ledger, settings: TenantSettings, queues: QueuesRead, found: Sequence[Compared]
) -> Iterable[Compared]:
    """Differences between the queues and the ledger. `found`: findings so far, which are not repeated."""
    reported = {(one.job.stage, one.job.order_id) for one in found if one.job and one.finding is not None}
    yield from _not_invoiced(ledger, settings, queues, reported)
    yield from _without_order(ledger, settings, queues)


def _not_invoiced(
    ledger: Ledger, settings: TenantSettings, queues: QueuesRead, reported: set[tuple[Stage, str]]
) -> Iterable[Compared]:
    listing = queues[Stage.INVOICE]
    known = ledger.jobs_of_orders(settings.name, Stage.INVOICE, list(listing.orders))
    jobs = grouped(known, key=lambda job: job.order_id)
    queue = ledger.queue(settings.name, Stage.INVOICE)
    read_at = queue.last_good_read_at if queue else None
    not_read = read_at is None or listing.began_at - read_at > NOT_READ_FOR
    for one in shipped(settings, queues):
        own = jobs.get(one.order_id, [])
        listed = listing.orders[one.order_id]
        done = _still_listed(own, listed, listing, settings)
        if done is not None:
            at = f"{done.accepted_at:%Y-%m-%d %H:%M} UTC" if done.accepted_at else "before"
            yield Compared(
                done, None, Finding.ISSUED_NOT_CONFIRMED,
                f"the ledger has it as confirmed since {at}, invoice {done.number or done.key}; ShipperOne still lists "
                "the same items in pending_invoice: ask ShipperOne whether it has the invoice",
            )  # fmt: skip
            continue
        newest = max(own, key=lambda job: job.id, default=None)
        if newest is None:
            if not_read:
                why = "the ledger does not contain it: no service has read the queue recently"
                yield Compared(None, None, Finding.SHIPPED_NOT_INVOICED, _waits(one, why), shipped=one)
        elif _rests(newest) and (Stage.INVOICE, one.order_id) not in reported:
            why = newest.sentence or str(newest.state)
            yield Compared(newest, None, Finding.SHIPPED_NOT_INVOICED, _waits(one, why), shipped=one)


def _rests(job: Job) -> bool:
    return job.state in (State.WAITING, State.HELD) and not job.accepted


def _still_listed(own: Iterable[Job], listed: Listed, listing: Listing, settings: TenantSettings) -> Job | None:
    """The confirmed job whose unchanged listing is still present, longer than a queue may lag."""
    long_ago = listing.began_at - settings.settle
    for job in own:
        if job.accepted and job.accepted_at and job.accepted_at < long_ago and job.fingerprint == listed.fingerprint:
            return job
    return None


def _without_order(ledger: Ledger, settings: TenantSettings, queues: QueuesRead) -> Iterable[Compared]:
    listing = queues[Stage.ALLOCATION]
    if not listing.proves_absence:
        return
    for job in ledger.unfinished_jobs(settings.name, Stage.ALLOCATION):
        settled = job.state not in MOVING and job.since < listing.began_at
        if not settled or job.accepted or not job.reference or job.adopted:
            continue
        if not lists(listing, job.order_id) and not lists(queues[Stage.INVOICE], job.order_id):
            yield Compared(
                job, None, Finding.RESERVATION_WITHOUT_ORDER,
                f"{job.reference} is reserved, but neither queue lists the order: "
                f"{job.sentence or 'it was cancelled, or confirmed elsewhere'}",
            )  # fmt: skip


def _shipped(settings: TenantSettings, listing: Listing, order_id: str, listed: Listed) -> Shipped:
    order = listed.order
    currency = order.currency or settings.currency
    amount = figures(sort_out(order, settings).invoiced, currency, settings.discount).invoice_total
    return Shipped(order_id, amount, currency, order.shipped_at or listing.began_at)


def _waits(one: Shipped, why: str) -> str:
    return f"shipped {one.since:%Y-%m-%d}, not invoiced: {why}"
