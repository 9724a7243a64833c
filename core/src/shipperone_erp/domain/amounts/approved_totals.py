"""The one sum at which an operator has accepted a listing whose amounts are not explained.

It is stored with the listing's fingerprint: another listing, or another sum, needs a new approval. Pure functions.
"""

from decimal import Decimal

from shipperone_erp.domain.amounts.expected_totals import Discount, figures, readable
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.order import FulfillmentOrder


def at_total(job: Job, total: Decimal) -> str:
    """The stored text of an operator's approval of this job's listing at that sum."""
    return f"{total:f} {job.fingerprint}"


def approved_total(job: Job) -> Decimal | None:
    """The sum at which an operator has accepted this job's listing as it is; None without an approval of it."""
    if job.approved_total is None:
        return None
    total, _, fingerprint = job.approved_total.partition(" ")
    return Decimal(total) if fingerprint == job.fingerprint else None


def reading_at(order: FulfillmentOrder, currency: str | None, total: Decimal | None) -> Discount:
    """The reading of the order's discounts by which its invoice comes to that sum; None if there is none."""
    if total is None:
        return None
    return next((each for each in readable(order) if figures(order, currency, each).invoice_total == total), None)
