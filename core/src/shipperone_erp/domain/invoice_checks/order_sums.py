"""Checks that an order's invoices stay within its total, and reach it once everything allocated is invoiced.

A listing that comes to its own total is explained: ShipperOne lists the shipped subset with a total of its own. The
same holds for parts that each come to their own totals. Any other total is that of the whole order, and bounds its
invoices:

    accepted invoices + this one - credit notes  <=  total + payment charges, added back once

`order_total` configures the meaning of such a total where nothing shows it: the fulfillment order, the sales order with
all its fulfillment orders, or nothing (`ignore`). It is detected as the sales order's where the allocations of all its
fulfillment orders come to it together. With `shipping_on_parts = "as_listed"`, shipping and line charges that several
parts carry are each owed. Pure functions.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from shipperone_erp.domain.money import NOTHING
from shipperone_erp.domain.order import FulfillmentOrder

Charged = Literal["once", "every"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The sums of a listing, or of an invoice with its listing. `order` has the invoiced rows.

    `invoice`: the invoice's total. `own_total`: the listing comes to its own total. `split`: the number of its rows
    that are parts of an item. `name`: its name in a sentence. `issued`: it is an invoice already.
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
    """The jobs beside a listing: `allocated` listings, and `invoices` that ShipperOne has accepted, oldest first.

    `complete`: with this listing everything allocated is invoiced, as far as the ledger shows. `times`: the number of
    times the whole order was allocated, since an operator repeated it. `sales`: they belong to several fulfillment
    orders, and the total of their sales order bounds them.
    """

    allocated: Sequence[Sums] = ()
    invoices: Sequence[Sums] = ()
    complete: bool = False
    times: int = 1
    sales: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The parameters of a bound: the currency's half unit, `tolerance`, whether every part owes its listed charges.

    `of_items`: the names of the charges that go through the items; each part lists those of its own items.
    """

    half: Decimal
    tolerance: Decimal = NOTHING
    as_listed: bool = False
    of_items: frozenset[str] = frozenset()
    of: str = "the whole order"


@dataclass(frozen=True, slots=True)
class Bound:
    """The most and the least that the invoices may come to together, and the sentence that explains both."""

    most: Decimal
    least: Decimal
    words: str


def sum_problem(this: Sums, beside: Beside, terms: Terms) -> str | None:
    """The problem of the invoices' sum including this one; None if there is none, or if no total is known."""
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
            f"the invoices come to {before} ({', '.join(_named(beside.invoices))}) already, and {terms.of} comes to "
            f"{bound.words} now: a credit note over {before - bound.most} may be due, before more of it is invoiced"
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

    None if they do not. `goods`: the sum of each listing's rows.
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
    """The bound from the newest total of the whole order: this listing's, an earlier one's, or the allocation's."""
    newest_first = [this, *reversed(beside.invoices), *reversed(beside.allocated)]
    # A listing that comes to its own total proves nothing about a larger whole; an allocation is the whole fulfillment
    # order.
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
    text = " and ".join([f"{most} (its total {words[0]}", *words[1:]]) + ")" if payments else f"{most}"
    if beside.times > 1:
        text += f" for {beside.times} shipments of it"
    if terms.as_listed:
        parts = [this, *beside.invoices]
        extra = [_owed_again(parts, of.order, newest_first, terms, at_most=True),
                 _owed_again(parts, of.order, newest_first, terms, at_most=False)]  # fmt: skip
        most, least = most + max(extra), least + min(extra)
        if max(extra) > 0:
            text += f", with the shipping and charges of each part {most}"
    return Bound(most, least, text)


def _owed_again(
    parts: Sequence[Sums], of: FulfillmentOrder, listings: Sequence[Sums], terms: Terms, *, at_most: bool
) -> Decimal:
    """The parts' shipping and line charges beyond those that the total includes.

    The total includes the amounts of its own listing (`at_most`), or the highest of any listing.
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


def _named(invoices: Sequence[Sums]) -> Iterator[str]:
    for one in invoices:
        yield f"{one.name} {one.invoice}"
        if one.credited:
            yield f"credited {-one.credited}"
