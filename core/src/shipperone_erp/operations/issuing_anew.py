"""`order retry --rebuild` of an accepted invoice: its document is not in the ERP any more, and the next one is issued.

ShipperOne has accepted it, so nothing is sent there: the next generation is built, compared with what was accepted, and
issued. The ERP is asked first, and an invoice that it still lists is never made twice.
"""

from collections.abc import Sequence
from datetime import datetime

from shipperone_erp.config import Configuration
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.run_outcome import Ending
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import ShipperOneErpError, UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.job_commands import Pick, can_be_rebuilt, pick, steer
from shipperone_erp.operations.reconcile.running import NotCompared, documents


class ErpNotAsked(ShipperOneErpError):
    """The ERP's list of documents could not be had, so that nothing is known to be missing; nothing was done."""

    exit_code = int(Ending.ERP)


def can_be_issued_anew(job: Job) -> bool:
    """An invoice that ShipperOne has accepted, that was made here, and that rests."""
    rests = job.state in (State.DONE, State.HELD, State.WAITING)
    return job.stage is Stage.INVOICE and job.accepted and not job.adopted and job.ending is None and rests


def pick_to_rebuild(ledger: Ledger, wanted: Pick) -> Job:
    """What is not accepted comes first; where there is no such job, the accepted invoice. UsageError if several fit."""
    jobs = ledger.find_jobs(tenant=wanted.tenant, stage=wanted.stage, order_id=wanted.order_id, key=wanted.key)
    jobs = jobs or ledger.find_jobs(tenant=wanted.tenant, stage=wanted.stage, key=wanted.order_id)
    if not any(can_be_rebuilt(job) for job in jobs) and any(can_be_issued_anew(job) for job in jobs):
        return pick(ledger, wanted, can_be_issued_anew, "issued anew")
    return pick(ledger, wanted, can_be_rebuilt, "rebuilt")


def issue_anew(ledger: Ledger, loaded: Configuration, jobs: Sequence[Job], now: datetime, note: str | None) -> None:
    """Have these invoices made anew: all, or none and a UsageError. Blocking: the ERP lists its documents first."""
    for job in jobs:
        _refuse_erased(job)
    for tenant in dict.fromkeys(job.tenant for job in jobs):
        _missing(ledger, loaded, tenant, [job for job in jobs if job.tenant == tenant])
    for job in jobs:
        steer(ledger, job, job.document_lost(now), "retry --rebuild, its document is missing in the ERP", now, note)


def _missing(ledger: Ledger, loaded: Configuration, tenant: str, jobs: Sequence[Job]) -> None:
    if tenant not in loaded.tenants:
        raise UsageError(f"{tenant} is not usable as it is configured, so its ERP cannot be asked")
    since = min(job.first_listed_at for job in jobs)
    listed = documents(ledger, loaded.tenants[tenant], since)
    if isinstance(listed, NotCompared):
        raise ErpNotAsked(f"nothing was done, since the ERP must be asked before: {listed.why}")
    keys = {document.key: document for document in listed}
    references = {document.reference: document for document in listed if document.kind == "invoice"}
    for job in jobs:
        there = keys.get(job.key) or (references.get(job.reference) if job.reference else None)
        if there is not None:
            named = f"{there.reference or there.key}{f', number {there.number}' if there.number else ''}"
            raise UsageError(
                f"{job.key}: the ERP has its document ({named}, {there.state or 'no state stated'}), so it is not made "
                "anew; `order retry` alone goes on with it. Nothing was done"
            )


def _refuse_erased(job: Job) -> None:
    if job.erased_at is not None:
        raise UsageError(
            f"{job.key}: the customer was erased from the ledger on {job.erased_at:%Y-%m-%d}; make the invoice in "
            "the ERP by hand. Nothing was done"
        )
