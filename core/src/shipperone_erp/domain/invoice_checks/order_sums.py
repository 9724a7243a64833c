"""The invoices of an order together stay within its total, and reach it when all that was allocated is invoiced.

A listing that comes to its own total explains itself: ShipperOne lists the shipped subset with a total of its own. So
do parts that each come to theirs. Else a total is that of the whole order, which bounds what is invoiced of it:

    accepted invoices + this one - credit notes  <=  total + payment charges, added back once

`order_total` says what such a total is of where nothing shows it: the fulfillment order, the sales order with all its
fulfillment orders, or nothing (`ignore`). It is seen to be the sales order's where the allocations of all its
fulfillment orders come to it together. Where `shipping_on_parts` is `as_listed`, shipping and line charges that several
parts carry are each owed. Pure functions.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from shipperone_erp.domain.order import FulfillmentOrder

NOTHING = Decimal(0)

Charged = Literal["once", "every"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """A listing, or an invoice with the listing that it is of, as far as its sums go. `order` has the invoiced rows.

    `invoice`: what the invoice comes to; `own_total`: the listing comes to its own total. `split`: how many of its rows
    are parts of an item. `name` are the words for it in a sentence, `issued`: it is an invoice already.
    """

    name: str
    order: FulfillmentOrder
    invoice: Decimal
    own_total: bool = False
    split: int = 0
    credited: Decimal = NOTHING
    issued: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What counts beside a listing: `allocated` listings, and `invoices` that ShipperOne has accepted, oldest first.

    `complete`: with this listing all is invoiced that was allocated, as far as the ledger knows. `times`: how often the
    whole order was allocated, since an operator repeated it. `sales`: they are of several fulfillment orders, and what
    bounds them is the total of their sales order.
    """

    allocated: Sequence[Sums] = ()
    invoices: Sequence[Sums] = ()
    complete: bool = False
    times: int = 1
    sales: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a bound goes by: the currency's half unit, `tolerance`, whether every part owes what it lists.

    `of_items`: the names of the charges that go through the items; each part lists those of its own items.
    """

    half: Decimal
    tolerance: Decimal = NOTHING
    as_listed: bool = False
    of_items: frozenset[str] = frozenset()
    of: str = "the whole order"


@dataclass(frozen=True, slots=True)
class Bound:
    """The most and the least that the invoices may come to together, and the words for how it is worked out."""

    most: Decimal
    least: Decimal
    words: str
    payments: Mapping[str, Decimal] = field(default_factory=dict)


def sum_problem(this: Sums, beside: Beside, terms: Terms) -> str | None:
    """What stands against the sum of the invoices with this one; None if nothing does, or no total is known."""
    if this.own_total and all(one.own_total for one in beside.invoices):
        return None
    bound = _bound(this, beside, terms)
    if bound is None:
        return None
    before = sum((one.invoice - one.credited for one in beside.invoices), NOTHING)
    together = before + this.invoice - this.credited
    with_this = "" if this.issued else "with this part "
    if beside.invoices and before > bound.most + terms.tolerance:
        return (
            f"{_came_to(beside.invoices, before)} already, and {terms.of} comes to {bound.words} now: "
            f"a credit note over {before - bound.most} may be due, before more of it is invoiced"
        )
    if together > bound.most + terms.tolerance:
        return (
            f"{with_this}the invoices come to {_listed(this, beside.invoices, together)}, and {terms.of} to "
            f"{bound.words}: {together - bound.most} too much"
        )
    split = this.split + sum(one.split for one in beside.invoices)
    if beside.complete and together < bound.least - split * terms.half - terms.tolerance:
        return (
            f"{with_this}all that was allocated is invoiced, and the invoices come to "
            f"{_listed(this, beside.invoices, together)}, but {terms.of} comes to {bound.words}: "
            f"{bound.least - together} is missing"
        )
    return None


def charged(
    orders: Sequence[FulfillmentOrder], goods: Sequence[Decimal], total: Decimal, terms: Terms
) -> Charged | None:
    """How these listings together come to that total: with shipping and charges `once`, or with those of `every` one.

    None if they do not. `goods`: what the rows of each of them come to.
    """
    sums = sum(goods, NOTHING)
    shipping = [order.shipping_amount_incl_tax or NOTHING for order in orders]
    charges: dict[str, list[Decimal]] = defaultdict(list)
    for order in orders:
        for charge in order.charges:
            if charge.name in terms.of_items:
                sums += charge.amount
            else:
                charges[charge.name].append(charge.amount)
    once = max(shipping, default=NOTHING) + sum((max(amounts, key=abs) for amounts in charges.values()), NOTHING)
    every = sum(shipping, NOTHING) + sum((sum(amounts, NOTHING) for amounts in charges.values()), NOTHING)
    more: dict[Charged, Decimal] = {"once": once, "every": every}
    return next((each for each, amount in more.items() if abs(sums + amount - total) <= terms.tolerance), None)


def _bound(this: Sums, beside: Beside, terms: Terms) -> Bound | None:
    """From the newest total that is one of the whole order: this listing's, an earlier one's, the allocation's."""
    newest_first = [this, *reversed(beside.invoices), *reversed(beside.allocated)]
    # what comes to its own total tells nothing of a larger whole; an allocation is the whole fulfillment order
    orders = () if beside.sales else beside.allocated
    whole = [one for one in newest_first if not one.own_total or any(one is other for other in orders)]
    of = next((one for one in whole if one.order.total_incl_tax is not None), None)
    if of is None or of.order.total_incl_tax is None:
        return None
    total = of.order.total_incl_tax
    payments: dict[str, Decimal] = {}
    for one in [of, *newest_first]:
        for charge in one.order.charges:
            if charge.kind == "payment":
                payments.setdefault(charge.name, charge.amount)
    least = most = (total - sum(payments.values(), NOTHING)) * beside.times
    words = [f"{total}", *(f"{name} {-amount}" for name, amount in payments.items())]
    said = " and ".join([f"{most} (its total {words[0]}", *words[1:]]) + ")" if payments else f"{most}"
    if beside.times > 1:
        said += f" for {beside.times} shipments of it"
    if terms.as_listed:
        parts = [this, *beside.invoices]
        extra = [_owed_again(parts, of.order, newest_first, terms, at_most=True),
                 _owed_again(parts, of.order, newest_first, terms, at_most=False)]  # fmt: skip
        most, least = most + max(extra), least + min(extra)
        if most > total:
            said += f", with the shipping and charges of each part {most}"
    return Bound(most, least, said, payments)


