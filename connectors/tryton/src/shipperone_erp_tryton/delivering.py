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
from shipperone_erp_tryton.stock import MOVE, OUT, assign_again, is_live, item_of, make_move, make_shipment, on_the_road

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
    parts = _by_holder(goods, _holders(books, request))
    # before anything leaves: what has been shipped when this call waits would be shipped again by the next one
    coming = [
        transfer for held, _ in parts if held and held.shipment.state == "waiting" for transfer in on_the_road(held)
    ]
    if coming:
        books.model(keys.KEY).delete([row])
        names = ", ".join(transfer.rec_name for transfer in coming)
        sentence = f"the goods of order {order.order_id} are shipped, and {names} has not arrived in Tryton"
        return Pending(sentence, 300, Reason.WAITING_FOR_TRANSFER, Owner.WAREHOUSE)
    shipped = None
    for held, items in parts:
        if held is None:
            shipped = _unreserved(books, request, items, found)
        elif held.shipment.state == "waiting":
            shipped = _out_of(books, _assigned_again(books, held), items)
        else:
            shipped = _out_of(books, held.shipment, items)
    books.model(keys.KEY).write([row], {"shipment": None if shipped is None else shipped.id})
    return Done()


def _assigned_again(books: Books, row: Any) -> Any:
    """The shipment, which someone has put back in Tryton, or whose transfer was cancelled or arrived short."""
    missing = assign_again(books, row)
    if missing is None:
        return books.model(OUT)(row.shipment.id)
    lost = [transfer.rec_name for transfer in row.transfers if transfer.state == "cancelled"]
    why = f"the transfer {', '.join(lost)} for {row.shipment.rec_name} was cancelled in Tryton" if lost else missing
    raise Refused(Reason.ERP_STOCK_INCONSISTENT, f"the goods are shipped, and {why}", Owner.WAREHOUSE)


def _holders(books: Books, request: Deliver) -> dict[int | str, Any]:
    """The live key whose shipment holds each item."""
    holders = {}
    for made in request.reservations:
        row = keys.find(books, "reservation", made.key)
        if row is not None and is_live(row):
            holders.update(dict.fromkeys(made.item_ids, row))
    return holders


def _by_holder(items: list[OrderItem], holders: dict[int | str, Any]) -> list[tuple[Any, list[OrderItem]]]:
    rows = list(dict.fromkeys(holders.get(item.item_id) for item in items))
    return [(one, [item for item in items if holders.get(item.item_id) == one]) for one in rows]


def _out_of(books: Books, shipment: Any, items: list[OrderItem]) -> Any:
    """Ship these items of a reservation; returns the shipment with which they left."""
    if shipment.state in {"shipped", "done"}:
        return shipment  # the warehouse has shipped it in Tryton
    if shipment.state == "draft":
        sentence = f"{shipment.rec_name} was set to draft in Tryton, and its goods have left: ship it there"
        raise Refused(Reason.ERP_CHANGED, sentence, Owner.WAREHOUSE)
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
    shipment = Out(shipment.id)
    if shipment.state != "done":  # Tryton skips what a state does not permit, without an error
        sentence = f"{shipment.rec_name} is {shipment.state} in Tryton, and its goods have left: ship it there"
        raise Refused(Reason.ERP_CHANGED, sentence, Owner.WAREHOUSE)
    return shipment


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
