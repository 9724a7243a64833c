"""D: delivered goods leave the stock once, out of their reservation."""

from dataclasses import replace
from decimal import Decimal

from shipperone_erp.domain.hook_answers import Done
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.findings import same

NEEDS = "reserve_stock build_invoice issue_invoice deliver"
PROBES = "settings add_product on_hand reserved"


@case(
    "D1",
    "delivering twice removes the goods once",
    needs=NEEDS,
    probes=PROBES,
    suffers="The ERP shows no stock although the shelf is full: the goods are not sold.",
    cure="Keep the key of each delivery under a unique constraint and return Done when it is there.",
)
def delivers_once(bench: Bench) -> None:
    """2 of 10 are reserved, invoiced, and delivered three times: 8 on hand, none reserved."""
    desk, mug = bench.desk, bench.product(10)
    order = bench.order(bench.item(mug, 2))
    reservation = desk.reserved(order)
    desk.issued(order)
    for _ in range(3):
        same(desk.deliver(order, reservation, order), Done(), "the answer of deliver")
    same(bench.stock(mug), (8, 0), "on hand and reserved, after 2 of 10 were delivered")


@case(
    "D2",
    "twenty threads with one key deliver once",
    needs=NEEDS,
    probes=PROBES,
    suffers="As in D1, when a call takes longer than its deadline.",
    cure="Insert the delivery's key in the transaction that removes the goods, before it removes them.",
)
def delivers_once_at_once(bench: Bench) -> None:
    """Several concurrent calls of `deliver` with one key take the goods out once."""
    desk, mug = bench.desk, bench.product(100)
    order = bench.order(bench.item(mug, 2))
    request = desk.to_deliver(order, desk.reserved(order), order)
    desk.issued(order)
    answers = desk.at_once("deliver", [request] * bench.harness.threads)
    same(set(map(repr, answers)), {repr(Done())}, "the answers of deliver")
    same(bench.stock(mug), (98, 0), "on hand and reserved, after 2 of 100 were delivered")


@case(
    "D3",
    "exactly the delivered items leave the stock",
    needs=NEEDS,
    probes=PROBES,
    suffers="The second parcel leaves the stock with the first; its goods are sold again before they are packed.",
    cure="Deliver request.order.items, not the reservation's lines, and reduce the reserved quantity by what left.",
)
def delivers_what_shipped(bench: Bench) -> None:
    """5 of one product and 1 of another are reserved; a parcel of 2 of the first leaves: 3 of it stay reserved, and
    the other product is unchanged. Then the rest leaves."""
    desk, mug, tea = bench.desk, bench.product(10), bench.product(10)
    five, one = bench.item(mug, 5, "50.00"), bench.item(tea, 1, "4.00")
    whole = bench.order(five, one)
    reservation = desk.reserved(whole)
    first = bench.part(whole, replace(five, qty=Decimal(2), row_total_incl_tax=Decimal(20)))
    desk.issued(first)
    desk.deliver(first, reservation, whole)
    same(bench.stock(mug), (8, 3), "on hand and reserved, after 2 of 5 reserved ones left")
    same(bench.stock(tea), (10, 1), "on hand and reserved of what is in the other parcel")
    rest = bench.part(whole, replace(five, qty=Decimal(3), row_total_incl_tax=Decimal(30)), one)
    desk.issued(rest)
    desk.deliver(rest, reservation, whole)
    same((bench.stock(mug), bench.stock(tea)), ((5, 0), (9, 0)), "on hand and reserved, after all has left")


@case(
    "D4",
    "a release after a parcel has left releases the rest",
    needs=NEEDS + " release_stock",
    probes=PROBES,
    suffers="The ERP releases goods that have already been shipped, and sells them again.",
    cure="Release only what is still reserved: the reserved quantity minus what has left.",
)
def releases_the_rest(bench: Bench) -> None:
    """2 of 5 reserved pieces have left; the reservation is released: 8 of 10 on hand, none reserved."""
    desk, mug = bench.desk, bench.product(10)
    five = bench.item(mug, 5, "50.00")
    whole = bench.order(five)
    reservation = desk.reserved(whole)
    part = bench.part(whole, replace(five, qty=Decimal(2), row_total_incl_tax=Decimal(20)))
    desk.issued(part)
    desk.deliver(part, reservation, whole)
    same(desk.release(whole), Done(), "the answer of release_stock")
    same(bench.stock(mug), (8, 0), "on hand and reserved, after 2 of 5 left and the rest was released")


@case(
    "D5",
    "goods that were not reserved leave the stock as well",
    needs="reserve_stock build_invoice issue_invoice deliver",
    probes=PROBES,
    since="1.1",
    suffers="A tenant without the allocation stage ships orders, and their goods never leave the ERP's stock.",
    cure="If request.reservations is empty, remove the goods from the free stock in order.source_warehouse(item).",
)
def delivers_without_reservations(bench: Bench) -> None:
    """Another order holds 3 of 10. An order of 2 is invoiced and delivered without any reservation, twice: 8 on hand,
    and the other order's 3 stay reserved."""
    desk, mug = bench.desk, bench.product(10)
    desk.reserved(bench.order(bench.item(mug, 3)))
    order = bench.order(bench.item(mug, 2))
    desk.issued(order)
    for _ in range(2):
        same(desk.deliver(order, None, order), Done(), "the answer of deliver without reservations")
        same(bench.stock(mug), (8, 3), "on hand, and reserved by another order, after 2 of 10 were delivered")
