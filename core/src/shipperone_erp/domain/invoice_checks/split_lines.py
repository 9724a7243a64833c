"""Checks the parts of one item: together they stay within the allocated row and discount, and reach both.

A row of a part counts if it agrees with its price:

    row = quantity x price                  the price with tax, or without it where the rate is listed
    row = quantity x price - discount       the same after its discount

within quantity x half of the price's last written decimal, plus half of the currency's smallest unit: 3 x 3.3333 is
10.00. The sum of the parts so far may agree in its place, and so may the remainder of the allocated row: the last piece
of 10.00 in three is 3.34. Without a price a row counts at the allocated quantity only. Pure functions.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp.domain.amounts.listed_amounts import row_of
from shipperone_erp.domain.bundles import names
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.money import NOTHING, decimals, rounded
from shipperone_erp.domain.order import OrderItem


@dataclass(frozen=True, slots=True)
class Invoiced:
    """A part of an item that is invoiced already, the name of its invoice, and the amount credited of it."""

    name: str
    item: OrderItem
    credited: Decimal = NOTHING


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds on the parts of one item. `row` and `discount` are None where the allocation lists no amounts."""

    qty: Decimal
    price: Decimal | None
    row: Decimal | None
    discount: Decimal | None


@dataclass(frozen=True, slots=True)
class Money:
    """The currency, and the tolerated difference by the tenant's settings."""

    currency: str | None
    tolerance: Decimal = NOTHING

    @property
    def half(self) -> Decimal:
        """Half of the smallest unit: the greatest error of one rounding."""
        return Decimal(5).scaleb(-decimals(self.currency) - 1)


def limits(allocated: Sequence[OrderItem], currency: str | None) -> Limits | None:
    """The limits from all allocations of one item; None where the ledger holds none."""
    if not allocated:
        return None
    rows = [row for item in allocated if (row := row_of(item, currency)) is not None]
    whole = len(rows) == len(allocated)
    discount = sum((abs(item.discount or NOTHING) for item in allocated), NOTHING)
    return Limits(
        qty=sum((item.qty for item in allocated), NOTHING),
        price=next((item.price_incl_tax for item in reversed(allocated) if item.price_incl_tax is not None), None),
        row=sum(rows, NOTHING) if whole else None,
        discount=discount if whole else None,
    )


def is_split(item: OrderItem, bounds: Limits | None, before: Sequence[Invoiced]) -> bool:
    """The row is one of several parts of its item, as far as the ledger shows."""
    return bool(before) or (bounds is not None and item.qty != bounds.qty)


def part_problem(item: OrderItem, bounds: Limits | None, before: Sequence[Invoiced], money: Money) -> str | None:
    """A sentence with the problem of this part of an item beside the parts `before`; None if there is none."""
    row = row_of(item, money.currency)
    if row is None or not is_split(item, bounds, before):
        return None
    problems = [
        *_price(item, row, bounds, before, money),
        *(_row(item, row, bounds, before, money) if bounds is not None else ()),
        *(_discount(item, bounds, before, money) if bounds is not None else ()),
    ]
    if not problems:
        return None
    return "; ".join([problems[0], *_wrong_before(before, bounds, money)])


def agrees(row: Decimal, qty: Decimal, price: Decimal, discount: Decimal, rate: Decimal | None, half: Decimal) -> bool:
    """The row is quantity times price, with or without tax, before or after its discount, except for rounding."""
    exponent = price.as_tuple().exponent
    step = Decimal(5).scaleb(min(exponent, 0) - 1) if isinstance(exponent, int) else NOTHING
    with_tax = [Decimal(1), *([1 + rate / 100] if rate else [])]
    return any(
        abs(row - (qty * price * factor - off)) <= qty * step * factor + half
        for factor in with_tax
        for off in {NOTHING, *(discount * each for each in with_tax)}
    )


def _price(
    item: OrderItem, row: Decimal, bounds: Limits | None, before: Sequence[Invoiced], money: Money
) -> Iterator[str]:
    price = item.price_incl_tax if item.price_incl_tax is not None else bounds.price if bounds else None
    known = [earlier.item for earlier in before]
    rows = [row_of(one, money.currency) or NOTHING for one in known]
    credited = sum((one.credited for one in before), NOTHING)
    rest = None if bounds is None or bounds.row is None else bounds.row - sum(rows, NOTHING) + credited
    last = bounds is not None and item.qty + sum((one.qty for one in known), NOTHING) == bounds.qty
    if last and row == rest:
        return
    of = f"{plain(item.qty)} of {plain(bounds.qty)}" if bounds is not None else f"{plain(item.qty)}"
    if price is None:
        yield (
            f"{names([item])}: {of} is listed with a row total of {row} and without a price, so it is not proven to be "
            "the row of this part only"
        )
        return
    off = abs(item.discount or NOTHING)
    together = [*known, item]
    if agrees(row, item.qty, price, off, item.tax_percent, money.half) or agrees(
        sum(rows, row),
        sum((one.qty for one in together), NOTHING),
        price,
        sum((abs(one.discount or NOTHING) for one in together), NOTHING),
        item.tax_percent,
        money.half,
    ):
        return
    whole = f", and {row} is the row of all {plain(bounds.qty)}" if bounds is not None and row == bounds.row else ""
    yield (
        f"{names([item])}: {of} is listed with a row total of {row}, but {plain(item.qty)} x {price} is "
        f"{rounded(item.qty * price, money.currency)}{whole}"
    )


