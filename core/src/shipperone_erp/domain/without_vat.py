"""Orders that an operator has decided to handle without the VAT id that ShipperOne lists.

The decision is stored with a digest of the VAT ids, never with their text: if the VAT ids change, it no longer applies.
A decision about the allocation holds for the invoices of the order too. Pure functions.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import replace

from shipperone_erp.domain.allocated_parties import with_every_party
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.order import FulfillmentOrder, Party
from shipperone_erp.kernel.json import dumps


def vat_mark(order: FulfillmentOrder) -> str | None:
    """The stored mark of the decision about this order: a digest of its VAT ids; None where it lists none."""
    listed = sorted({party.vat_id.strip() for party in _parties(order) if party.vat_id and party.vat_id.strip()})
    return hashlib.sha256(dumps(listed).encode()).hexdigest()[:32] if listed else None


def mark_with_allocations(order: FulfillmentOrder, allocations: Iterable[Job]) -> str | None:
    """The mark of a decision about an order and what only its allocations list, whether or not that is invoiced."""
    return vat_mark(with_every_party(order, allocations))


def without_vat(order: FulfillmentOrder, jobs: Collection[Job], allocations: Collection[Job] = ()) -> FulfillmentOrder:
    """The order without its VAT ids, if one of its jobs carries the decision about exactly these; else unchanged.

    `allocations` are those of an invoice's order: a decision about their VAT ids too is one about its own.
    """
    decided = {job.without_vat for job in jobs if job.without_vat is not None}
    if not decided or decided.isdisjoint({vat_mark(order), mark_with_allocations(order, allocations)}):
        return order
    return replace(
        order,
        customer=_bare(order.customer),
        billing=_bare(order.billing),
        shipping=_bare(order.shipping),
    )


def _bare(party: Party | None) -> Party | None:
    return replace(party, vat_id=None) if party is not None else None


def _parties(order: FulfillmentOrder) -> list[Party]:
    return [party for party in (order.customer, order.billing, order.shipping) if party is not None]
