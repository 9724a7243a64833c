"""Orders that an operator has decided to handle without the VAT id that ShipperOne lists.

The decision is stored with a digest of the VAT ids, never with their text: if the VAT ids change, it no longer applies.
A decision about the allocation holds for the invoices of the order too. Pure functions.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.order import FulfillmentOrder, Party
from shipperone_erp.kernel.json import dumps


def vat_mark(order: FulfillmentOrder) -> str | None:
    """The stored mark of the decision about this order: a digest of its VAT ids; None where it lists none."""
    listed = sorted({party.vat_id.strip() for party in _parties(order) if party.vat_id and party.vat_id.strip()})
    return hashlib.sha256(dumps(listed).encode()).hexdigest()[:32] if listed else None


def without_vat(order: FulfillmentOrder, jobs: Iterable[Job]) -> FulfillmentOrder:
    """The order without its VAT ids, if one of its jobs carries the decision about exactly these; else unchanged."""
    mark = vat_mark(order)
    if mark is None or all(job.without_vat != mark for job in jobs):
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