def _row(item: OrderItem, row: Decimal, bounds: Limits, before: Sequence[Invoiced], money: Money) -> Iterator[str]:
    if bounds.row is None:
        return
    earlier = [row_of(one.item, money.currency) or NOTHING for one in before]
    credited = sum((one.credited for one in before), NOTHING)
    together, pieces = sum(earlier, row) - credited, sum((one.item.qty for one in before), item.qty)
    parts = [*zip([one.name for one in before], earlier, strict=True), *([("credited", -credited)] if credited else [])]
    sums = _sum([*parts, ("this part", row)], together)
    if together > bounds.row + money.tolerance:
        yield (
            f"{names([item])}: the rows of its parts come to {sums}, and {bounds.row} was allocated: "
            f"{together - bounds.row} too much"
        )
    elif pieces == bounds.qty and together < bounds.row - (len(before) + 1) * money.half - money.tolerance:
        yield (
            f"{names([item])}: with its last piece the rows of its parts come to {sums}, and {bounds.row} was "
            f"allocated: {bounds.row - together} is missing"
        )
    elif pieces < bounds.qty:
        # rows may be before a discount that the allocation's row has taken off, and each piece may be rounded
        share = (bounds.row + abs(bounds.discount or NOTHING)) * pieces / bounds.qty
        if together > share + (len(before) + 1 + pieces) * money.half + money.tolerance:
            yield (
                f"{names([item])}: the rows of {plain(pieces)} of {plain(bounds.qty)} pieces come to {sums}, and their "
                f"share of the {bounds.row} that was allocated is {rounded(share, money.currency)}"
            )


def _discount(item: OrderItem, bounds: Limits, before: Sequence[Invoiced], money: Money) -> Iterator[str]:
    """Checks a discount of the whole row: each part may have its share of it, or none."""
    if bounds.discount is None:
        return
    off, whole = abs(item.discount or NOTHING), bounds.discount
    earlier = [abs(one.item.discount or NOTHING) for one in before]
    together, pieces = sum(earlier, off), sum((one.item.qty for one in before), item.qty)
    slack = (len(before) + 1) * money.half + money.tolerance
    sums = _sum([*zip([one.name for one in before], earlier, strict=True), ("this part", off)], together)
    share = whole * item.qty / bounds.qty
    if together > whole + slack:
        yield (
            f"{names([item])}: the discounts of its parts come to {sums}, and the discount of the whole row is "
            f"{whole}: a discount of the row is taken off once, not with every part"
        )
    elif off and off == whole and pieces < bounds.qty and off > share + slack:
        yield (
            f"{names([item])}: {plain(item.qty)} of {plain(bounds.qty)} is listed with the discount {off} of the whole "
            f"row, of which {rounded(share, money.currency)} is the share of this part: it is not proven that the "
            "other parts are listed without it"
        )
    elif pieces == bounds.qty and together < whole - slack:
        yield (
            f"{names([item])}: with its last piece the discounts of its parts come to {sums}, and the discount of the "
            f"whole row is {whole}: {whole - together} is not taken off"
        )


def right_row(item: OrderItem, bounds: Limits | None, money: Money) -> Decimal | None:
    """The right row of a part: as it is if its price explains it, else its share of the allocated row.

    The allocation's price has precedence over the part's own; quantity times price where no row was allocated; None
    without any of these.
    """
    row = row_of(item, money.currency)
    price = bounds.price if bounds is not None and bounds.price is not None else item.price_incl_tax
    off = abs(item.discount or NOTHING)
    if row is not None and price is not None and agrees(row, item.qty, price, off, item.tax_percent, money.half):
        return row
    if bounds is not None and bounds.row is not None and bounds.qty:
        return rounded(bounds.row * item.qty / bounds.qty, money.currency)
    return None if price is None else rounded(item.qty * price, money.currency)


def excess(item: OrderItem, bounds: Limits | None, money: Money) -> Decimal:
    """The amount by which the row of a part exceeds the right one. A credit note may take off no more than this."""
    row, right = row_of(item, money.currency), right_row(item, bounds, money)
    return NOTHING if row is None or right is None else max(row - right, NOTHING)


def spread(notes: Iterable[Decimal], excesses: Sequence[Decimal]) -> list[Decimal]:
    """The amounts that an invoice's credit notes take off each row: never more than its excess, each amount once.

    A note over exactly one row's excess belongs to that row; any other is spread over the rows in their order.
    """
    taken = [NOTHING] * len(excesses)
    for amount in notes:
        left = [excess - off for excess, off in zip(excesses, taken, strict=True)]
        for index in sorted(range(len(left)), key=lambda index: left[index] != amount):
            off = min(amount, left[index])
            taken[index], amount = taken[index] + off, amount - off
    return taken


def _wrong_before(before: Sequence[Invoiced], bounds: Limits | None, money: Money) -> Iterator[str]:
    """Sentences for earlier parts whose row is too high: the excess that no credit note took off."""
    for one in before:
        over, right = excess(one.item, bounds, money) - one.credited, right_row(one.item, bounds, money)
        if over > 0:
            price, qty = one.item.price_incl_tax, plain(one.item.qty)
            by_price = price is not None and right == rounded(one.item.qty * price, money.currency)
            yield (
                f"{one.name} states {row_of(one.item, money.currency)} for {qty} of it, {over} more than "
                f"{f'{qty} x {price}' if by_price else f'its share of {right}'}: a credit note over {over} may be due"
            )


def _sum(parts: Sequence[tuple[str, Decimal]], together: Decimal) -> str:
    return f"{together} ({', '.join(f'{name} {amount}' for name, amount in parts)})"
