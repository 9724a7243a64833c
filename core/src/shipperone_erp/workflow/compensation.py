"""Undoes a job's effects in the ERP before ShipperOne's acceptance: releases the reservation or discards the draft.

Nothing counts as undone without the ERP's answer. Without the hook, or if the document is already fiscal, the job is
held for an operator.
"""

from shipperone_erp.domain.absence import held_in_erp, may_exist
from shipperone_erp.domain.hook_answers import AlreadyIssued, Invoice
from shipperone_erp.domain.hook_requests import DiscardInvoice, ReleaseStock
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import EffectKind, Stage, State
from shipperone_erp.workflow.execution import HoldJob, JobExecution


async def clear(case: JobExecution, why: str) -> None:
    """Release the reservation or discard the draft of this job. Returns once the ERP has reported success."""
    if not may_exist(case.job):
        return
    hook = "release_stock" if case.job.stage is Stage.ALLOCATION else "discard_invoice"
    if hook not in case.ports.hooks.offers:
        raise HoldJob(
            Reason.ORDER_GONE if case.job.ending is State.GONE else Reason.ITEMS_CHANGED,
            f"{why}, and this connector cannot undo {held_in_erp(case.job)}: undo it in the ERP",
            Owner.WAREHOUSE if case.job.stage is Stage.ALLOCATION else Owner.ACCOUNTANT,
        )
    if case.job.stage is Stage.ALLOCATION:
        request = ReleaseStock(key=case.job.key, reference=case.job.reference, order=case.order)
        await case.effect(EffectKind.RELEASE, lambda: case.ports.hooks.release_stock(request), step=case.job.step)
    else:
        await _discard(case, why)
    case.job = case.job.undone()


async def _discard(case: JobExecution, why: str) -> None:
    request = DiscardInvoice(key=case.job.key, invoice=case.job.invoice, order=case.order, reason=why)
    try:
        await case.effect(EffectKind.DISCARD, lambda: case.ports.hooks.discard_invoice(request), step=case.job.step)
    except AlreadyIssued as issued:
        raise issued_already(case, issued.invoice) from issued


def issued_already(case: JobExecution, invoice: Invoice) -> HoldJob:
    """The document is fiscal although ShipperOne has not confirmed it: it is kept, and the job is held."""
    case.job = case.job.document_stated(invoice)
    return HoldJob(
        Reason.ISSUED_NOT_CONFIRMED,
        f"invoice {invoice.number or invoice.reference} is already issued in the ERP, and ShipperOne has not "
        "confirmed it: a person must credit it or have ShipperOne take it",
        Owner.ACCOUNTANT,
    )


async def end(case: JobExecution, state: State, why: str) -> None:
    """Undo the job's effects and end it as `state`. May be called again until the ERP has done it."""
    case.job = case.job.undo_begins(state)
    await clear(case, why)
    case.job = case.job.ended_as(state, why)


async def rebuild(case: JobExecution, why: str) -> None:
    """Undo the job's effects and continue under its next generation.

    `ending` is set meanwhile: if the process dies in between, planning undoes the rest and starts a successor.
    """
    case.job = case.job.undo_begins(State.NEW)
    await clear(case, why)
    case.job = case.job.next_generation()
