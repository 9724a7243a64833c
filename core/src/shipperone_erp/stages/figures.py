"""What an invoice of an order must come to, by the tenant's rules. Pure.

    the invoice's total = lines + shipping + charges of kind "line"
    the order's total   = the invoice's total + charges of kind "payment"

A line is its row total, or price times quantity where ShipperOne gives none, rounded as the currency is. Whether its
discount is still to be taken off is the tenant's `discount`: `in_row` (no, it is in the row total already), `off_row`
(yes), or unset: yes where the order's total only adds up so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from shipperone_erp.model.currency import rounded
from shipperone_erp.model.order import FulfillmentOrder, OrderItem

Discount = Literal["in_row", "off_row"] | None
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Figures:
    """`lines` by item id; None where ShipperOne gives no price. `payments` are not on the invoice."""

    currency: str | None
    lines: Mapping[int | str, Decimal | None]
    shipping: Decimal
    charges: Decimal
    payments: Decimal

    @property
    def goods(self) -> Decimal | None:
        """The lines together; None where one has no price."""
        known = [amount for amount in self.lines.values() if amount is not None]
        return sum(known, NOTHING) if len(known) == len(self.lines) else None

    @property
    def invoice_total(self) -> Decimal | None:
        """What the invoice comes to; None where a line has no price."""
        goods = self.goods
        return None if goods is None else goods + self.shipping + self.charges

    @property
    def order_total(self) -> Decimal | None:
        """What the whole order comes to; None where a line has no price."""
        total = self.invoice_total
        return None if total is None else total + self.payments


def figures(order: FulfillmentOrder, currency: str | None, discount: Discount) -> Figures:
    """The figures of this order in this currency."""
    in_row = _figures(order, currency, taken_off=False)
    if discount == "in_row" or not any(item.discount for item in order.items):
        return in_row
    off_row = _figures(order, currency, taken_off=True)
    if discount == "off_row" or (order.total_incl_tax is not None and off_row.order_total == order.total_incl_tax):
        return off_row
    return in_row


def priced(order: FulfillmentOrder, currency: str | None, discount: Discount) -> FulfillmentOrder:
    """The order as a connector gets it to invoice: each item says what its line comes to."""
    lines = figures(order, currency, discount).lines
    items = tuple(replace(item, line_total_incl_tax=lines[item.item_id]) for item in order.items)
    return replace(order, items=items)


def _figures(order: FulfillmentOrder, currency: str | None, *, taken_off: bool) -> Figures:
    return Figures(
        currency=currency,
        lines={item.item_id: _line(item, currency, taken_off=taken_off) for item in order.items},
        shipping=order.shipping_amount_incl_tax or NOTHING,
        charges=order.line_charges,
        payments=sum((charge.amount for charge in order.charges if charge.kind == "payment"), NOTHING),
    )


def _line(item: OrderItem, currency: str | None, *, taken_off: bool) -> Decimal | None:
    amount = item.row_total_incl_tax
    if amount is None:
        if item.price_incl_tax is None:
            return None
        amount = rounded(item.price_incl_tax * item.qty, currency)
    return amount - abs(item.discount or NOTHING) if taken_off else amount
