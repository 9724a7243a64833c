"""Compares every document in the ledger with the ERP's list. Changes nothing.

The ERP is queried first and the ledger afterwards. A job is recorded before its document, so every document that the
ERP lists has its job in the ledger. Jobs that changed in the meantime are left for the next run.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.hook_answers import Document, InvoiceLine
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.invoice_checks.bounds import invoiced_otherwise
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import content_of_key, plain
from shipperone_erp.domain.recorded_jobs import RecordedJobs
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.grouping import summed
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.reconcile.credits import credit_notes
from shipperone_erp.operations.reconcile.finding_kinds import MOVING, NOTHING_LEFT, Compared, Finding
from shipperone_erp.operations.reconcile.marks import marks
from shipperone_erp.operations.reconcile.series import Numbers, issued_before, twice
from shipperone_erp.operations.reconcile.unlisted import QueuesRead, beside_the_queues, holds_goods
from shipperone_erp.operations.reports import money_text


def reconcile(
    ledger: Ledger,
    tenant: str,
    listed: Sequence[Document] | None,
    *,
    since: datetime,
    asked_at: datetime,
    settings: TenantSettings | None = None,
    queues: QueuesRead | None = None,
) -> list[Compared]:
    """Every document of this tenant since then, sorted by urgency of the finding, then by order.

    `listed` is the ERP's list of documents made since then, as requested at `asked_at`. It is None if the connector has
    no such list; then only the ledger's own half is reported. With the tenant's `settings` the invoices of each order
    are compared with its total, and `queues` with the ledger.
    """
    own = ledger.find_jobs(tenant=tenant, since=since)
    found: list[Compared] = []
    if listed is not None:
        found += _beside_the_list(ledger, tenant, own, listed, asked_at)
    marked = {job.key: one for job, one in marks(ledger, tenant, own)}
    listed_as = {one.job.key: one.listed for one in found if one.job}
    # one row, not two, for a document that agrees and has a mark, so that a sum over the rows counts it once
    found = [one for one in found if one.finding is not None or not one.job or one.job.key not in marked]
    found += [replace(one, listed=listed_as.get(key)) for key, one in marked.items()]
    found += credit_notes(ledger, tenant, own, listed)
    if settings is not None:
        found += _sums(ledger, own, settings)
        if queues is not None:
            found += beside_the_queues(ledger, settings, queues, found)
    ranks = [*Finding, None]
    return sorted(found, key=lambda one: (ranks.index(one.finding), one.order_id))


def _beside_the_list(
    ledger: Ledger, tenant: str, own: Sequence[Job], listed: Sequence[Document], asked_at: datetime
) -> Iterable[Compared]:
    known = {job.key: job for job in own}
    contents = {job.content for job in own}
    of_content = {job.content: job for job in own}
    documents = [document for document in listed if document.kind != "credit_note"]
    unknown = {content for content in map(_content, documents) if content is not None} - contents
    for other in ledger.jobs_of_contents(unknown):
        contents.add(other.content)
        if other.tenant == tenant:
            known.setdefault(other.key, other)
            of_content.setdefault(other.content, other)
    since_then = {job.key for job in own}
    adopted = {job.reference: job for job in own if job.adopted}
    keys: dict[str, list[Document]] = defaultdict(list)
    others: list[Document] = []
    for document in documents:
        job = known.get(document.key or "") or adopted.get(document.reference)
        content = _content(document)
        if job is not None:
            keys[job.key].append(document)
            continue
        others.append(document)
        if content is None:
            continue
        if content not in contents:
            yield Compared(
                None, document, Finding.NOT_IN_LEDGER,
                f"the ERP has it under the key {document.key}, which this ledger does not contain: another "
                "installation created it, or the ledger is an earlier copy (`shipperone-erp ledger restored`)",
            )  # fmt: skip
        elif content in of_content:  # otherwise it belongs to another tenant
            yield from _of_an_earlier_key(of_content[content], document)
    numbers = Numbers(keys, others)
    yield from twice(keys, known, numbers)
    for job in known.values():
        at_rest = job.state not in MOVING and job.since < asked_at
        there = keys.get(job.key)
        if there and at_rest and job.state in NOTHING_LEFT and holds_goods(there[0]):
            yield _still_reserved(job, there[0])
        elif there:
            yield _compared(job, there[0], at_rest)
        elif at_rest and job.reference and job.state not in NOTHING_LEFT and not job.adopted and job.key in since_then:
            named = f"{job.reference}, number {job.number}" if job.number else job.reference
            yield Compared(
                job, None, Finding.MISSING_IN_ERP,
                f"the ledger has {named}; the ERP does not list it: it was deleted there, or the ERP was restored from "
                f"a backup. It is not created again automatically{numbers.where_now(job)}",
            )  # fmt: skip


def _of_an_earlier_key(job: Job, document: Document) -> Iterable[Compared]:
    """Documents of this content under an earlier key of the job, which should have been undone."""
    if holds_goods(document):
        yield _still_reserved(job, document)
    elif document.kind == "invoice" and document.number:
        yield Compared(job, document, Finding.LISTED_TWICE, issued_before(job, document))


def _still_reserved(job: Job, document: Document) -> Compared:
    return Compared(
        job, document, Finding.RESERVATION_WITHOUT_ORDER,
        f"the ERP still reserves goods by {document.reference or document.key} ({document.state}); the ledger records "
        "that reservation as released: release it in the ERP",
    )  # fmt: skip


def _compared(job: Job, document: Document, at_rest: bool) -> Compared:
    differences = tuple(_differences(job, document)) if at_rest else ()
    if not differences:
        return Compared(job, document)
    sentence = "; ".join(f"{one.field}: ledger {one.ours or 'none'}, ERP {one.theirs or 'none'}" for one in differences)
    return Compared(job, document, Finding.CHANGED_IN_ERP, sentence, differences)


def _differences(job: Job, document: Document) -> Iterable[Difference]:
    """The differences of an invoice. A reservation only has to exist, since its goods leave it part by part."""
    if job.stage is not Stage.INVOICE:
        return
    ended = job.state in NOTHING_LEFT
    # also of a discarded draft: its number shows that somebody has issued it
    if document.number != job.number and (document.number or not ended):
        yield Difference("number", job.number, document.number)
    invoice = job.invoice
    if ended or invoice is None:
        return
    if job.reference and document.reference and job.reference != document.reference:
        yield Difference("reference", job.reference, document.reference)
    ours, theirs = invoice.total_incl_tax, document.total_incl_tax
    if ours is not None and theirs is not None and ours != theirs:
        currency = invoice.currency or document.currency
        yield Difference("total_incl_tax", money_text(ours, currency), money_text(theirs, currency))
    if invoice.currency and document.currency and invoice.currency != document.currency:
        yield Difference("currency", invoice.currency, document.currency)
    yield from _of_lines(invoice.lines, document.lines)


def _of_lines(ours: Sequence[InvoiceLine], theirs: Sequence[InvoiceLine]) -> Iterable[Difference]:
    """Differences by item, if both sides list their lines."""
    if not ours or not theirs:
        return
    sides = [summed((str(line.item_id), line.qty) for line in lines) for lines in (ours, theirs)]
    for item in dict.fromkeys([*sides[0], *sides[1]]):
        mine, other = (side.get(item, Decimal(0)) for side in sides)
        if mine != other:
            yield Difference(f"items[{item}].qty", plain(mine), plain(other))


def _sums(ledger: Ledger, own: Sequence[Job], settings: TenantSettings) -> Iterable[Compared]:
    """Orders whose invoices, less their credit notes, differ from the order's total."""
    invoices = [job for job in own if job.stage is Stage.INVOICE and job.accepted]
    newest = {job.order_id: job for job in sorted(invoices, key=lambda job: job.id)}
    allocations = ledger.jobs_of_orders(settings.name, Stage.ALLOCATION, newest)
    recorded = RecordedJobs(settings.base_url, settings.store_code, [*own, *allocations])
    for job in newest.values():
        text = invoiced_otherwise(job, recorded.beside(job.order), settings)
        if text is not None:
            yield Compared(job, None, Finding.SUM_DIFFERS, text)


def _content(document: Document) -> str | None:
    return content_of_key(document.key) if document.key else None
