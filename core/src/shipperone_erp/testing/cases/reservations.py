"""R: stock is reserved once, completely or not at all, and never more than is available."""

from decimal import Decimal

from shipperone_erp.domain.hook_answers import Pending, Refused, Reserved, Shortage
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.findings import Finding, must, same

PROBES = "settings add_product on_hand reserved"


@case(
    "R1",
    "the same key reserves once",
    needs="reserve_stock",
    probes=PROBES + " documents",
    suffers="Each retry reserves more goods, until nothing can be sold.",
    cure="Look up the key first and return the existing document; put a unique constraint on the key.",
)
def reserves_once(bench: Bench) -> None:
    """`reserve_stock` is called three times with one key: one reservation, one reference, the stock reserved once and
    still on hand."""
    mug, tea = bench.product(10), bench.product(10)
    order, desk = bench.order(bench.item(mug, 2), bench.item(tea, 1)), bench.desk
    first = desk.reserved(order)
    for _ in range(2):
        same(desk.reserve(order), first, "reserve_stock with the same key again")
    same(bench.stock(mug), (10, 2), "on hand and reserved, of 2 that were reserved out of 10")
    same(bench.stock(tea), (10, 1), "on hand and reserved, of 1 that was reserved out of 10")
    live = bench.documents(desk.to_reserve(order).key, "live")
    same(len(live), 1, "live reservations of one key")


@case(
    "R2",
    "twenty threads with one key reserve once",
    needs="reserve_stock",
    probes=PROBES + " documents",
    suffers="Two machines, or a call after its deadline, reserve the same order twice.",
    cure="Let a unique constraint on the key decide inside one transaction, and look up the key again when it fails.",
)
def reserves_once_at_once(bench: Bench) -> None:
    """Several concurrent calls with one key: one answer, one reservation. A lookup before the write is not
    sufficient: use a unique constraint on the key, or take a lock."""
    mug = bench.product(100)
    order, desk = bench.order(bench.item(mug, 2)), bench.desk
    answers = desk.at_once("reserve_stock", [desk.to_reserve(order)] * bench.harness.threads)
    must(
        all(isinstance(answer, Reserved) for answer in answers),
        f"of one key at once, answers were {set(map(str, answers))}",
    )
    same(len({answer.reference for answer in answers}), 1, "references of one key")
    same(bench.stock(mug), (100, 2), "on hand and reserved, of 2 that were reserved out of 100")
    same(len(bench.documents(desk.to_reserve(order).key, "live")), 1, "live reservations of one key")


@case(
    "R3",
    "a shortage names every short line and leaves nothing reserved",
    needs="reserve_stock",
    probes=PROBES,
    suffers="The purchaser replenishes one of three missing products; goods stay reserved for an order that cannot "
    "ship.",
    cure="Compute the shortage of all lines before writing the first one, and roll back on a shortage.",
)
def tells_what_is_short(bench: Bench) -> None:
    """Three lines, two of them short: the `Shortage` names exactly these two, with the needed and the available
    quantity, and none of the three is reserved. Once the goods have come in, the same key is reserved."""
    mug, tea, jar = bench.product(1), bench.product(10), bench.product(0)
    order = bench.order(bench.item(mug, 3), bench.item(tea, 2), bench.item(jar, 1))
    answer = bench.desk.reserve(order)
    must(isinstance(answer, Shortage), f"reserve_stock answered {answer} although two of three lines are short")
    found = {line.item_id: (line.sku, line.wanted, line.available) for line in answer.lines}
    wanted = {order.items[0].item_id: (mug, 3, 1), order.items[2].item_id: (jar, 1, 0)}
    same(found, wanted, "the short lines, each with SKU, wanted and available")
    for sku, on_hand in ((mug, 1), (tea, 10), (jar, 0)):
        same(bench.stock(sku), (on_hand, 0), f"on hand and reserved of {sku} after a shortage")
    for sku in (mug, jar):
        bench.harness.add_product(sku, Decimal(5), bench.harness.warehouse)
    bench.desk.reserved(order)


@case(
    "R4",
    "available is on hand minus reserved",
    needs="reserve_stock",
    probes=PROBES,
    suffers="The same piece is sold to two customers; one of them waits for goods that do not exist.",
    cure="Subtract what is reserved from what is on hand; many ERPs name the field `available` and mean on hand.",
)
def never_reserves_what_is_reserved(bench: Bench) -> None:
    """Of three on hand two are reserved; another order for two is short, with one available."""
    mug = bench.product(3)
    bench.desk.reserved(bench.order(bench.item(mug, 2)))
    answer = bench.desk.reserve(bench.order(bench.item(mug, 2)))
    must(isinstance(answer, Shortage), f"reserve_stock answered {answer} where 1 of 3 is still free and 2 are wanted")
    same([line.available for line in answer.lines], [1], "what the shortage says is available")
    same(bench.stock(mug), (3, 2), "on hand and reserved")


