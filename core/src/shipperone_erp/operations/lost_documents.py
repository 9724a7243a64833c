"""`order retry --rebuild` for accepted jobs: a document that is missing in the ERP is created again.

Nothing is sent to ShipperOne. An invoice is built as the next generation, compared with the accepted one, and issued. A
reservation is made as the next generation as long as nothing of the order was invoiced. The ERP is queried first: a
document that it still lists is never created twice.
"""

from collections.abc import Sequence
from datetime import datetime

from shipperone_erp.config import Configuration
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import ShipperOneErpError, UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.job_actions import can_be_rebuilt, steer
from shipperone_erp.operations.job_selection import Pick, known_jobs, pick
from shipperone_erp.operations.reconcile.finding_kinds import NOTHING_LEFT
from shipperone_erp.operations.reconcile.running import NotCompared, documents


class ErpNotAsked(ShipperOneErpError):
    """The ERP's list of documents is not available, so that no document is known to be missing; nothing was done."""

    exit_code = int(Ending.ERP)


def can_be_made_anew(job: Job) -> bool:
    """ShipperOne has accepted it, its document was made here, and it is not in progress."""
    rests = job.state in (State.DONE, State.HELD, State.WAITING)
    made = job.stage is Stage.INVOICE or job.reference is not None  # an order of services only has no reservation
    return rests and made and job.accepted and not job.adopted and job.ending is None


def pick_to_rebuild(ledger: Ledger, wanted: Pick) -> Job:
    """The job to rebuild: one that is not accepted, else the accepted invoice, else the reservation.

    UsageError if several match.
    """
    jobs = known_jobs(ledger, wanted)
    accepted = [job for job in jobs if can_be_made_anew(job)]
    if any(can_be_rebuilt(job) for job in jobs) or not accepted:
        return pick(ledger, wanted, can_be_rebuilt, "rebuilt")
    stage = Stage.INVOICE if any(job.stage is Stage.INVOICE for job in accepted) else Stage.ALLOCATION
    return pick(ledger, wanted, lambda job: job.stage is stage and can_be_made_anew(job), "rebuilt")


def make_anew(ledger: Ledger, loaded: Configuration, jobs: Sequence[Job], now: datetime, note: str | None) -> None:
    """Request new documents for these jobs: all, or none and a UsageError. Blocking: the ERP lists its documents."""
    for job in jobs:
        _refuse_erased(job)
        if job.stage is Stage.ALLOCATION:
            _refuse_shipped(ledger, job)
    for tenant in dict.fromkeys(job.tenant for job in jobs):
        _missing(ledger, loaded, tenant, [job for job in jobs if job.tenant == tenant])
    for job in jobs:
        steer(ledger, job, job.document_lost(now), "retry --rebuild, its document is missing in the ERP", now, note)


def _missing(ledger: Ledger, loaded: Configuration, tenant: str, jobs: Sequence[Job]) -> None:
    if tenant not in loaded.tenants:
        raise UsageError(f"{tenant} has an invalid configuration, so its ERP cannot be queried")
    since = min(job.first_listed_at for job in jobs)
    listed = documents(ledger, loaded.tenants[tenant], since)
    if isinstance(listed, NotCompared):
        raise ErpNotAsked(f"nothing was done, since the ERP could not be queried first: {listed.why}")
    keys = {document.key: document for document in listed}
    references = {(document.kind, document.reference): document for document in listed}
    for job in jobs:
        kind = "invoice" if job.stage is Stage.INVOICE else "reservation"
        there = keys.get(job.key) or (references.get((kind, job.reference)) if job.reference else None)
        if there is not None:
            named = f"{there.reference or there.key}{f', number {there.number}' if there.number else ''}"
            raise UsageError(
                f"{job.key}: the ERP has its document ({named}, {there.state or 'no state stated'}), so it is not "
                "created again; `order retry` without --rebuild resumes it. Nothing was done"
            )


def _refuse_shipped(ledger: Ledger, job: Job) -> None:
    """Invoiced goods have left the warehouse: a new reservation of the whole order would reserve others."""
    for invoice in ledger.jobs_of_orders(job.tenant, Stage.INVOICE, [job.order_id]):
        if invoice.state not in NOTHING_LEFT:
            raise UsageError(
                f"{job.key}: goods of order {job.order_id} have shipped ({invoice.key} is {invoice.state}), so nothing "
                "is reserved again. Nothing was done"
            )


def _refuse_erased(job: Job) -> None:
    if job.erased_at is not None:
        raise UsageError(
            f"{job.key}: the customer's data were erased from the ledger on {job.erased_at:%Y-%m-%d}; create the "
            "document in the ERP by hand. Nothing was done"
        )
