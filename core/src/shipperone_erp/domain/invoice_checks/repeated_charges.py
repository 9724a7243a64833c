"""Shipping and line charges of a listing that an earlier invoice has carried already. Pure.

The same amount on two parts of an order is either the whole amount twice, or a share of it on each: 5.00 off as 2.50
and 2.50. The order's allocation shows which: while the parts together stay within its amount, each carries its own
share. Without an allocation an equal amount counts as repeated. The same holds for another order of the same sales
order, unless the total of the sales order includes the amounts of all of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal

from shipperone_erp.domain.amounts.listed_amounts import cleaned
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.money import NOTHING
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.recorded_jobs import name_of
from shipperone_erp.kernel.grouping import grouped

Amounts = Mapping[str, Decimal]
"""The shipping and the line charges of listings, by the name of each."""


def repeated(
    order: FulfillmentOrder,
    earlier: Iterable[Job],
    elsewhere: Iterable[Job],
    *,
    allocations: Iterable[FulfillmentOrder],
    of_items: Collection[str],
    currency: str | None,
    tolerance: Decimal,
) -> Iterator[str]:
    """A sentence for each invoice that has carried a charge of this listing already.

    `earlier` and `elsewhere` are accepted invoices: of this order, and of others of its sales order. `of_items` are the
    charges that go through the items: the same amount on other items belongs to these.
    """

    def amounts(*listings: FulfillmentOrder) -> Amounts:
        return _amounts([cleaned(each, currency, tolerance=tolerance) for each in listings], of_items)

    own, others = list(earlier), list(elsewhere)
    if not own and not others:
        return
    listed, together = amounts(order), amounts(order, *(job.order for job in own))
    known = [amounts(allocated) for allocated in allocations]
    again = {
        what: amount
        for what, amount in listed.items()
        if not any(what in each and _within(together.get(what, NOTHING), each[what], tolerance) for each in known)
    }
    for job in own:
        yield from _carried(name_of(job), "an earlier part of this order", amounts(job.order), again)
    for order_id, jobs in grouped(others, key=lambda job: job.order_id).items():
        of = f"order {order_id} of the same sales order {order.order_number}"
        # either of the two orders may list it in shares
        for invoices in [[job] for job in jobs] + ([jobs] if len(jobs) > 1 else []):
            name = " and ".join(name_of(job) for job in invoices)
            yield from _carried(name, of, amounts(*(job.order for job in invoices)), listed, together)


def _amounts(listings: Iterable[FulfillmentOrder], of_items: Collection[str]) -> Amounts:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for order in listings:
        found["the shipping"] += order.shipping_amount_incl_tax or NOTHING
        for charge in order.charges:
            if charge.kind == "line" and charge.name not in of_items:
                found[f"the charge {charge.name}"] += charge.amount
    return {what: amount for what, amount in found.items() if amount}


def _within(together: Decimal, allocated: Decimal, tolerance: Decimal) -> bool:
    return min(allocated, NOTHING) - tolerance <= together <= max(allocated, NOTHING) + tolerance


def _carried(name: str, of: str, before: Amounts, *now: Amounts) -> Iterator[str]:
    carried = [
        f"{what} of {amount}"
        for what, amount in before.items()
        if what in now[0] and amount in [each.get(what) for each in now]
    ]
    if carried:
        yield (
            f"{name} of {of} already included {' and '.join(carried)}: have ShipperOne list it on one part only, or, "
            "if "
            'every part is charged separately, set `shipping_on_parts = "as_listed"`'
        )
