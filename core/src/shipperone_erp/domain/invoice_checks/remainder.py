"""An order whose lines, shipping and charges do not add up to its total: the sum, and possible explanations."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from shipperone_erp.domain.amounts.charges import ITEMS
from shipperone_erp.domain.amounts.discount_readings import field_of
from shipperone_erp.domain.amounts.expected_totals import Discount, Figures, figures, fitting_total
from shipperone_erp.domain.amounts.listed_amounts import amounts_of, cleaned
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.invoice_checks.tax_rounding import by_document
from shipperone_erp.domain.money import NOTHING, decimals, rounded
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.rules import TenantRules
from shipperone_erp.kernel.json_values import exact

SUGGESTED_AT_MOST = 3

NO_AMOUNTS = ("id", "qty", "quantity", "count", "weight", "number", "code", "version", "postcode", "phone", "percent")
"""Keys with these endings hold numbers that are not money; a `store_id` of 2 does not explain a remainder of 2.00."""


def unexplained(order: FulfillmentOrder, currency: str | None, settings: TenantRules, discount: Discount) -> str | None:
    """A sentence with the sum if it does not come to the order's total; None if it does. Only for a whole order.

    `discount` is the reading of its rows, as far as one is settled.
    """
    sums = figures(order, currency, discount)
    total, expected = order.total_incl_tax, sums.order_total
    if total is None or expected is None or abs(total - expected) <= settings.tolerance:
        return None
    parts = [f"the lines come to {sums.goods}", f"shipping to {order.shipping_amount_incl_tax}"]
    parts += [f"{charge.name} to {charge.amount}" for charge in order.charges]
    rest = total - expected
    readings = [f"`{each.field}` would explain it" for each in explaining(order, currency, settings.discount)]
    hints = [*_absent(order, settings), *_rounding(order, sums, total), *readings, *_places(order, settings, rest)]
    return (
        f"{', '.join(parts[:-1])} and {parts[-1]}, together {expected}, but the order's total is {total}: "
        f"{rest} is not explained{''.join(f'; {hint}' for hint in hints)}"
    )


def explaining(order: FulfillmentOrder, currency: str | None, rule: Discount) -> tuple[Difference, ...]:
    """The settings of `discount`, other than the tenant's `rule`, by which the order comes to exactly its total."""
    total = order.total_incl_tax
    return tuple(
        Difference(field_of(reading), f"{figures(order, currency, reading).invoice_total:f}", f"{total:f}")
        for reading in fitting_total(order, currency, NOTHING)
        if reading != rule
    )


def enough(order: FulfillmentOrder, currency: str, settings: TenantRules, discount: Discount) -> Decimal:
    """The tolerance at which every amount of the order counts as one of its currency, and the amounts still add up."""
    stated = [amount for name, amount in amounts_of(order) if not name.startswith(("price_", "tax_percent"))]
    needed = max(abs(amount - rounded(amount, currency)) for amount in stated)
    sums = figures(cleaned(order, currency, tolerance=needed), currency, discount)
    if order.total_incl_tax is None or sums.order_total is None:
        return needed
    rest = abs(rounded(order.total_incl_tax, currency) - sums.order_total)
    unit = Decimal(1).scaleb(-decimals(currency))
    return max(needed, rest) if rest <= unit * len(order.items) else needed  # more is not a matter of rounding


def _absent(order: FulfillmentOrder, settings: TenantRules) -> Iterator[str]:
    found = {charge.name for charge in order.charges}
    for charge in settings.charges:
        if charge.name not in found:
            yield f"{charge.name} is not charged: {charge.path} is absent or 0"


def _rounding(order: FulfillmentOrder, sums: Figures, total: Decimal) -> Iterator[str]:
    document = by_document(order, sums)
    if document is None or sums.goods is None or document == sums.goods:
        return
    if total == document + sums.shipping + sums.charges + sums.payments:
        yield (
            f"rounding explains it: {sums.order_total} is the sum of the lines' rounded gross amounts, {total} is what "
            "tax on the document's rounded nets gives: have the shop round tax per line, or set "
            f'`tolerance = "{abs(total - (sums.order_total or 0))}"`'
        )


def _places(order: FulfillmentOrder, settings: TenantRules, rest: Decimal) -> Iterator[str]:
    """Changes of the tenant's `charges` each of which would explain exactly this remainder."""
    for charge in order.charges:
        if rest == -2 * charge.amount:
            yield f"it would add up if {charge.name} were {-charge.amount}: check its `sign` in {_table(settings)}"
    named = {charge.path for charge in settings.charges}
    on_items = amounts_in([item.extra for item in order.items], ITEMS)
    places = [entry for entry in (*amounts_in(order.extra), *on_items) if entry[0] not in named and entry[1]]
    fitting = [(path, amount) for path, amount in places if amount == rest or (rest < 0 and amount == -rest)]
    for path, amount in fitting[:SUGGESTED_AT_MOST]:
        sign = ' with `sign = "-"`' if rest < 0 else ""
        yield f"{path} is {amount}: if that is the cause, add it as a charge in {_table(settings)}{sign}"


def _table(settings: TenantRules) -> str:
    return f"[[tenants.{settings.name}.charges]]"


def amounts_in(value: Any, path: str = "") -> Iterator[tuple[str, Decimal]]:
    """Every place in an order's `extra` that may hold an amount, by the path that `[[charges]]` would use for it.

    A list of objects is summed key by key, as such a path does.
    """
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if "." not in key:
                yield from amounts_in(entry, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        sums: dict[str, Decimal] = {}
        for entry in value:
            for place, amount in amounts_in(entry, path):
                sums[place] = sums.get(place, Decimal(0)) + amount
        yield from sums.items()
    elif not path.lower().endswith(NO_AMOUNTS):
        number = exact(value)
        if number is not None:
            yield path, number
