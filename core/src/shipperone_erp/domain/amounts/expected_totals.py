"""The expected amounts of an order's invoice by the tenant's rules. Pure.

    the invoice's total = lines + shipping + charges of kind "line"
    the order's total   = the invoice's total + charges of kind "payment"

A line is its row total, or price times quantity where ShipperOne gives none, rounded as the currency is. The tenant's
`discount` decides how its discount counts:

    in_row       the row total is after the discount: nothing is taken off
    off_row      the discount is taken off the row total
    off_row_net  the discount is without tax: it is taken off the row's net amount, and tax is put on the rest
    unset        by the proof in the order (see `discount_readings`)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Literal

from shipperone_erp.domain.amounts.listed_amounts import cleaned, row_of
from shipperone_erp.domain.money import NOTHING, decimals, places_of, rounded, to_places
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.kernel.frozen import Same, with_fields

Reading = Literal["in_row", "off_row", "off_row_net"]
READINGS: tuple[Reading, ...] = ("in_row", "off_row", "off_row_net")

Discount = Reading | None


@dataclass(frozen=True)
class Figures:
    """`lines` by item id; None where ShipperOne gives no price. `payments` are not on the invoice.

    Each sum is made once, though several checks need it.
    """

    currency: str | None
    lines: Mapping[int | str, Decimal | None]
    shipping: Decimal
    charges: Decimal
    payments: Decimal

    @cached_property
    def goods(self) -> Decimal | None:
        """The lines together; None where one has no price."""
        known = [amount for amount in self.lines.values() if amount is not None]
        return sum(known, NOTHING) if len(known) == len(self.lines) else None

    @cached_property
    def invoice_total(self) -> Decimal | None:
        """The invoice's total; None where a line has no price."""
        goods = self.goods
        return None if goods is None else goods + self.shipping + self.charges

    @cached_property
    def order_total(self) -> Decimal | None:
        """The whole order's total; None where a line has no price."""
        total = self.invoice_total
        return None if total is None else total + self.payments


def figures(order: FulfillmentOrder, currency: str | None, discount: Discount) -> Figures:
    """The figures of this order in this currency.

    `discount` unset: by the reading that this order proves by itself, else as the rows are listed.
    """
    return _read(Same(cleaned(order, currency)), currency, discount)


@lru_cache(maxsize=512)
def _read(same: Same[FulfillmentOrder], currency: str | None, discount: Discount) -> Figures:
    """Cached, as `cleaned` is."""
    order = same.value
    if discount is None:
        fitting = fitting_total(order, currency, NOTHING) if any(item.discount for item in order.items) else ()
        discount = fitting[0] if fitting else "in_row"
    return _figures(order, currency, discount)


def priced(order: FulfillmentOrder, currency: str | None, discount: Discount) -> FulfillmentOrder:
    """The order as the connector invoices it: clean amounts, and each item with its line's total."""
    order = cleaned(order, currency)
    lines = figures(order, currency, discount).lines
    items = tuple(with_fields(item, line_total_incl_tax=lines[item.item_id]) for item in order.items)
    return with_fields(order, items=items)


def readable(order: FulfillmentOrder) -> tuple[Reading, ...]:
    """The readings that can be computed: a discount without tax needs the rate."""
    net = all(item.tax_percent is not None for item in order.items if item.discount)
    return READINGS if net else READINGS[:2]


def fitting_total(order: FulfillmentOrder, currency: str | None, tolerance: Decimal) -> tuple[Reading, ...]:
    """The readings by which the order comes to its own total: exactly, else within the tolerance."""
    if order.total_incl_tax is None:
        return ()
    off = {
        reading: abs(total - order.total_incl_tax)
        for reading in readable(order)
        if (total := _figures(order, currency, reading).order_total) is not None
    }
    exact = tuple(reading for reading, rest in off.items() if not rest)
    return exact or tuple(reading for reading, rest in off.items() if rest <= tolerance)


def _figures(order: FulfillmentOrder, currency: str | None, reading: Reading) -> Figures:
    return Figures(
        currency=currency,
        lines=MappingProxyType({item.item_id: line(item, currency, reading) for item in order.items}),
        shipping=order.shipping_amount_incl_tax or NOTHING,
        charges=order.line_charges,
        payments=sum((charge.amount for charge in order.charges if charge.kind == "payment"), NOTHING),
    )


def line(item: OrderItem, currency: str | None, reading: Reading) -> Decimal | None:
    """The total of the item's line; None where ShipperOne gives no price, or no rate for a discount without tax."""
    amount, discount = row_of(item, currency), abs(item.discount or NOTHING)
    if amount is None or reading == "in_row" or not discount:
        return amount
    if reading == "off_row":
        return rounded(amount - discount, currency)  # a discount that is not an amount of the currency was held before
    return None if item.tax_percent is None else _off_net(amount, discount, item.tax_percent, currency)


def _off_net(gross: Decimal, discount: Decimal, rate: Decimal, currency: str | None) -> Decimal:
    """Take the discount off the row's net amount, then add the tax: 120.00 with 20 %, 10.00 off, is 108.00.

    The net amount has as many decimals as the discount, since the shop computed in these units.
    """
    factor = (100 + rate) / 100
    net = to_places(gross / factor, max(places_of(discount.normalize()), decimals(currency)))
    return rounded((net - discount) * factor, currency)
