"""Deliveries: exactly these items leave the stock, out of their reservation.

Tryton ships a customer shipment as a whole. A parcel with a part of it gets a customer shipment of its own: its share
of the reserved moves is split off, still assigned, and shipped; the rest stays reserved under its key. The last parcel
ships the reservation's own shipment.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shipperone_erp import Deliver, Done, OrderItem, Owner, Pending, Reason, Refused
from shipperone_erp_tryton import keys
from shipperone_erp_tryton.erp import Books, exact
from shipperone_erp_tryton.products import products, quantity, warehouse
from shipperone_erp_tryton.stock import MOVE, OUT, is_live, item_of, make_move, make_shipment

KIND = "delivery"


def deliver(books: Books, request: Deliver) -> Done | Pending:
    """Deliver once for each key."""
    if keys.find(books, KIND, request.key) is not None:
        return Done()
    order = request.order
    row = keys.create(books, KIND, request.key, order.order_id)
    found = products(books, (item.sku for item in order.items))
    goods = [item for item in order.items if found[item.sku].type != "service"]
    for item in goods:
        quantity(found[item.sku], item.qty)
    holders = _holders(books, request)
    shipped = None
    for shipment, items in _by_shipment(goods, holders):
        if shipment is None:
            shipped = _unreserved(books, request, items, found)
            continue
        if shipment.state == "waiting":
            books.model(keys.KEY).delete([row])
            sentence = f"the goods of {shipment.rec_name} are shipped, and their transfer has not arrived in Tryton"
            return Pending(sentence, 300, Reason.WAITING_FOR_TRANSFER, Owner.WAREHOUSE)
        shipped = _out_of(books, shipment, items)
    books.model(keys.KEY).write([row], {"shipment": None if shipped is None else shipped.id})
    return Done()


def _holders(books: Books, request: Deliver) -> dict[int | str, Any]:
    """The live shipment that holds each item."""
    holders = {}
    for made in request.reservations:
        row = keys.find(books, "reservation", made.key)
        if row is not None and is_live(row):
            holders.update(dict.fromkeys(made.item_ids, row.shipment))
    return holders


def _by_shipment(items: list[OrderItem], holders: dict[int | str, Any]) -> list[tuple[Any, list[OrderItem]]]:
    shipments = list(dict.fromkeys(holders.get(item.item_id) for item in items))
    return [(one, [item for item in items if holders.get(item.item_id) == one]) for one in shipments]


def _out_of(books: Books, shipment: Any, items: list[OrderItem]) -> Any:
    """Ship these items of a reservation; returns the shipment with which they left."""
    if shipment.state in {"shipped", "done"}:
        return shipment  # the warehouse has shipped it in Tryton
    wanted = {keys.item_text(item): item.qty for item in items}
    held: dict[str, Decimal] = {}
    for move in shipment.outgoing_moves:
        if move.state != "cancelled" and (text := item_of(move)) is not None:
            held[text] = held.get(text, Decimal(0)) + exact(move.quantity)
    over = [text for text, qty in wanted.items() if qty > held.get(text, Decimal(0))]
    if over:
        sentence = f"{shipment.rec_name} contains less of item {', '.join(over)} than has left: correct it in Tryton"
        raise Refused(Reason.ERP_STOCK_INCONSISTENT, sentence, Owner.WAREHOUSE)
    if wanted == held:
        return _ship(books, shipment)
    if shipment.state != "assigned":
        sentence = f"a part of {shipment.rec_name} has left, and it is already {shipment.state}: ship it in Tryton"
        raise Refused(Reason.ERP_CHANGED, sentence, Owner.WAREHOUSE)
    return _ship(books, _split(books, shipment, wanted))


def _split(books: Books, shipment: Any, wanted: dict[str, Decimal]) -> Any:
    """Split off a shipment with this quantity of each item, still assigned.

    Tryton permits no user to change an assigned move. Here the assigned total does not change, so access rights are not
    checked.
    """
    from trytond.transaction import without_check_access

    with without_check_access():
        return _split_off(books, shipment, wanted)


def _split_off(books: Books, shipment: Any, wanted: dict[str, Decimal]) -> Any:
    Out = books.model(OUT)
    (parcel,) = Out.copy([shipment], default={"moves": None, "number": None, "state": "draft"})
    left = dict(wanted)
    inventory = list(shipment.inventory_moves)
    for move in shipment.outgoing_moves:
        text = item_of(move)
        if text is None or move.state == "cancelled" or left.get(text, Decimal(0)) <= 0:
            continue
        take = min(left[text], exact(move.quantity))
        left[text] -= take
        away = _take(books, move, take, parcel)
        rest = take
        for pick in inventory:
            if pick.origin == move and pick.state != "cancelled" and rest > 0:
                share = min(rest, exact(pick.quantity))
                rest -= share
                taken = _take(books, pick, share, parcel)
                books.model(MOVE).write([taken], {"origin": str(away)})
    Out.set_number([parcel])
    Out.write([parcel], {"state": "assigned"})
    return Out(parcel.id)


def _take(books: Books, move: Any, qty: Decimal, parcel: Any) -> Any:
    """Give that quantity of a move to the parcel, in the move's state. Returns the move, or the one split off."""
    Move = books.model(MOVE)
    from trytond.transaction import Transaction

    if qty == exact(move.quantity):
        Move.write([move], {"shipment": str(parcel)})
        return move
    state = move.state
    left = float(exact(move.quantity) - qty)
    with Transaction().set_context(_stock_move_split=True):
        (away,) = Move.copy([move], default={"quantity": float(qty), "shipment": str(parcel)})
        if state == "assigned":
            Move.draft([move])
        Move.write([move], {"quantity": left})
        if state == "assigned":
            Move.assign([move, away])
    return away


def _ship(books: Books, shipment: Any) -> Any:
    """Complete the shipment, from picking to done, from the step at which the warehouse has left it."""
    Out = books.model(OUT)
    if shipment.state == "assigned" and shipment.warehouse_storage != shipment.warehouse_output:
        Out.pick([shipment])
        shipment = Out(shipment.id)
    if shipment.state in {"assigned", "picked"}:
        Out.pack([shipment])
        shipment = Out(shipment.id)
    if shipment.state == "packed":
        Out.ship([shipment])
    Out.do([Out(shipment.id)])
    return Out(shipment.id)


def _unreserved(books: Books, request: Deliver, items: list[OrderItem], found: dict[str, Any]) -> Any:
    """Ship goods that left without a live reservation, from the stock that is not reserved."""
    order, Out = request.order, books.model(OUT)
    home = warehouse(books, order.warehouse_code)
    shipment = make_shipment(books, order, home)
    shipment.moves = [
        make_move(books, found[item.sku], float(item.qty), home.output_location, shipment.customer_location, item)
        for item in items
    ]
    shipment.save()
    Out.wait([shipment])
    Out.assign_try([shipment])
    shipment = Out(shipment.id)
    if shipment.state != "assigned":
        sentence = (
            f"order {order.order_id} was shipped without a reservation, and Tryton has too little stock in {home.code}"
        )
        raise Refused(Reason.ERP_STOCK_INCONSISTENT, sentence, Owner.WAREHOUSE)
    return _ship(books, shipment)
