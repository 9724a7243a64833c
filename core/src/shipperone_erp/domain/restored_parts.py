"""Parts of an order after the ledger was restored from a copy, where the ERP issues at once (`fiscal_first`). Pure.

An equal part that was invoiced since the copy had the key that the next one gets: the ERP would answer with that
invoice, and it would be confirmed for goods that it does not contain. An ERP with drafts answers with a fiscal invoice
where a draft is expected, and nothing is sent.
"""

from collections.abc import Collection
from datetime import datetime

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.order import FulfillmentOrder


def lost_part(
    job: Job, order: FulfillmentOrder, jobs: Collection[Job], allocations: Collection[Job], restored_at: datetime
) -> str | None:
    """A sentence if an equal part of this order may have been invoiced, unknown to this copy; None if not.

    An operator has decided once an equal job that was made since the restore has ended. An order that was allocated
    since has no part before.
    """
    decided = any(one.content == job.content and one.ended and one.first_listed_at >= restored_at for one in jobs)
    accepted = [one.accepted_at for one in allocations if one.accepted_at is not None]
    since = any(moment >= restored_at for moment in accepted)
    placed_before = order.ordered_at is None or order.ordered_at < restored_at
    if decided or since or not (job.part or (not accepted and placed_before)):
        return None
    order_id = job.order_id
    return (
        "this ledger was restored from a copy, and since the copy the ERP may have issued an invoice of an equal part "
        f"of this order, under {job.key}: it would be confirmed for goods that it does not contain. Look for it in the "
        f"ERP. If there is none, or ShipperOne has not accepted it, run `order retry {order_id}`. If ShipperOne has "
        f"accepted it, run `order resolve {order_id} --outcome confirmed`; the part that is listed now is then held as "
        f"listed_again, and `order repeat {order_id}` invoices it"
    )
