"""A fulfillment order as ShipperOne lists it: frozen, money as `Decimal`, times aware."""

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict
from pydantic.dataclasses import dataclass

VALUE = ConfigDict(hide_input_in_errors=True, extra="forbid")


def _no_binary_float(value: Any) -> Any:
    if isinstance(value, float | bool):
        raise ValueError("a binary float (or a bool) is not an exact amount: give a Decimal")
    return value


def _item_id(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("an item's id is an int or a str, as ShipperOne gave it")
    return value


Exact = Annotated[Decimal, BeforeValidator(_no_binary_float)]
"""Money or a quantity: finite, from text or an int, never through a binary float."""

ItemId = Annotated[int | str, BeforeValidator(_item_id)]

Extra = Annotated[Mapping[str, Any], AfterValidator(lambda mapping: MappingProxyType(dict(mapping)))]
"""ShipperOne's fields beyond those mapped here; numbers with decimals in it are `Decimal`."""


@dataclass(frozen=True, config=VALUE)
class Party:
    """A customer or an address. No field is required; an absent one is None, never an empty guess."""

    name: str | None = None
    company: str | None = None
    vat_id: str | None = None
    company_id: str | None = None
    email: str | None = None
    phone: str | None = None
    street: str | None = None
    city: str | None = None
    region: str | None = None
    postcode: str | None = None
    country: str | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=VALUE)
class OrderItem:
    """One line. Two lines may share a SKU: only `item_id` distinguishes them.

    `warehouse_code` is set only where the goods are in another warehouse than the order's: a transfer is needed.
    `price_incl_tax` is for one piece, `row_total_incl_tax` for the line; both None where ShipperOne lists none.
    `line_total_incl_tax` is not ShipperOne's: it is the amount that core expects of the line on an invoice, by the
    tenant's `discount`, rounded as the currency is; set where an invoice is built or issued, None elsewhere.
    """

    item_id: ItemId
    sku: str
    name: str | None = None
    qty: Exact
    warehouse_code: str | None = None
    price_incl_tax: Exact | None = None
    row_total_incl_tax: Exact | None = None
    tax_percent: Exact | None = None
    discount: Exact | None = None
    parent_item_id: ItemId | None = None
    item_type: str | None = None
    extra: Extra = field(default_factory=dict, repr=False)
    line_total_incl_tax: Exact | None = None


@dataclass(frozen=True, config=VALUE)
class Charge:
    """An amount beyond lines and shipping, named by the tenant; `amount` with tax, negative if it reduces the total.

    `line`: a fee or a coupon that belongs on the invoice, and into its total. `payment`: a gift card; it explains the
    order's total, and is not on the invoice.
    """

    name: str
    amount: Exact
    kind: Literal["line", "payment"]


@dataclass(frozen=True, config=VALUE)
class FulfillmentOrder:
    """An order in one of the two queues, with the items of this stage.

    In `pending_invoice` after a partial shipment these are the shipped items only. Absent amounts are None, never 0.
    `charges` are those that the tenant names and this order has.
    """

    order_id: str
    warehouse_code: str
    items: tuple[OrderItem, ...]
    currency: str | None = None
    shipping_amount_incl_tax: Exact | None = None
    total_incl_tax: Exact | None = None
    order_number: str | None = None
    payment_method: str | None = None
    payment_reference: str | None = None
    ordered_at: AwareDatetime | None = None
    shipped_at: AwareDatetime | None = None
    customer: Party | None = field(default=None, repr=False)
    billing: Party | None = field(default=None, repr=False)
    shipping: Party | None = field(default=None, repr=False)
    extra: Extra = field(default_factory=dict, repr=False)
    charges: tuple[Charge, ...] = ()

    @property
    def line_charges(self) -> Decimal:
        """The sum of the charges that belong on the invoice; 0 where there are none."""
        return sum((charge.amount for charge in self.charges if charge.kind == "line"), Decimal(0))

    def source_warehouse(self, item: OrderItem) -> str:
        """The warehouse of that item's goods: its own if it names one, else the order's."""
        return item.warehouse_code or self.warehouse_code
