"""Selects the job that an operator means by an order's id or a key, if a command applies to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.kernel.printable import one_line
from shipperone_erp.ledger.reader import LedgerReader


@dataclass(frozen=True, slots=True)
class Pick:
    """Selects a job by an order's id (or a key), narrowed down by tenant, stage and key."""

    order_id: str
    tenant: str | None = None
    stage: Stage | None = None
    key: str | None = None


def known_jobs(ledger: LedgerReader, wanted: Pick) -> list[Job]:
    """All of that order's jobs, or the one of that key. UsageError if there is none."""
    jobs = ledger.find_jobs(tenant=wanted.tenant, stage=wanted.stage, order_id=wanted.order_id, key=wanted.key)
    jobs = jobs or ledger.find_jobs(tenant=wanted.tenant, stage=wanted.stage, key=wanted.order_id)
    if not jobs:
        raise UsageError(f"no job of order {wanted.order_id} is known; `shipperone-erp orders` lists the known ones")
    return jobs


def pick(ledger: LedgerReader, wanted: Pick, fits: Callable[[Job], bool], act: str) -> Job:
    """The selected job, if this command applies to it. UsageError if there is none, or several."""
    jobs = known_jobs(ledger, wanted)
    fitting = [job for job in jobs if fits(job)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        instead = dict.fromkeys(f"  {hint}" for job in jobs if not job.ended and (hint := _instead(job)))
        raise UsageError(
            "\n".join(
                [f"nothing of order {wanted.order_id} can be {act}:", *listing(jobs), *(f"  {i}" for i in instead)]
            )
        )
    head = f"{len(fitting)} jobs of order {wanted.order_id} can be {act}; say which by --tenant, --stage or --key:"
    raise UsageError("\n".join([head, *listing(fitting)]))


def listing(jobs: Sequence[Job]) -> list[str]:
    """One line for each job, to distinguish them."""

    def line(job: Job) -> str:
        document = job.number or job.reference
        made = f"  in the ERP: {document}" if document else ""
        return one_line(f"  {job.tenant} {job.stage} {job.key}  {job.state} {job.reason or ''}".rstrip() + made)

    return [line(job) for job in jobs]


INSTEAD = {
    Reason.LISTED_AGAIN: "`order repeat` marks it as a true second shipment",
    Reason.AWAITING_APPROVAL: "`order approve` ends the pause; `order retry --rebuild` has it rebuilt",
    Reason.RESERVED_NOT_SHIPPED: "`order release --note …` gives the reservation back",
}
"""The command that applies to a reason for which another command is refused."""


def _instead(job: Job) -> str | None:
    if job.adopted:
        return f"{job.reference} was created elsewhere: it is not rebuilt, undone or released from here"
    if job.accepted and job.ending is not None:
        return f"{job.reference} is being released"
    return INSTEAD.get(job.reason) if job.reason else None
