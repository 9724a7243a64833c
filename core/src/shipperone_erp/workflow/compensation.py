"""Undoes a job's effects in the ERP before ShipperOne's acceptance: releases the reservation or discards the draft.

Nothing counts as undone without the ERP's answer. Without the hook, or if the document is already fiscal, the job is
held for an operator.
"""

from shipperone_erp.domain.absence import held_in_erp, may_exist
from shipperone_erp.domain.hook_answers import AlreadyIssued, Invoice
from shipperone_erp.domain.hook_requests import DiscardInvoice, ReleaseStock
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import EffectKind, Stage, State
from shipperone_erp.workflow.execution import JobExecution
from shipperone_erp.workflow.interruptions import HoldJob


async def clear(execution: JobExecution, why: str) -> None:
    """Release the reservation or discard the draft of this job. Returns once the ERP has reported success."""
    if not may_exist(execution.job):
        return
    hook = "release_stock" if execution.job.stage is Stage.ALLOCATION else "discard_invoice"
    if hook not in execution.ports.hooks.offers:
        raise HoldJob(
            Reason.ORDER_GONE if execution.job.ending is State.GONE else Reason.ITEMS_CHANGED,
            f"{why}, and this connector cannot undo {held_in_erp(execution.job)}: undo it in the ERP",
            Owner.WAREHOUSE if execution.job.stage is Stage.ALLOCATION else Owner.ACCOUNTANT,
        )
    if execution.job.stage is Stage.ALLOCATION:
        request = ReleaseStock(key=execution.job.key, reference=execution.job.reference, order=execution.order)
        await execution.effect(
            EffectKind.RELEASE, lambda: execution.ports.hooks.release_stock(request), step=execution.job.step
        )
    else:
        await _discard(execution, why)
    execution.job = execution.job.undone()


async def _discard(execution: JobExecution, why: str) -> None:
    request = DiscardInvoice(key=execution.job.key, invoice=execution.job.invoice, order=execution.order, reason=why)
    try:
        await execution.effect(
            EffectKind.DISCARD, lambda: execution.ports.hooks.discard_invoice(request), step=execution.job.step
        )
    except AlreadyIssued as issued:
        raise issued_already(execution, issued.invoice) from issued


def issued_already(execution: JobExecution, invoice: Invoice) -> HoldJob:
    """The document is fiscal although ShipperOne has not confirmed it: it is kept, and the job is held."""
    execution.job = execution.job.document_stated(invoice)
    return HoldJob(
        Reason.ISSUED_NOT_CONFIRMED,
        f"invoice {invoice.number or invoice.reference} is already issued in the ERP, and this ledger has no "
        "acceptance of it. Ask ShipperOne: if it has accepted it (by a second installation, or before this ledger was "
        f"restored), run `order resolve {execution.job.order_id} --outcome confirmed`; if not, have it accepted, or "
        "credit it",
        Owner.ACCOUNTANT,
    )


async def end(execution: JobExecution, state: State, why: str) -> None:
    """Undo the job's effects and end it as `state`. May be called again until the ERP has done it."""
    execution.job = execution.job.undo_begins(state)
    await clear(execution, why)
    execution.job = execution.job.ended_as(state, why)


async def rebuild(execution: JobExecution, why: str) -> None:
    """Undo the job's effects and continue under its next generation.

    `ending` is set meanwhile: if the process dies in between, planning undoes the rest and starts a successor.
    """
    execution.job = execution.job.undo_begins(State.NEW)
    await clear(execution, why)
    execution.job = execution.job.next_generation()