def _owed_again(
    parts: Sequence[Sums], of: FulfillmentOrder, listings: Sequence[Sums], terms: Terms, *, at_most: bool
) -> Decimal:
    """What the parts carry of shipping and line charges beyond what the total holds of them.

    The total holds what its own listing shows (`at_most`), or the most that any listing shows.
    """

    def beyond(amount: Callable[[FulfillmentOrder], Decimal]) -> Decimal:
        carried = sum((amount(one.order) for one in parts), NOTHING)
        held = amount(of) if at_most else max((amount(one.order) for one in listings), key=abs)
        return min(carried - held, NOTHING) if held < 0 else max(carried - held, NOTHING)

    names = {charge.name for one in parts for charge in one.order.charges if charge.kind == "line"} - terms.of_items
    return beyond(_shipping) + sum((beyond(_charge(name)) for name in sorted(names)), NOTHING)


def _shipping(order: FulfillmentOrder) -> Decimal:
    return order.shipping_amount_incl_tax or NOTHING


def _charge(name: str) -> Callable[[FulfillmentOrder], Decimal]:
    def amount(order: FulfillmentOrder) -> Decimal:
        return sum((charge.amount for charge in order.charges if charge.name == name), NOTHING)

    return amount


def _listed(this: Sums, before: Sequence[Sums], together: Decimal) -> str:
    parts = _named([*before, this])
    return f"{together} ({', '.join(parts)})"


def _came_to(before: Sequence[Sums], together: Decimal) -> str:
    return f"the invoices come to {together} ({', '.join(_named(before))})"


def _named(invoices: Sequence[Sums]) -> Iterator[str]:
    for one in invoices:
        yield f"{one.name} {one.invoice}"
        if one.credited:
            yield f"credited {-one.credited}"
