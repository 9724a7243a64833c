"""Credit notes: those recorded by operators, those listed by the ERP, and the invoices that they refer to."""

from collections.abc import Iterable, Sequence

from shipperone_erp.domain.hook_answers import Document
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.job import CreditNote, Job
from shipperone_erp.domain.states import NOT_ISSUED, Stage
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.reconcile.finding_kinds import Compared, Finding
from shipperone_erp.operations.reports import money_text


def credit_notes(
    ledger: Ledger, tenant: str, own: Sequence[Job], listed: Sequence[Document] | None
) -> Iterable[Compared]:
    """Each recorded credit note with the ERP's document of that number; then the ERP's further ones for these invoices.

    A credit note for any other invoice is ignored. A recorded number that is missing in the ERP is a finding only if
    the ERP lists credit notes at all.
    """
    notes = [document for document in listed or () if document.kind == "credit_note"]
    numbered = {str(document.number): document for document in notes}
    recorded: set[tuple[int, str]] = set()
    for job in own:
        for credit in job.credits:
            recorded.add((job.id, credit.number))
            yield _recorded(job, credit, numbered.get(credit.number), known=bool(notes))
    invoices = {job.reference: job for job in own if job.stage is Stage.INVOICE and job.reference}
    earlier = {note.order_id for note in notes if note.order_id and note.refers_to not in invoices}
    for job in ledger.jobs_of_orders(tenant, Stage.INVOICE, earlier):  # jobs from before the period
        if job.reference:
            invoices.setdefault(job.reference, job)
    for document in notes:
        job_of = invoices.get(document.refers_to) if document.refers_to else None
        if job_of is None or not job_of.accepted or (document.state or "").lower() in NOT_ISSUED:
            continue
        if any(credit.number == document.number for credit in job_of.credits):
            continue
        amount = abs(document.total_incl_tax) if document.total_incl_tax is not None else None
        currency = (job_of.invoice.currency if job_of.invoice else None) or document.currency
        more = "" if amount is None else f" --amount {money_text(amount, currency)}"
        yield Compared(
            job_of, document, Finding.CREDIT_NOT_RECORDED,
            f"credit note {document.number or document.reference} against invoice {job_of.number or job_of.key} is "
            f"only in the ERP: record it by `order credited {job_of.order_id} --number {document.number or 'N'}{more}`",
        )  # fmt: skip


def _recorded(job: Job, credit: CreditNote, document: Document | None, *, known: bool) -> Compared:
    sentence = f"an operator recorded it against invoice {job.number or job.key}"
    if document is None:
        if not known:
            return Compared(job, None, Finding.CREDITED, sentence, credit=credit)
        missing = f"{sentence}; the ERP lists no credit note {credit.number}"
        return Compared(job, None, Finding.CREDIT_DIFFERS, missing, credit=credit)
    found: list[Difference] = []
    currency = (job.invoice.currency if job.invoice else None) or document.currency
    if document.total_incl_tax is not None and abs(document.total_incl_tax) != credit.amount:
        theirs = money_text(abs(document.total_incl_tax), currency)
        found.append(Difference("amount", money_text(credit.amount, currency), theirs))
    if document.refers_to and job.reference and document.refers_to != job.reference:
        found.append(Difference("refers_to", job.reference, document.refers_to))
    if not found:
        return Compared(job, document, Finding.CREDITED, sentence, credit=credit)
    differs = "; ".join(f"{one.field}: ledger {one.ours}, ERP {one.theirs}" for one in found)
    return Compared(job, document, Finding.CREDIT_DIFFERS, f"{sentence}; {differs}", tuple(found), credit)
