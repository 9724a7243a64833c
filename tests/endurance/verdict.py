"""What is true at the end, counted in the ERP and at ShipperOne: nothing twice, nothing unaccepted, nothing lost."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from endurance.merchants import Merchant
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.sandbox.state import OrderState

Invoiced = tuple[str, Decimal]
"""The items and quantities of an invoice, `10:2,11:1`, and its shipping."""


def nothing_unaccepted(merchant: Merchant) -> Iterator[str]:
    """At any moment: what is wrong with what the ERP has issued and reserved so far."""
    issued = issued_in_erp(merchant)  # asked first: what ShipperOne has accepted only grows
    for order_id, invoices in issued.items():
        more = invoices - accepted(merchant.sandbox.order(order_id))
        for (items, fee), times in more.items():
            yield f"{order_id}: invoice of {items} with shipping {fee} issued {times} time(s) more than it was accepted"
    for key, item_id in merchant.erp.ask("SELECT key, order_id FROM effects WHERE hook = 'reserved twice'"):
        yield f"item {item_id} was reserved a second time, under {key}, while a reservation of it was live"


def everything(merchant: Merchant, jobs: Sequence[Job]) -> Iterator[str]:
    """At the end: what is wrong. An order with a held job is explained, the stock is not."""
    yield from nothing_unaccepted(merchant)
    by_order: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        by_order[job.order_id].append(job)
    issued, live = issued_in_erp(merchant), _live(merchant)
    delivered = _counted(merchant.erp.ask("SELECT order_id, items FROM deliveries"))
    drafts = _counted(merchant.erp.ask("SELECT order_id, key FROM invoices WHERE state = 'draft'"))
    for order_id in merchant.came:
        mine = by_order[order_id]
        state = merchant.sandbox.order(order_id)
        for job in mine:
            if job.state is State.HELD and not (job.reason and job.sentence and job.owner):
                yield f"{order_id}: {job.key} is held and does not say why"
            elif not job.ended and job.state is not State.HELD:
                yield f"{order_id}: {job.key} is still {job.state}, {job.step}, {job.reason}: {job.sentence}"
        if any(job.state is State.HELD for job in mine):
            continue
        if not mine and not state.cancelled:
            yield f"{order_id} was lost"
        for what, times in (accepted(state) - issued.get(order_id, Counter())).items():
            yield f"{order_id}: invoice {what} was accepted {times} time(s) more than it was issued"
        if Counter(items for items, _ in issued.get(order_id, Counter()).elements()) != delivered[order_id]:
            yield f"{order_id}: issued {issued.get(order_id)}, delivered {delivered[order_id]}"
        if drafts[order_id]:
            yield f"{order_id}: drafts are left: {list(drafts[order_id])}"
        if not state.cancelled and (state.to_allocate or state.unshipped or state.to_invoice):
            left = (state.to_allocate, state.unshipped, state.to_invoice)
            yield f"{order_id} is not done: to allocate, to ship, to invoice: {left}"
        yield from _reserved_as_allocated(order_id, mine, state, live[order_id])
    yield from _stock(merchant)


def _reserved_as_allocated(order_id: str, jobs: Sequence[Job], state: OrderState, live: Counter[str]) -> Iterator[str]:
    ordered = {str(item.id): int(item.qty) for item in state.order.items}
    wanted = Counter({item_id: ordered[item_id] for item_id in map(str, state.allocated)})
    if live == wanted or (state.cancelled and kept_though_cancelled(jobs)):
        return
    yield f"{order_id}: allocated {dict(wanted)}, reserved {dict(live)}{', cancelled' if state.cancelled else ''}"


def kept_though_cancelled(jobs: Sequence[Job]) -> bool:
    """An answer was lost and then the order left: taken for accepted, and its goods stay reserved."""
    return any(job.inferred for job in jobs if job.stage is Stage.ALLOCATION)


def issued_in_erp(merchant: Merchant) -> Mapping[str, Counter[Invoiced]]:
    """What the ERP has issued, by order."""
    found: dict[str, Counter[Invoiced]] = defaultdict(Counter)
    rows = merchant.erp.ask("SELECT order_id, items, shipping FROM invoices WHERE state = 'issued'")
    for order_id, items, shipping in rows:
        found[order_id][_sorted(items), Decimal(shipping)] += 1
    return found


def accepted(state: OrderState) -> Counter[Invoiced]:
    """What ShipperOne has accepted to be invoiced of an order."""
    return Counter(
        (_sorted(",".join(f"{item_id}:{plain(qty)}" for item_id, qty in quantities.items())), fee)
        for quantities, fee in list(state.invoices)
    )


def _sorted(items: str) -> str:
    return ",".join(sorted(items.split(",")))


def _counted(rows: Sequence[tuple[str, str]]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for order_id, what in rows:
        found[order_id][_sorted(what)] += 1
    return found


def _live(merchant: Merchant) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for order_id, item_id, qty in merchant.erp.ask(
        "SELECT order_id, item_id, qty FROM reserved_lines JOIN reservations USING (key) WHERE state = 'live'"
    ):
        found[order_id][item_id] += qty
    return found


def _stock(merchant: Merchant) -> Iterator[str]:
    """To the piece: on hand is what came less what was delivered, reserved is what is live less what was delivered."""
    skus = {
        str(item.id): item.sku for order_id in merchant.came for item in merchant.sandbox.order(order_id).order.items
    }
    out: Counter[str] = Counter()
    for (items,) in merchant.erp.ask("SELECT items FROM deliveries"):
        for line in items.split(","):
            item_id, qty = line.split(":")
            out[skus[item_id]] += int(Decimal(qty))
    held: Counter[tuple[str, str]] = Counter()
    for warehouse, sku, qty in merchant.erp.ask(
        "SELECT warehouse, sku, qty FROM reserved_lines JOIN reservations USING (key) WHERE state = 'live'"
    ):
        held[warehouse, sku] += qty
    for order_id, key, items in merchant.erp.ask("SELECT order_id, key, items FROM deliveries"):
        for line in items.split(","):
            reserved = merchant.erp.ask(
                "SELECT state FROM reserved_lines JOIN reservations USING (key) WHERE item_id = ?", line.split(":")[0]
            )
            if reserved and ("live",) not in reserved:
                yield f"{order_id}: {line} was delivered as {key}, and its reservation had been given back"
    moved: Counter[str] = Counter()
    for sku, qty in merchant.erp.ask("SELECT sku, qty FROM arrivals"):
        moved[sku] += qty
    for warehouse, sku, on_hand, reserved in merchant.erp.ask("SELECT warehouse, sku, on_hand, reserved FROM stock"):
        main = warehouse == "main"
        came = merchant.stocked[warehouse, sku] + (moved[sku] if main else -moved[sku])
        gone = out[sku] if main else 0
        if (on_hand, reserved) != (came - gone, held[warehouse, sku] - gone):
            yield (
                f"{sku} in {warehouse}: {came} came, {gone} went out, {held[warehouse, sku]} are reserved for orders "
                f"or gone; the ERP says {on_hand} on hand, {reserved} reserved"
            )
