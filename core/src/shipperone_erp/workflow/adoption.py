"""Adopts a document that was made elsewhere: compare it, confirm it to ShipperOne, done.

An operator names it (`order adopt`). It is never built, issued, delivered, released or discarded here. Any difference
holds the job for an operator.
"""

from datetime import timedelta

from shipperone_erp.domain.hook_answers import Document, Invoice, InvoiceLine, Pending
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.invoice_checks.comparison import invoice_differences, reason_for, side_by_side
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import NOT_ISSUED, NOT_RESERVED, EffectKind, Stage, Step
from shipperone_erp.workflow.confirmation import confirm
from shipperone_erp.workflow.execution import JobExecution
from shipperone_erp.workflow.interruptions import HoldJob
from shipperone_erp.workflow.invoice_numbers import check_number
from shipperone_erp.workflow.order_checks import check_amounts, total_is_of_more

LONG_BEFORE = timedelta(days=90)
"""The search period for the ERP's documents where ShipperOne does not list the time of the order."""


NOT_EFFECTIVE = {Stage.INVOICE: NOT_ISSUED, Stage.ALLOCATION: NOT_RESERVED}

KINDS = {Stage.INVOICE: "invoice", Stage.ALLOCATION: "reservation"}


async def adopt(execution: JobExecution) -> None:
    """Take the job as far as possible, in either stage."""
    while execution.job.step is not Step.DONE:
        match execution.job.step:
            case Step.NEW:
                await compare(execution)
            case Step.RESERVED | Step.CONFIRMING:
                await confirm(execution)
            case _:
                execution.job = execution.job.done()


async def compare(execution: JobExecution) -> None:
    """Compare the document with the listing: by the ERP's list where there is one, else by the operator's input."""
    invoicing = execution.job.stage is Stage.INVOICE
    if invoicing:
        check_amounts(execution)
    document = await _found(execution)
    stated_by_operator = execution.job.invoice
    total = document.total_incl_tax if document and document.total_incl_tax is not None else None
    if total is None and stated_by_operator is not None:
        total = stated_by_operator.total_incl_tax
    number = (document.number if document else None) or execution.job.number
    differences = _differences(execution, document, total if invoicing else None)
    if differences:
        raise HoldJob(
            reason_for(differences, Reason.TOTAL_DIFFERS),
            f"{execution.job.reference} was created elsewhere and differs from the order that "
            f"ShipperOne lists: {side_by_side(differences, 'ERP', 'ShipperOne')}; nothing was sent. Correct it, then "
            "run `order adopt` again",
            Owner.ACCOUNTANT if invoicing else Owner.WAREHOUSE,
            differences,
        )
    compared = total is not None if invoicing else bool(document and document.lines)
    execution.job = execution.job.compared_with_adopted(number, compared=compared)
    if invoicing:
        await check_number(execution)
        date = (document.date if document else None) or (stated_by_operator.date if stated_by_operator else None)
        execution.job = execution.job.adopted_invoice_is(
            adopted_invoice(str(execution.job.reference), number, total, date), date
        )
    execution.job = execution.job.ready_to_confirm()


def adopted_invoice(reference: str, number: str | None, total: object, date: object) -> Invoice:
    """The recorded invoice of a document that was made elsewhere: it is fiscal, and its lines are unknown."""
    return Invoice(reference, (), None, total, issued=True, number=number, date=date)  # type: ignore[arg-type]


async def _found(execution: JobExecution) -> Document | None:
    """The ERP's document with this reference or number; None where the connector keeps no list, or it is not on it."""
    if "list_documents" not in execution.ports.hooks.offers:
        return None
    since = (execution.order.ordered_at or execution.job.first_listed_at - LONG_BEFORE) - timedelta(days=1)
    named = execution.job.reference, execution.job.number

    async def look() -> Document | Pending | None:
        others = {*KINDS.values(), "credit_note"} - {KINDS[execution.job.stage]}
        listed = await execution.ports.hooks.list_documents(since)
        documents = [document for document in listed if document.kind not in others]
        by_reference = [document for document in documents if document.reference == named[0]]
        by_number = [document for document in documents if named[1] and document.number == named[1]]
        return next(iter(by_reference or by_number), None)

    return await execution.effect(EffectKind.LOOK, look, step=Step.NEW)


def _differences(execution: JobExecution, document: Document | None, total: object) -> tuple[Difference, ...]:
    """The differences between the document and the listing; none where the document (or its total) is unknown."""
    order, settings = execution.order, execution.ports.settings
    if document is not None and document.order_id not in (None, order.order_id):
        return (Difference("order_id", document.order_id, order.order_id),)
    if document is not None and (document.state or "").lower() in NOT_EFFECTIVE[execution.job.stage]:
        effective = "issued" if execution.job.stage is Stage.INVOICE else "reserved"
        return (Difference("state", document.state, effective),)
    lines = document.lines if document else ()
    stated = Invoice(
        execution.job.reference,
        lines or tuple(InvoiceLine(item.item_id, item.qty) for item in order.items),
        order.shipping_amount_incl_tax,
        total,  # type: ignore[arg-type]
        document.currency if document else None,
    )
    return invoice_differences(
        order,
        stated,
        currency=execution.currency(),
        discount=execution.discount,
        tolerance=settings.tolerance,
        part=execution.job.part or total_is_of_more(execution),
    )
