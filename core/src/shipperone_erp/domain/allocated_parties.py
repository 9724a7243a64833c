"""The parties of an invoice's order, of which only its allocation lists some. Pure functions.

A pending_invoice that lists the customer and no billing party may come from a queue that lists fewer parties, or from a
shop in which the buyer has removed the company meanwhile: one invoice would be made out to the company, the other to
the customer. `unlisted_parties` decides it. A party that is listed is never completed.
"""

from collections.abc import Iterable
from typing import Literal

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.order import FulfillmentOrder, Party
from shipperone_erp.kernel.frozen import with_fields

UnlistedParties = Literal["allocation", "none"]
"""Whether a party that only the allocation lists is used, or counts as removed."""


def with_allocated_parties(
    order: FulfillmentOrder, allocations: Iterable[Job], rule: UnlistedParties | None
) -> FulfillmentOrder:
    """The order; each party that it does not list is that of the newest of these allocations that lists it.

    Unchanged by the rule "none". Without a rule only an order that lists no party at all is completed.
    """
    listed = (order.customer, order.billing, order.shipping)
    if None not in listed or rule == "none" or (rule is None and any(listed)):
        return order
    return with_every_party(order, allocations)


def with_every_party(order: FulfillmentOrder, allocations: Iterable[Job]) -> FulfillmentOrder:
    """The order with the parties of its allocations, whatever the rule. Erased allocations have none."""
    newest_first = sorted(allocations, key=lambda job: job.id, reverse=True)
    customer, billing, shipping = (
        getattr(order, name) or _allocated(name, newest_first) for name in ("customer", "billing", "shipping")
    )
    return _addressed(order, customer, billing, shipping)


def unclear_party(order: FulfillmentOrder, allocations: Iterable[Job]) -> Literal["billing", "shipping"] | None:
    """The party that the order lacks, and that its allocation lists as another one than would be used in its place."""
    if order.customer is None and order.billing is None and order.shipping is None:
        return None
    whole = with_every_party(order, allocations)
    if order.billing is None and whole.billing not in (None, order.customer):
        return "billing"
    if order.shipping is None and whole.shipping not in (None, order.billing or order.customer):
        return "shipping"
    return None


def with_parties_of(goods: FulfillmentOrder, order: FulfillmentOrder) -> FulfillmentOrder:
    """The goods that leave with an invoice, addressed as the invoice is."""
    return _addressed(goods, order.customer, order.billing, order.shipping)


def _allocated(name: str, newest_first: Iterable[Job]) -> Party | None:
    # most orders do not list every party anywhere: no text is parsed for these
    orders = (job.order for job in newest_first if f'"{name}":{{' in job.order_json)
    return next((party for one in orders if (party := getattr(one, name)) is not None), None)


def _addressed(
    order: FulfillmentOrder, customer: Party | None, billing: Party | None, shipping: Party | None
) -> FulfillmentOrder:
    if order.customer is customer and order.billing is billing and order.shipping is shipping:
        return order
    return with_fields(order, customer=customer, billing=billing, shipping=shipping)
