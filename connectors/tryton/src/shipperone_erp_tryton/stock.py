"""Reservations: one customer shipment of Tryton for each key, with its goods assigned; a transfer is an internal
shipment.

Tryton has no reservations. Its equivalent is the *assigned* move: the quantity is no longer available to others.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from shipperone_erp import (
    Done,
    FulfillmentOrder,
    OrderItem,
    Owner,
    Pending,
    Reason,
    Refused,
    ReleaseStock,
    Reserved,
    ReserveStock,
    Shortage,
    ShortLine,
    Voided,
)
from shipperone_erp_tryton import keys
from shipperone_erp_tryton.buyers import address, buyer
from shipperone_erp_tryton.erp import Books, exact
from shipperone_erp_tryton.products import products, quantity, warehouse

OUT = "stock.shipment.out"
INTERNAL = "stock.shipment.internal"
MOVE = "stock.move"
ASSIGNMENT = "shipperone.assignment"
KIND = "reservation"

SPENT = frozenset({"cancelled"})
GONE = frozenset({"picked", "packed", "shipped", "done"})
"""States of a shipment whose goods have left the shelf."""

UNASSIGNED = frozenset({"draft", "staging"})
"""States of a move that keeps no goods from others."""

NOT_FREE = "it was put back in Tryton, or its goods were counted or taken elsewhere, and too little of them is free now"

STOCK_AGAIN = 900.0
"""Seconds until a shipment that lost its goods is tried again."""


def reserve(books: Books, request: ReserveStock) -> Reserved | Shortage | Pending | Voided:
    """Reserve the whole order under the key, or nothing of it."""
    row = keys.find(books, KIND, request.key)
    if row is None:
        made = _make(books, request)
        if isinstance(made, Shortage):
            return made
        row = made
    shipment = row.shipment
    if not is_live(row):
        return Voided(None if shipment is None else reference(shipment))
    return _answer(books, row, request)


def release(books: Books, request: ReleaseStock) -> Done:
    """Release the goods that the key still holds; the key cannot be used again. Delivered goods stay delivered."""
    row = keys.find(books, KIND, request.key)
    if row is not None and is_live(row):
        going = [transfer for transfer in row.transfers if transfer.state not in {"done", "cancelled"}]
        _refuse_on_the_road(going)
        books.model(INTERNAL).cancel(going)
        if row.shipment.state not in {"shipped", "done"}:
            books.model(OUT).cancel([row.shipment])
    keys.void(books, KIND, request.key, request.order.order_id)
    return Done()


def is_live(row: Any) -> bool:
    """Whether the key's shipment exists, and is neither released nor cancelled."""
    return not row.voided and row.shipment is not None and row.shipment.state not in SPENT


def reference(shipment: Any) -> str:
    """Tryton's identifier of a record, in the form of its fields of the kind Reference."""
    return f"{OUT},{shipment.id}"


def available(books: Books, places: dict[Any, set[Any]]) -> dict[tuple[int, int], Decimal]:
    """Quantity on hand and not assigned, by storage and product, in the product's unit. `places`: by storage."""
    Product, Location = books.model("product.product"), books.model("stock.location")
    free: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    today = books.model("ir.date").today()
    from trytond.transaction import Transaction

    for storage, wanted in places.items():
        ids = [place.id for place in Location.search([("parent", "child_of", [storage.id])])]
        with Transaction().set_context(stock_date_end=today, stock_assign=True):
            counted = Product.products_by_location(ids, grouping_filter=([product.id for product in wanted],))
        for (_, product_id), number in counted.items():
            free[storage.id, product_id] += exact(number)
    return free