@case(
    "R5",
    "of many orders for the last piece exactly one gets it",
    needs="reserve_stock",
    probes=PROBES,
    suffers="On a busy day more is sold than is in stock.",
    cure="Lock the stock rows, or let one conditional UPDATE both check and reserve.",
)
def never_oversells(bench: Bench) -> None:
    """One piece, and as many concurrent orders as the harness has `threads`: one is reserved, all others are short. The
    read and the following write must be one step for the database.

    If the connector names an `exclusive()`, core makes these calls one at a time. If they are made concurrently, as by
    two ledgers, each may yield to the others: never do two get the piece, and if none has it, the next single call gets
    it.
    """
    mug = bench.product(1)
    desk = bench.desk
    answers = desk.at_once(
        "reserve_stock", [desk.to_reserve(bench.order(bench.item(mug, 1))) for _ in range(bench.harness.threads)]
    )
    wrong = [answer for answer in answers if not isinstance(answer, Reserved | Shortage)]
    must(not wrong, f"an order that came too late was answered {wrong[:1]}, not Shortage")
    got = sum(isinstance(answer, Reserved) for answer in answers)
    if got == 0 and desk.connector.exclusive() is not None:
        desk.reserved(bench.order(bench.item(mug, 1)))
    else:
        same(got, 1, "orders that got the one piece")
    same(bench.stock(mug), (1, 1), "on hand and reserved")


@case(
    "R6",
    "two lines with one SKU are two lines, and need their sum",
    needs="reserve_stock",
    probes=PROBES,
    suffers="An order with the same product twice ships one of the lines, or reserves more than is in stock.",
    cure="Add the quantities up by SKU before they are compared with the stock.",
)
def adds_up_lines_of_one_sku(bench: Bench) -> None:
    """2 + 3 of one SKU: five are reserved. With four on hand 2 + 3 are short, although each line alone would fit;
    the shortage reports that four are available."""
    mug, tea = bench.product(10), bench.product(4)
    bench.desk.reserved(bench.order(bench.item(mug, 2), bench.item(mug, 3)))
    same(bench.stock(mug), (10, 5), "on hand and reserved, of lines of 2 and 3 of one SKU")
    order = bench.order(bench.item(tea, 2), bench.item(tea, 3))
    answer = bench.desk.reserve(order)
    must(isinstance(answer, Shortage), f"reserve_stock answered {answer} where lines of 2 and 3 want 4 pieces")
    same({line.available for line in answer.lines}, {Decimal(4)}, "what the shortage says is available")
    same(bench.stock(tea), (4, 0), "on hand and reserved after a shortage")


@case(
    "R7",
    "goods in another warehouse are reserved there, and the order waits for them",
    needs="reserve_stock",
    can="transfers",
    probes=PROBES + " arrive",
    suffers="The warehouse is instructed to ship goods that are still in another warehouse.",
    cure="Use order.source_warehouse(item) for the goods, and answer Pending until the transfer is done.",
)
def reserves_where_it_lies(bench: Bench) -> None:
    """A line names the other warehouse: it is reserved there. With `transfer="arrived"` the answer is
    `Pending(reason="waiting_for_transfer")` until the goods arrive; with `"reserved"` it is `Reserved` at once. When
    the transfer arrives, they are reserved in the order's warehouse."""
    there, here = bench.harness.other_warehouse, bench.harness.warehouse
    mug = bench.product(5, there)
    order = bench.order(bench.item(mug, 2, warehouse_code=there))
    waiting = bench.desk.reserve(order)
    must(
        isinstance(waiting, Pending) and waiting.reason == Reason.WAITING_FOR_TRANSFER,
        f"reserve_stock answered {waiting}, not Pending(reason='waiting_for_transfer')",
    )
    same(bench.stock(mug, there), (5, 2), f"on hand and reserved in {there}")
    enough = bench.desk.reserve(order, transfer="reserved")
    must(isinstance(enough, Reserved), f"with transfer='reserved' reserve_stock answered {enough}")
    bench.harness.arrive(bench.desk.to_reserve(order).key)
    bench.desk.reserved(order)
    same((bench.stock(mug, there), bench.stock(mug, here)), ((3, 0), (2, 2)), "stock there and here after its arrival")


@case(
    "R8",
    "a product that the ERP does not know is never reserved",
    needs="reserve_stock",
    probes=PROBES + " documents",
    suffers="An order is confirmed for a product that the warehouse does not have; or all other orders wait behind it.",
    cure="Raise Refused('product_unknown', …) with the SKU in the sentence if a look-up finds no product.",
)
def knows_what_it_knows(bench: Bench) -> None:
    """A SKU that does not exist next to one that does: `Refused("product_unknown")`, or a `Pending` of that reason,
    with a sentence that names the SKU; or a `Shortage` that names the line. Nothing is reserved."""
    mug, nothing = bench.product(5), f"{bench.product(5)}-UNKNOWN"
    order = bench.order(bench.item(mug, 1), bench.item(nothing, 1))
    answer: object
    try:
        answer = bench.desk.reserve(order)
    except Refused as refused:
        answer = refused
    match answer:
        case Refused() | Pending():
            same(answer.reason, Reason.PRODUCT_UNKNOWN, "the reason for a SKU that the ERP does not know")
            must(nothing in answer.sentence, f"the sentence does not name the SKU: {answer.sentence}")
        case Shortage():
            same([line.item_id for line in answer.lines], [order.items[1].item_id], "the lines that are short")
        case _:
            raise Finding(f"reserve_stock answered {answer} for a SKU that the ERP does not know")
    same(bench.stock(mug), (5, 0), "on hand and reserved of the product that exists")
    same(bench.documents(bench.desk.to_reserve(order).key, "live"), [], "live reservations of that key")
