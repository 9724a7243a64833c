"""Plans the lines of a customer invoice in Odoo for an order, exact to the cent. Nothing is written.

Odoo keeps a price in cents, and a line's gross may not be a multiple of its quantity: 3 pieces for 10.00. Such a line
is split into two whose prices differ by one cent (two at 3.33 and one at 3.34). The document then has the true quantity
and a true price, and statistics by product stay correct, unlike with a single line of "1" with the total. Only a
fraction of a piece, which cannot be split into cents, is one unit with its quantity in the name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from shipperone_erp import FulfillmentOrder, OrderItem, Owner, Reason, Refused
from shipperone_erp_odoo.lookups import Tax
from shipperone_erp_odoo.products import Product
from shipperone_erp_odoo.settings import OdooSettings

CENT = Decimal("0.01")
"""Odoo rounds unit prices to this; amounts may be coarser, depending on the currency."""

NOTHING = Decimal(0)

ITEMS, KNOWN, SHIPPING, CHARGES = 1000, 1_000_000, 2_000_000_000, 2_000_010_000
ROUNDING, NOTE = 2_050_000_000, 2_100_000_000
"""The first sequence numbers of lines, by which a line is recognised when it is read back.

From KNOWN on they contain the item's own id, so that an invoice identifies its items without the order. An id that is
not a whole number, or is too large, is counted from ITEMS on.
"""

WHOLE = 9
"""The last digit for a line that represents a whole item with a quantity of one."""


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A line of an invoice. `sequence` encodes its subject."""

    sequence: int
    product: Product
    name: str
    quantity: Decimal
    price: Decimal
    taxes: tuple[int, ...]


def sequence_of(order: FulfillmentOrder) -> dict[int, OrderItem]:
    """The items by the sequence number of their first line; independent of the sequence in the order's listing."""
    items = sorted(order.items, key=lambda item: str(item.item_id))
    return {_sequence(str(item.item_id), number): item for number, item in enumerate(items)}


def item_of(sequence: int) -> int | None:
    """The id of a line's item, if its sequence number contains it."""
    return (sequence - KNOWN) // 10 if KNOWN <= sequence < SHIPPING else None


def _sequence(id: str, number: int) -> int:
    whole = int(id) if id.isascii() and id.isdigit() else -1
    own = KNOWN + 10 * whole
    return own if str(whole) == id and own < SHIPPING else ITEMS + 10 * number


def draft_lines(
    order: FulfillmentOrder,
    products: Mapping[str, Product],
    taxes: Mapping[str, Tax],
    settings: OdooSettings,
    cent: Decimal = CENT,
) -> list[DraftLine]:
    """The lines of the invoice of this order. `taxes` by item id as text; `products` by SKU, shipping's included.

    `cent` is the currency's smallest unit.
    """
    lines = []
    for sequence, item in sequence_of(order).items():
        product, tax = products[item.sku], taxes[str(item.item_id)]
        lines += _item_lines(sequence, item, product, (tax.id,), cent)
    if order.shipping_amount_incl_tax:
        product = products[settings.shipping_product or ""]
        shares = _shipping(order, taxes, product, settings, cent)
        lines += [
            DraftLine(SHIPPING + number, product, product.name, Decimal(1), amount, ids)
            for number, (ids, amount) in enumerate(shares)
        ]
    charges = [charge for charge in order.charges if charge.kind == "line"]
    for number, charge in enumerate(charges):
        product = products[settings.charges[charge.name]]
        lines.append(DraftLine(CHARGES + number, product, charge.name, Decimal(1), charge.amount, _highest(taxes)))
    return lines


def gross(item: OrderItem, cent: Decimal = CENT) -> Decimal:
    """The total of the item's line, with tax, in whole cents."""
    amount = item.line_total_incl_tax
    if amount is None:
        amount = item.row_total_incl_tax
    if amount is None and item.price_incl_tax is not None:
        amount = item.price_incl_tax * item.qty
    if amount is None:
        raise Refused(Reason.PRICE_MISSING, f'item {item.item_id} ("{item.sku}") has no price', Owner.SHIPPERONE)
    return amount.quantize(cent, ROUND_HALF_UP)


def _item_lines(
    sequence: int, item: OrderItem, product: Product, taxes: tuple[int, ...], cent: Decimal
) -> list[DraftLine]:
    total, name = gross(item, cent), item.name or product.name
    quantity = product.quantity(item.qty)
    if not quantity:
        return [DraftLine(sequence, product, name, quantity, NOTHING, taxes)]
    low = (total / quantity).quantize(cent, ROUND_DOWN)
    if low * quantity == total:
        return [DraftLine(sequence, product, name, quantity, low, taxes)]
    if quantity != quantity.to_integral_value():
        return [DraftLine(sequence + WHOLE, product, f"{quantity:f} x {name}", Decimal(1), total, taxes)]
    dearer = abs(total - low * quantity) / cent
    step = cent if total >= 0 else -cent
    return [
        DraftLine(sequence, product, name, quantity - dearer, low, taxes),
        DraftLine(sequence + 1, product, name, dearer, low + step, taxes),
    ]


def _shipping(
    order: FulfillmentOrder, taxes: Mapping[str, Tax], product: Product, settings: OdooSettings, cent: Decimal
) -> Sequence[tuple[tuple[int, ...], Decimal]]:
    """The shipping amount, or its shares by rate; the remaining cents go to the largest share."""
    amount = order.shipping_amount_incl_tax or NOTHING
    if settings.shipping_tax == "product":
        return [(product.taxes, amount)]
    by_tax: dict[tuple[int, ...], Decimal] = {}
    for item in order.items:
        ids = (taxes[str(item.item_id)].id,)
        by_tax[ids] = by_tax.get(ids, NOTHING) + gross(item, cent)
    value = sum(by_tax.values(), NOTHING)
    if settings.shipping_tax == "highest" or len(by_tax) == 1 or not value:
        return [(_highest(taxes), amount)]
    shares = {ids: (amount * part / value).quantize(cent, ROUND_DOWN) for ids, part in by_tax.items()}
    largest = max(by_tax, key=lambda ids: by_tax[ids])
    shares[largest] += amount - sum(shares.values(), NOTHING)
    return [(ids, share) for ids, share in shares.items() if share]


def _highest(taxes: Mapping[str, Tax]) -> tuple[int, ...]:
    top = max(taxes.values(), key=lambda tax: tax.percent or NOTHING)
    return (top.id,)
