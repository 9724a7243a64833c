"""The amounts of an order as they are invoiced, without the noise of binary floats.

PHP writes 75.65 as 75.650000000000006 in some configurations. The listed order is unchanged in the ledger, in its
fingerprint and in requests to ShipperOne; computations and connectors get the clean amounts. Pure functions.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from shipperone_erp.domain.bundles import names
from shipperone_erp.domain.money import NOISE, clean, clean_price, rounded
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.kernel.frozen import Same, with_fields


def cleaned(order: FulfillmentOrder, currency: str | None, *, tolerance: Decimal = NOISE) -> FulfillmentOrder:
    """The order with each amount that is within `tolerance` of one of its currency as that amount; else itself.

    A price of one piece keeps its decimals: only the noise of a float is removed.
    """
    # a smaller tolerance changes nothing (see `clean`): most tenants' checks then share one result
    return _cleaned(Same(order), currency, max(tolerance, NOISE))


@lru_cache(maxsize=512)
def _cleaned(same: Same[FulfillmentOrder], currency: str | None, tolerance: Decimal) -> FulfillmentOrder:
    """Cached: every check of an order's amounts begins with it, a dozen times an invoice."""
    order = same.value

    def amount(listed: Decimal | None) -> Decimal | None:
        return None if listed is None else clean(listed, currency, tolerance=tolerance)

    def item(listed: OrderItem) -> OrderItem:
        price, row = listed.price_incl_tax, amount(listed.row_total_incl_tax)
        price = None if price is None else clean_price(price, currency)
        rate = None if listed.tax_percent is None else clean_price(listed.tax_percent, None)
        discount = None if listed.discount is None else clean_price(listed.discount, currency)
        if (price, row, rate, discount) == (
            listed.price_incl_tax, listed.row_total_incl_tax, listed.tax_percent, listed.discount,
        ):  # fmt: skip
            return listed
        return with_fields(listed, price_incl_tax=price, row_total_incl_tax=row, tax_percent=rate, discount=discount)

    items = tuple(map(item, order.items))
    shipping, total = amount(order.shipping_amount_incl_tax), amount(order.total_incl_tax)
    charges = tuple(with_fields(one, amount=clean(one.amount, currency, tolerance=tolerance)) for one in order.charges)
    unchanged = (
        shipping == order.shipping_amount_incl_tax and total == order.total_incl_tax and charges == order.charges
    )
    if unchanged and all(new is old for new, old in zip(items, order.items, strict=True)):
        return order
    return with_fields(order, items=items, shipping_amount_incl_tax=shipping, total_incl_tax=total, charges=charges)


def row_of(item: OrderItem, currency: str | None) -> Decimal | None:
    """The row's amount as listed; price times quantity where no row is listed; None without either."""
    if item.row_total_incl_tax is not None:
        return item.row_total_incl_tax
    return None if item.price_incl_tax is None else rounded(item.price_incl_tax * item.qty, currency)


def amounts_of(order: FulfillmentOrder) -> Iterator[tuple[str, Decimal]]:
    """Every listed amount, with its name for sentences."""
    yield from ((_name(*place), amount) for place, amount in _amounts(order))


Place = tuple[str, OrderItem | None]
"""The field of an amount, and its item; `charge …` and no item for a charge."""


def _amounts(order: FulfillmentOrder) -> Iterator[tuple[Place, Decimal]]:
    found: list[tuple[Place, Decimal | None]] = [
        (("shipping_amount_incl_tax", None), order.shipping_amount_incl_tax),
        (("total_incl_tax", None), order.total_incl_tax),
    ]
    for item in order.items:
        found += [
            (("price_incl_tax", item), item.price_incl_tax),
            (("row_total_incl_tax", item), item.row_total_incl_tax),
            (("tax_percent", item), item.tax_percent),
            (("discount", item), item.discount),
        ]
    found += [((f"charge {charge.name}", None), charge.amount) for charge in order.charges]
    return ((place, amount) for place, amount in found if amount is not None)


def _name(field: str, item: OrderItem | None) -> str:
    return field if item is None else f"{field} of {names([item])}"


def replaced(listed: FulfillmentOrder, used: FulfillmentOrder) -> str | None:
    """'75.65 is used for the listed 75.650000000000006 (row_total_incl_tax of item 1 (MUG)); …'; None if none is."""

    def key(field: str, item: OrderItem | None) -> tuple[str, int | str | None, str | None]:
        return (field, None, None) if item is None else (field, item.item_id, item.sku)

    before = {key(*place): amount for place, amount in _amounts(listed)}
    replacements = [
        f"{amount:f} is used for the listed {before[key(*place)]:f} ({_name(*place)})"
        for place, amount in _amounts(used)
        if before.get(key(*place), amount) != amount
    ]
    return "; ".join(replacements) or None