def _make(books: Books, request: ReserveStock) -> Any:
    """The key's row with its shipments, everything assigned; or the Shortage."""
    order = request.order
    found = products(books, (item.sku for item in order.items))
    goods = [item for item in order.items if found[item.sku].type != "service"]
    sources = {code: warehouse(books, code) for code in dict.fromkeys(map(order.source_warehouse, goods))}
    home = warehouse(books, order.warehouse_code)
    quantities = {item.item_id: quantity(found[item.sku], item.qty) for item in goods}
    row = keys.create(books, KIND, request.key, order.order_id)
    # first the key: of two calls with one key, the second waits here, and finds the documents of the first
    short = _short(books, order, goods, found, sources)
    if short:
        books.model(keys.KEY).delete([row])
        return Shortage(short)
    # of two orders for the last piece, the second waits here, and is replayed before it has done the work
    books.model(ASSIGNMENT).claim([found[item.sku].id for item in goods])
    shipment = make_shipment(books, order, home)
    shipment.moves = [
        make_move(
            books, found[item.sku], quantities[item.item_id], home.output_location, shipment.customer_location, item
        )
        for item in goods
    ]
    shipment.save()
    far = {code: place for code, place in sources.items() if place != home}
    books.model(keys.KEY).write([row], {"shipment": shipment.id})
    for code, source in far.items():
        items = [item for item in goods if order.source_warehouse(item) == code]
        _transfer(books, row, source, home, [(found[item.sku], quantities[item.item_id], item) for item in items])
    books.model(OUT).wait([shipment])
    if not _assign(books, shipment, {keys.item_text(item) for item in goods if order.source_warehouse(item) in far}):
        raise _stolen(shipment)
    return row


def _short(
    books: Books, order: FulfillmentOrder, goods: list[OrderItem], found: dict[str, Any], sources: dict[str, Any]
) -> tuple[ShortLine, ...]:
    """Every line that is short; the quantities of lines with the same product and place are added."""
    places: dict[Any, set[Any]] = defaultdict(set)
    wanted: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    at: dict[int | str, tuple[int, int]] = {}
    for item in goods:
        product = found[item.sku]
        if product.consumable:
            continue
        storage = sources[order.source_warehouse(item)].storage_location
        places[storage].add(product)
        at[item.item_id] = (storage.id, product.id)
        wanted[at[item.item_id]] += item.qty
    free = available(books, places)
    return tuple(
        ShortLine(item.item_id, item.sku, wanted[at[item.item_id]], max(free[at[item.item_id]], Decimal(0)))
        for item in goods
        if item.item_id in at and wanted[at[item.item_id]] > free[at[item.item_id]]
    )


def make_shipment(books: Books, order: FulfillmentOrder, home: Any) -> Any:
    """A customer shipment of this order without moves, not saved."""
    party = buyer(books, order)
    made = books.model(OUT)(
        company=books.company,
        customer=party,
        delivery_address=address(books, party, order.shipping or order.customer or order.billing),
        warehouse=home,
        reference=order.order_number or order.order_id,
        planned_date=books.model("ir.date").today(),
        state="draft",
    )
    made.on_change_warehouse()
    return made


def make_move(books: Books, product: Any, qty: float, origin: Any, target: Any, item: OrderItem) -> Any:
    move = books.model(MOVE)(
        product=product,
        unit=product.default_uom,
        quantity=qty,
        from_location=origin,
        to_location=target,
        company=books.company,
        shipperone_item=keys.item_text(item),
    )
    if move.on_change_with_unit_price_required():
        move.unit_price = Decimal(0)  # invoices are made from ShipperOne's order, not from moves
        move.currency = books.company.currency
    return move


def _transfer(books: Books, row: Any, source: Any, home: Any, lines: list[tuple[Any, float, OrderItem]]) -> None:
    """An internal shipment of these goods to the order's warehouse, assigned at their source."""
    Internal = books.model(INTERNAL)
    today = books.model("ir.date").today()
    start, end = source.storage_location, home.storage_location
    shipment = Internal(
        company=books.company,
        from_location=start,
        to_location=end,
        planned_date=today,
        planned_start_date=today,
        reference=row.shipment.reference,
        shipperone_key=row,
        state="draft",
        moves=[make_move(books, product, qty, start, end, item) for product, qty, item in lines],
    )
    shipment.save()
    Internal.wait([shipment])
    Internal.assign_try([shipment])
    if Internal(shipment.id).state != "assigned":
        raise _stolen(shipment)


