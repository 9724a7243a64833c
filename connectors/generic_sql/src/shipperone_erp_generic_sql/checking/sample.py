"""A sample order for trying the statements, built so that common errors show.

It has two lines of one SKU with a third line between them, quantities above one, two tax rates, a charge, a line from
another warehouse if one is named, and it ships in two parts. A statement that mixes up items therefore fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from shipperone_erp import Charge, FulfillmentOrder, OrderItem, Party
from shipperone_erp_generic_sql.bind_scope import INVOICE_STEPS
from shipperone_erp_generic_sql.element_binds import BINDS_OF, MICRO
from shipperone_erp_generic_sql.settings import GenericSqlSettings

SHIPPING = Decimal("4.99")
RATES = (Decimal(21), Decimal(10))


@dataclass(frozen=True, slots=True)
class Goods:
    """The goods of a sample order. `skus`: one or two, the first is in two lines. `elsewhere`: another warehouse."""

    skus: tuple[str, ...]
    warehouse: str
    currency: str
    elsewhere: str | None = None


def sample(goods: Goods, *, charge: bool = False) -> FulfillmentOrder:
    """Three lines, four if there are goods from elsewhere; `charge`: adds a fee of 1.20 of kind `line`."""
    items = tuple(_items(goods))
    charges = (Charge("dry run fee", Decimal("1.20"), "line"),) if charge else ()
    party = Party(name="Dry Run", street="Nowhere 1", city="Nowhere", postcode="00000", country="SK")
    return FulfillmentOrder(
        order_id="FO-DRY-RUN", warehouse_code=goods.warehouse, items=items, currency=goods.currency,
        shipping_amount_incl_tax=SHIPPING, total_incl_tax=_total(items, SHIPPING, charges), order_number="DRY-RUN",
        customer=party, billing=party, shipping=party, charges=charges,
    )  # fmt: skip


def takes_charges(settings: GenericSqlSettings) -> bool:
    """Whether the invoice's statements name the charges. If not, the total of a sample with a charge would differ."""
    binds = {name for step in INVOICE_STEPS for name in settings.binds_named(step)}
    named = {"charges_json", "line_charges_incl_tax", "document_total_incl_tax", "order_json", *BINDS_OF["charge"]}
    return bool({name.removesuffix(MICRO) for name in binds} & named)


def parts(order: FulfillmentOrder) -> tuple[FulfillmentOrder, ...]:
    """A sample as its two parcels: one piece of a line with shipping and charges, then all the rest.

    The line has three pieces: two parcels with an equal quantity of one line would be taken for one parcel, listed
    again.
    """
    split = next((item for item in order.items if item.qty > 2), None)
    if order.order_id != "FO-DRY-RUN" or split is None:
        return (order,)
    rest = tuple(_of(item, item.qty - 1) if item is split else item for item in order.items)
    return (
        _part(order, (_of(split, Decimal(1)),), order.shipping_amount_incl_tax or Decimal(0), order.charges),
        _part(order, rest, Decimal(0), ()),
    )


def _items(goods: Goods) -> Iterator[OrderItem]:
    first, second = goods.skus[0], goods.skus[-1]
    lines: list[tuple[str, int, str, Decimal, str | None]] = [
        (first, 2, "10.00", RATES[0], None),
        (second, 3, "1.50", RATES[1], None),
        (first, 1, "10.00", RATES[0], None),
    ]
    if goods.elsewhere:
        lines.append((first, 1, "10.00", RATES[0], goods.elsewhere))
    for number, (sku, qty, price, rate, warehouse) in enumerate(lines, start=1):
        item = OrderItem(
            item_id=number, sku=sku, name="Dry run", qty=Decimal(qty), price_incl_tax=Decimal(price), tax_percent=rate,
            warehouse_code=warehouse,
        )  # fmt: skip
        yield _of(item, item.qty)


def _of(item: OrderItem, qty: Decimal) -> OrderItem:
    return replace(item, qty=qty, row_total_incl_tax=(item.price_incl_tax or Decimal(0)) * qty)


def _part(
    order: FulfillmentOrder, items: tuple[OrderItem, ...], shipping: Decimal, charges: tuple[Charge, ...]
) -> FulfillmentOrder:
    total = _total(items, shipping, charges)
    return replace(order, items=items, shipping_amount_incl_tax=shipping, total_incl_tax=total, charges=charges)


def _total(items: tuple[OrderItem, ...], shipping: Decimal, charges: tuple[Charge, ...]) -> Decimal:
    goods = sum((item.row_total_incl_tax or Decimal(0) for item in items), Decimal(0))
    return sum((charge.amount for charge in charges), goods + shipping)
