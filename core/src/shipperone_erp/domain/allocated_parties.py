"""The parties of an invoice's order: those that only its allocation lists are filled in. Pure functions.

A pending_invoice that lists the customer and not the billing party must not turn a company's invoice into one of a
private person, nor change the country of delivery, by which the ERP may select the tax. A party that is listed is never
completed: fields that are absent may have been removed.
"""

from collections.abc import Iterable

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.order import FulfillmentOrder, Party
from shipperone_erp.kernel.frozen import with_fields


def with_allocated_parties(order: FulfillmentOrder, allocations: Iterable[Job]) -> FulfillmentOrder:
    """The order; each party that it does not list is that of the newest of these allocations that lists it.

    Allocations without personal data (`Job.erased_at`) have none.
    """
    if order.customer is not None and order.billing is not None and order.shipping is not None:
        return order
    newest_first = sorted(allocations, key=lambda job: job.id, reverse=True)

    def listed(name: str) -> Party | None:
        # most orders do not list every party anywhere: no text is parsed for these
        orders = (job.order for job in newest_first if f'"{name}":{{' in job.order_json)
        return next((party for one in orders if (party := getattr(one, name)) is not None), None)

    return _addressed(
        order,
        order.customer or listed("customer"),
        order.billing or listed("billing"),
        order.shipping or listed("shipping"),
    )


def with_parties_of(goods: FulfillmentOrder, order: FulfillmentOrder) -> FulfillmentOrder:
    """The goods that leave with an invoice, addressed as the invoice is."""
    return _addressed(goods, order.customer, order.billing, order.shipping)


def _addressed(
    order: FulfillmentOrder, customer: Party | None, billing: Party | None, shipping: Party | None
) -> FulfillmentOrder:
    if order.customer is customer and order.billing is billing and order.shipping is shipping:
        return order
    return with_fields(order, customer=customer, billing=billing, shipping=shipping)
