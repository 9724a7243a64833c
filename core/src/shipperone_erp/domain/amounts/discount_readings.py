"""Decides whether the rows of an order are listed before or after their discount. Pure functions on values.

Where the tenant's `discount` is unset, only proof counts:

    a row      that is quantity times price less its discount is after it (`in_row`); one that is quantity times
               price proves nothing, since the price may be after the discount as well
    the total  of an order that adds up under some readings and not under the others
    a part     by the proof of the same order's allocation; its own total counts only if it is not the whole order's

Readings that give every line the same amount are one reading. An order that these leave undecided is held.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain

from shipperone_erp.domain.amounts.expected_totals import (
    READINGS,
    Discount,
    Reading,
    figures,
    fitting_total,
    line,
    readable,
)
from shipperone_erp.domain.amounts.listed_amounts import cleaned
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.money import NOTHING, decimals, places_of
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.domain.reasons import Reason

Readings = frozenset[Reading]
EVERY: Readings = frozenset(READINGS)
HALF = Decimal("0.5")


def settled(
    order: FulfillmentOrder,
    currency: str | None,
    rule: Discount,
    *,
    tolerance: Decimal = NOTHING,
    part: bool = False,
    allocated: Iterable[FulfillmentOrder] = (),
    earlier: Iterable[FulfillmentOrder] = (),
) -> Discount:
    """The reading of this order: the tenant's `rule`, else the proven one; None if several remain possible.

    `allocated` is the same order as its allocations listed it, in the rows that are invoiced, `earlier` as its accepted
    invoices did. `part`: the ledger shows that this is a part of a larger order.
    """
    if rule is not None or not any(item.discount for item in order.items):
        return rule or "in_row"
    order, whole = cleaned(order, currency), [cleaned(one, currency) for one in allocated]
    # a total that a listing of other items repeats is that of the whole order
    own_total = not part or order.total_incl_tax not in {
        cleaned(one, currency).total_incl_tax for one in (*whole, *earlier)
    }
    open_ = open_readings(order, currency, tolerance, by_total=own_total)
    for one in whole:
        open_ &= open_readings(one, currency, tolerance)
    alike = [reading for reading in readable(order) if reading in open_]
    if not alike or any(_lines(order, currency, one) != _lines(order, currency, alike[0]) for one in alike[1:]):
        return None
    return alike[0]


def open_readings(
    order: FulfillmentOrder, currency: str | None, tolerance: Decimal = NOTHING, *, by_total: bool = True
) -> Readings:
    """The readings that the listing allows; none of them where its rows and its total contradict each other."""
    rows: Readings = frozenset({"in_row"}) if any(_after(item, currency) for item in order.items) else EVERY
    fitting = fitting_total(order, currency, tolerance) if by_total else ()
    return rows & frozenset(fitting) if fitting else rows


def open_sums(order: FulfillmentOrder, currency: str | None) -> tuple[Difference, ...]:
    """The invoice's total by each reading, as it is stored with a job that is held for it."""
    total = None if order.total_incl_tax is None else f"{order.total_incl_tax:f}"
    return tuple(
        Difference(field_of(reading), f"{amount:f}", total)
        for reading in readable(order)
        if (amount := figures(order, currency, reading).invoice_total) is not None
    )


def field_of(reading: str) -> str:
    """The name of a reading, as it is written in TOML."""
    return f'discount = "{reading}"'


def held_for_discount(job: Job) -> bool:
    """The job is held before any document was made, and a setting of `discount` would decide its amounts."""
    held = job.held_at_start(Reason.AMOUNT_UNEXPLAINED)
    return held and any(difference.field.startswith("discount = ") for difference in job.differences)


def together(held: Sequence[Iterable[Difference]]) -> str:
    """One sentence for all held orders: '3 order(s) are held, since …: their invoices come to 60.00 by `discount =
    "in_row"`, …'.
    """
    sums: dict[str, list[Decimal]] = {}
    for difference in chain.from_iterable(held):
        if difference.ours is not None:
            sums.setdefault(difference.field, []).append(Decimal(difference.ours))
    readings = [field_of(reading) for reading in READINGS if field_of(reading) in sums]
    by = ", ".join(
        f"{sum(sums[field]):f} by `{field}`"
        + (f" (known of {len(sums[field])})" if len(sums[field]) < len(held) else "")
        for field in readings
    )
    return (
        f"{len(held)} order(s) are held, since it is not proven whether their rows are before or after discounts: the "
        f"invoices together come to {by}"
    )


def _lines(order: FulfillmentOrder, currency: str | None, reading: Reading) -> list[Decimal | None]:
    return [line(item, currency, reading) for item in order.items]


def _after(item: OrderItem, currency: str | None) -> bool:
    """The row is quantity times price less its discount, with or without tax, and is not quantity times price."""
    row, price, discount = item.row_total_incl_tax, item.price_incl_tax, abs(item.discount or NOTHING)
    if row is None or price is None or not discount:
        return False
    before, precision = price * item.qty, _precision(item, currency)
    if abs(row - before) <= precision:
        return False
    gross = discount * (100 + (item.tax_percent or NOTHING)) / 100
    return any(abs(row - (before - less)) <= precision for less in (discount, gross))


def _precision(item: OrderItem, currency: str | None) -> Decimal:
    """The greatest rounding difference between quantity times price and the row.

    Half of the price's last decimal for each piece, and half a unit.
    """
    price = item.price_incl_tax or NOTHING
    unit = Decimal(1).scaleb(-decimals(currency))  # JSON writes 20.00 as 20: no price is coarser than its currency
    return HALF * (item.qty * min(unit, Decimal(1).scaleb(-places_of(price))) + unit)
