"""A reservation that lacks goods, by the order's items: the needed and the available quantity of each. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

from shipperone_erp import ShortLine, Unknown
from shipperone_erp_odoo import stock
from shipperone_erp_odoo.picking_plan import Wanted
from shipperone_erp_odoo.pickings import Move

NOTHING = Decimal(0)


def short_lines(order: Wanted, free: Mapping[stock.Place, Decimal]) -> Iterable[ShortLine]:
    """Every item whose goods do not suffice for the whole order, with their total free quantity."""
    short = {place for place, quantity in order.demand().items() if place in free and free[place] < quantity}
    for line in order.lines:
        places = [((line.source.stock, product.id), quantity) for product, quantity in line.parts]
        if not any(place in short for place, _ in places):
            continue
        # of a kit, the number of complete ones by its scarcest component
        enough = [free[place] * line.quantity / quantity for place, quantity in places if place in free and quantity]
        available = min(enough, default=NOTHING)
        if line.product.kit:
            available = available.to_integral_value(ROUND_DOWN)
        yield ShortLine(line.item.item_id, line.item.sku, line.item.qty, line.product.in_pieces(available))


def short_of(order: Wanted, short: Sequence[Move]) -> Iterable[ShortLine]:
    """The items of the products that these moves lack, with the quantities of the moves."""
    had: dict[int, Decimal] = {}
    for move in short:
        had[move.product] = had.get(move.product, NOTHING) + move.has
    places = {
        (line.source.stock, product.id): had[product.id]
        for line in order.lines
        for product, _ in line.parts
        if product.id in had
    }
    lines = list(short_lines(order, places))
    if not lines:
        raise Unknown("the reservations changed during the check; they are checked again")
    return lines
