"""Recovers an invoice whose order left the queue unobserved, or after the backup from which the ledger was restored.

The ERP is queried by the job's key (get-or-create). An issued document proves that ShipperOne accepted it, since an
invoice is issued only after acceptance. Anything else proves nothing and is left to an operator.
"""

from shipperone_erp.domain.hook_answers import AlreadyIssued, Invoice, Pending, Voided
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import EffectKind, Step
from shipperone_erp.workflow.confirmation import accept
from shipperone_erp.workflow.execution import JobExecution
from shipperone_erp.workflow.interruptions import HoldJob
from shipperone_erp.workflow.invoice import build_request, invoice
from shipperone_erp.workflow.invoice_numbers import check_number


async def seek(execution: JobExecution) -> None:
    """Continue as accepted if the ERP has issued it; else hold it and name the ERP's document."""
    answer = await _asked(execution)
    while isinstance(answer, Voided):
        execution.void()
        answer = await _asked(execution)
    execution.job = execution.job.document_stated(answer).in_erp(execution.ports.erp)
    if not answer.issued or execution.ports.settings.fiscal_first:
        there = (
            f"{answer.reference} under {execution.job.key}"
            if answer.reference
            else f"nothing under {execution.job.key}"
        )
        raise HoldJob(
            Reason.ORDER_GONE,
            "the order left the queue while the queue was not read, or since this copy of the ledger was made; "
            f"the ERP has {there}, {'issued' if answer.issued else 'not issued'}: it is kept until an operator "
            "decides whether ShipperOne cancelled the order or accepted the invoice",
            Owner.ACCOUNTANT,
        )
    accept(execution, inferred=True)
    execution.job = execution.job.invoice_issued()
    await check_number(execution)
    await invoice(execution)


async def _asked(execution: JobExecution) -> Invoice | Voided:
    request, hooks = build_request(execution), execution.ports.hooks

    async def built() -> Invoice | Pending | Voided:
        return await hooks.build_invoice(await hooks.before_build(request))

    try:
        return await execution.effect(EffectKind.BUILD, built, step=Step.BUILDING)
    except AlreadyIssued as issued:
        return issued.invoice