def _assign(books: Books, shipment: Any, later: set[str]) -> bool:
    """Assign the goods that are in stock here; `later`: the items whose goods still have to arrive."""
    Out, Move = books.model(OUT), books.model(MOVE)
    shipment = Out(shipment.id)
    if not later:
        Out.assign_try([shipment])
        return bool(Out(shipment.id).state == "assigned")
    from trytond.transaction import without_check_access

    now = [move for move in shipment.assign_moves if item_of(move) not in later and move.state in UNASSIGNED]
    with without_check_access():  # a user may only assign whole shipments; the rest of this one follows its transfer
        return bool(Move.assign_try(now))


def assign_again(books: Books, row: Any) -> str | None:
    """Assign what someone has put back in Tryton since it was reserved, and what has arrived for the shipment.

    Returns a sentence if the goods are no longer free; then the shipment holds none of those in stock here.
    """
    Out, Internal = books.model(OUT), books.model(INTERNAL)
    for transfer in row.transfers:
        if transfer.state == "draft":
            Internal.wait([transfer])
        if transfer.state in {"draft", "waiting"}:
            Internal.assign_try([Internal(transfer.id)])
            if Internal(transfer.id).state != "assigned":
                Internal.wait([Internal(transfer.id)])
                return f"the transfer {transfer.rec_name} for {row.shipment.rec_name} is not assigned: {NOT_FREE}"
    later = {str(item_of(move)) for transfer in on_the_road(row) for move in transfer.moves}
    if _assign(books, row.shipment, later):
        return None
    Out.wait([Out(row.shipment.id)])
    arrived = ", ".join(transfer.rec_name for transfer in row.transfers if transfer.state == "done")
    came = f"the transfer {arrived} has arrived, and " if arrived else ""
    return f"{came}{row.shipment.rec_name} is not assigned: {NOT_FREE}"


def on_the_road(row: Any) -> list[Any]:
    """The transfers whose goods have not arrived."""
    return [transfer for transfer in row.transfers if transfer.state not in {"done", "cancelled"}]


def item_of(move: Any) -> str | None:
    """The item of a move, or of the outgoing move that it belongs to."""
    text: str | None = move.shipperone_item
    if text is None and move.origin is not None and move.origin.__name__ == MOVE:
        return item_of(move.origin)
    return text


def _stolen(shipment: Any) -> Refused:
    sentence = f"{shipment.rec_name}: Tryton could not assign stock that it reports as available"
    return Refused(Reason.ERP_STOCK_INCONSISTENT, sentence, Owner.WAREHOUSE)


def _answer(books: Books, row: Any, request: ReserveStock) -> Reserved | Pending:
    shipment = row.shipment
    if shipment.state in GONE | {"assigned"}:
        return Reserved(reference(shipment))
    lost = [transfer for transfer in row.transfers if transfer.state == "cancelled"]
    if lost and shipment.state == "waiting":
        sentence = f"the transfer {lost[0].rec_name} for {shipment.rec_name} was cancelled in Tryton"
        raise Refused(Reason.ERP_CHANGED, sentence, Owner.WAREHOUSE)
    if shipment.state == "draft":
        sentence = (
            f"{shipment.rec_name} was set to draft in Tryton: let it wait for its goods again there, or cancel it"
        )
        raise Refused(Reason.ERP_CHANGED, sentence, Owner.WAREHOUSE)
    missing = assign_again(books, row)
    if missing is not None:
        return Pending(missing, STOCK_AGAIN, Reason.NOT_ENOUGH_STOCK, Owner.WAREHOUSE)
    coming = on_the_road(row)
    if coming and request.transfer == "arrived":
        names = ", ".join(transfer.rec_name for transfer in coming)
        return Pending(
            f"the transfer {names} for {shipment.rec_name} has not arrived",
            60,
            Reason.WAITING_FOR_TRANSFER,
            Owner.WAREHOUSE,
        )
    return Reserved(reference(shipment))


def _refuse_on_the_road(transfers: list[Any]) -> None:
    road = [transfer for transfer in transfers if transfer.state == "shipped"]
    if road:
        sentence = f"the transfer {road[0].rec_name} is in transit: receive or cancel it in Tryton, then release again"
        raise Refused(Reason.ERP_CHANGED, sentence, Owner.WAREHOUSE)
