"""A reservation that lacks goods, by the order's items: the needed and the available quantity of each. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

from shipperone_erp import Owner, Reason, Refused, ShortLine, Unknown
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


def shared_out(
    orders: Sequence[Wanted], free: Mapping[stock.Place, Decimal]
) -> tuple[list[Wanted], list[tuple[Wanted, dict[stock.Place, Decimal]]]]:
    """The orders that fit into the free quantities, in sequence, and the others with the remainder for each."""
    left = dict(free)
    fitting, short = [], []
    for order in orders:
        demand = order.demand()
        if any(left[place] < quantity for place, quantity in demand.items()):
            short.append((order, dict(left)))
            continue
        for place, quantity in demand.items():
            left[place] -= quantity
        fitting.append(order)
    return fitting, short


def leaked(
    order: Wanted,
    free: Mapping[stock.Place, Decimal],
    leaks: Mapping[stock.Place, Decimal],
    counted: Mapping[stock.Place, stock.Count],
) -> Refused:
    """The goods exist, but Odoo does not reserve them: its count of reserved goods is permanently wrong."""
    place, line, part = next(
        ((line.source.stock, product.id), line, product)
        for line in order.lines
        for product, _ in line.parts
        if (at := (line.source.stock, product.id)) in leaks and free[at] < order.demand()[at]
    )
    reserved = counted[place].reserved
    return Refused(
        Reason.ERP_STOCK_INCONSISTENT,
        f'Odoo counts {reserved.normalize():f} {part.unit_name} of "{part.sku}" in {line.source.code} as reserved, and '
        f"{(reserved - leaks[place]).normalize():f} of these are held by a delivery or another move: the rest is an "
        "error in Odoo's quantities, which Odoo does not repair. Have an administrator correct the quant's reserved "
        f"quantity, then `order retry {order.order.order_id}`",
        Owner.WAREHOUSE,
    )
