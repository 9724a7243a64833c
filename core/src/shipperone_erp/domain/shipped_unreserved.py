"""Decides about goods that ShipperOne lists as shipped before their allocation was reserved. Pure.

Their invoice is made and delivered without a reservation. One that were made afterwards would never be delivered: it
would keep other goods from being sold, and nothing would report it, since the order did reach an invoice.
"""

from collections.abc import Collection

from shipperone_erp.domain.bundles import names
from shipperone_erp.domain.decisions import Continue, Decision, PutOnHold, Restamp
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, Step


def unless_shipped(decision: Decision, jobs: Collection[Job], shipped: Collection[int]) -> Decision:
    """The decision; in place of a reservation a hold, if the goods were shipped (`shipped`: the ids of such jobs).

    Pieces of an item of which an accepted allocation has some may be those: such a job is reserved.
    """
    if isinstance(decision, Restamp):
        return Restamp(decision.job, unless_shipped(decision.then, jobs, shipped))
    if not isinstance(decision, Continue) or not _to_be_reserved(decision.job, shipped):
        return decision
    job = decision.job
    allocated = {str(item_id) for one in jobs if one.accepted for item_id in one.item_ids}
    if not allocated.isdisjoint(map(str, job.item_ids)):
        return decision
    return PutOnHold(
        job,
        Reason.ERP_STOCK_INCONSISTENT,
        f"ShipperOne has listed goods of this order as shipped ({names(job.order.items)}), and still lists the order "
        "in pending_allocation: nothing was reserved for it, and nothing is reserved now, since that would never be "
        "delivered. Correct the ERP's stock if the goods left it unnoticed. The job ends once the order leaves "
        f"pending_allocation; if these are other pieces, run `order retry {job.order_id}`",
        Owner.WAREHOUSE,
    )


def _to_be_reserved(job: Job, shipped: Collection[int]) -> bool:
    return job.stage is Stage.ALLOCATION and job.open and job.step is Step.NEW and not job.adopted and job.id in shipped
