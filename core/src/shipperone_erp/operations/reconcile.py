"""`reconcile`: every document that the ledger knows beside what the ERP lists. Changes nothing anywhere.

The ERP is asked first, the ledger after it: a job is written before its document, so that what the ERP lists is known.
What moved meanwhile is left for the next time.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.credit_note import CreditNote
from shipperone_erp.domain.hook_answers import Document, InvoiceLine
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.invoice_checks.bounds import invoiced_otherwise
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import content_of_key, plain
from shipperone_erp.domain.recorded_jobs import RecordedJobs
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.open_documents import open_documents, unfinished
from shipperone_erp.operations.reports import Row, money_text

NOTHING_LEFT = (State.GONE, State.SUPERSEDED)
MOVING = (State.NEW, State.WORKING)


class Finding(StrEnum):
    """What is to be looked at; a document without one agrees."""

    MISSING_IN_ERP = "missing_in_erp"
    CHANGED_IN_ERP = "changed_in_erp"
    NOT_IN_LEDGER = "not_in_ledger"
    LISTED_TWICE = "listed_twice"
    SUM_DIFFERS = "sum_differs"
    OPEN = "open"
    IGNORED = "ignored"
    CREDITED = "credited"
    INFERRED = "inferred"
    DATE_SET = "date_set"
    NOT_COMPARED = "not_compared"


NOTES = frozenset({Finding.CREDITED, Finding.INFERRED, Finding.DATE_SET, Finding.NOT_COMPARED})
"""Marks of what is done: they stay true, and nobody has to act."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One document, as the ledger and the ERP have it (either may be None), and what was found of it.

    `credit`: the document is a credit note against the job's invoice, which an operator has recorded.
    """

    job: Job | None
    listed: Document | None
    finding: Finding | None = None
    sentence: str | None = None
    differences: tuple[Difference, ...] = ()
    credit: CreditNote | None = None

    @property
    def order_id(self) -> str:
        """Of the order; empty where the ERP does not tell it."""
        return self.job.order_id if self.job else (self.listed.order_id if self.listed else None) or ""

    def row(self) -> Row:
        """As `reconcile --json` lists it; where the two sides differ the columns are the ledger's."""
        job, listed = self.job, self.listed
        invoice = job.invoice if job else None
        total = invoice.total_incl_tax if invoice else listed.total_incl_tax if listed else None
        currency = (invoice.currency if invoice else None) or (listed.currency if listed else None)
        dated = (invoice.date if invoice else None) or (listed.date if listed else None)
        if self.credit is not None:
            return self._credit_row(self.credit, currency)
        return {
            "finding": self.finding.value if self.finding else None,
            "sentence": self.sentence,
            "document": _kind(job.stage) if job else listed.kind if listed else None,
            "order_id": self.order_id or None,
            "key": job.key if job else listed.key if listed else None,
            "reference": (job.reference if job else None) or (listed.reference if listed else None),
            "number": (job.number if job else None) or (listed.number if listed else None),
            "date": dated.isoformat() if dated else None,
            "tax_date": job.tax_date.isoformat() if job and job.tax_date else None,
            "issue_date": job.issue_date.isoformat() if job and job.issue_date else None,
            "total_incl_tax": _money(total, currency),
            "currency": currency,
            "state_in_erp": listed.state if listed else None,
            "differences": [
                {"field": difference.field, "ledger": difference.ours, "erp": difference.theirs}
                for difference in self.differences
            ],
            "url": (job.url if job else None) or (listed.url if listed else None),
        }

    def _credit_row(self, credit: CreditNote, currency: str | None) -> Row:
        """Its amount is below zero, so that the totals of an order add up to what it owes."""
        listed = self.listed
        dated = listed.date if listed else None
        return {
            "finding": self.finding.value if self.finding else None,
            "sentence": self.sentence,
            "document": "credit_note",
            "order_id": self.order_id or None,
            "key": None,
            "reference": listed.reference if listed else None,
            "number": credit.number,
            "date": dated.isoformat() if dated else None,
            "total_incl_tax": money_text(-credit.amount, currency),
            "currency": currency,
            "state_in_erp": listed.state if listed else None,
            "differences": [],
            "url": listed.url if listed else None,
        }


def reconcile(
    ledger: Ledger,
    tenant: str,
    listed: Sequence[Document] | None,
    *,
    since: datetime,
    asked_at: datetime,
    settings: TenantSettings | None = None,
) -> list[Compared]:
    """Every document of this tenant since then, what is to be looked at first, then by order.

    `listed` is the ERP's list of what was made since then, as asked for at `asked_at`; None where the connector keeps
    none, and then only the ledger's own half is reported. By the tenant's `settings` the invoices of each order are
    compared with its total.
    """
    own = ledger.find_jobs(tenant=tenant, since=since)
    found: list[Compared] = []
    if listed is not None:
        found += _beside_the_list(ledger, tenant, own, listed, asked_at)
    marks = {job.key: one for job, one in _marks(ledger, tenant, own)}
    listed_as = {one.job.key: one.listed for one in found if one.job}
    # one row, not two, of a document that agrees and is marked: whoever adds the totals up counts it once
    found = [one for one in found if one.finding is not None or not one.job or one.job.key not in marks]
    found += [replace(one, listed=listed_as.get(key)) for key, one in marks.items()]
    found += _credits(own, listed or ())
    if settings is not None:
        found += _sums(ledger, own, settings)
    ranks = [*Finding, None]
    return sorted(found, key=lambda one: (ranks.index(one.finding), one.order_id))


def _beside_the_list(
    ledger: Ledger, tenant: str, own: Sequence[Job], listed: Sequence[Document], asked_at: datetime
) -> Iterable[Compared]:
    known = {job.key: job for job in own}
    contents = {job.content for job in own}
    unknown = {content for content in map(_content, listed) if content is not None} - contents
    for other in ledger.jobs_of_contents(unknown):
        contents.add(other.content)
        if other.tenant == tenant:
            known.setdefault(other.key, other)
    since_then = {job.key for job in own}
    adopted = {job.reference: job for job in own if job.adopted}
    keys: dict[str, list[Document]] = defaultdict(list)
    for document in listed:
        job = known.get(document.key or "") or adopted.get(document.reference)
        content = _content(document)
        if job is not None:
            keys[job.key].append(document)
        elif content is not None and content not in contents:
            yield Compared(
                None, document, Finding.NOT_IN_LEDGER,
                f"the ERP has it under the key {document.key}, which this ledger does not know: another installation "
                "made it, or the ledger is a copy of before (`shipperone-erp ledger restored`)",
            )  # fmt: skip
    yield from _twice(keys, known)
    for job in known.values():
        at_rest = job.state not in MOVING and job.since < asked_at
        there = keys.get(job.key)
        if there:
            yield _compared(job, there[0], at_rest)
        elif at_rest and job.reference and job.state not in NOTHING_LEFT and not job.adopted and job.key in since_then:
            named = f"{job.reference}, number {job.number}" if job.number else job.reference
            yield Compared(
                job, None, Finding.MISSING_IN_ERP,
                f"the ledger has {named}; the ERP does not list it: it was deleted there, or the ERP was put back from "
                "a copy. It is not made again by itself",
            )  # fmt: skip


def _twice(keys: Mapping[str, Sequence[Document]], known: Mapping[str, Job]) -> Iterable[Compared]:
    """Two documents of one key, two invoices with one number."""
    numbers: dict[str, list[tuple[Job, Document]]] = defaultdict(list)
    for key, documents in keys.items():
        job = known[key]
        references = list(dict.fromkeys(str(document.reference) for document in documents))
        if len(references) > 1:
            said = f"the ERP has {len(references)} documents of this key: {', '.join(references)}"
            yield Compared(job, documents[0], Finding.LISTED_TWICE, said)
        if job.stage is Stage.INVOICE:
            for document in documents:
                if document.number:
                    numbers[document.number].append((job, document))
    for number, invoices in numbers.items():
        references = list(dict.fromkeys(str(document.reference) for _, document in invoices))
        if len(references) > 1:
            said = f"{len(references)} invoices have the number {number}: {', '.join(references)}"
            yield Compared(*invoices[0], Finding.LISTED_TWICE, said)


def _compared(job: Job, document: Document, at_rest: bool) -> Compared:
    differences = tuple(_differences(job, document)) if at_rest else ()
    if not differences:
        return Compared(job, document)
    said = "; ".join(f"{one.field}: ledger {one.ours or 'none'}, ERP {one.theirs or 'none'}" for one in differences)
    return Compared(job, document, Finding.CHANGED_IN_ERP, said, differences)


def _differences(job: Job, document: Document) -> Iterable[Difference]:
    """Of an invoice; of a reservation it is enough that it is there: its goods leave it, part by part."""
    if job.stage is not Stage.INVOICE:
        return
    ended = job.state in NOTHING_LEFT
    # of what was discarded too: a number says that somebody has issued it
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
        yield Difference("total_incl_tax", _money(ours, currency), _money(theirs, currency))
    if invoice.currency and document.currency and invoice.currency != document.currency:
        yield Difference("currency", invoice.currency, document.currency)
    yield from _of_lines(invoice.lines, document.lines)


def _of_lines(ours: Sequence[InvoiceLine], theirs: Sequence[InvoiceLine]) -> Iterable[Difference]:
    """By item, where both tell their lines."""
    if not ours or not theirs:
        return
    sides = [_by_item(ours), _by_item(theirs)]
    for item in dict.fromkeys([*sides[0], *sides[1]]):
        mine, other = (side.get(item, Decimal(0)) for side in sides)
        if mine != other:
            yield Difference(f"items[{item}].qty", plain(mine), plain(other))


def _by_item(lines: Sequence[InvoiceLine]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        found[str(line.item_id)] += line.qty
    return found


def _credits(own: Sequence[Job], listed: Sequence[Document]) -> Iterable[Compared]:
    """The credit notes that operators have recorded, each beside the ERP's document of that number."""
    numbered = {document.number: document for document in listed if document.kind == "credit_note"}
    for job in own:
        for credit in job.credits:
            said = f"an operator recorded it against invoice {job.number or job.key}"
            yield Compared(job, numbered.get(credit.number), Finding.CREDITED, said, credit=credit)


def _sums(ledger: Ledger, own: Sequence[Job], settings: TenantSettings) -> Iterable[Compared]:
    """Orders whose invoices, less their credit notes, are not what the order comes to."""
    invoices = [job for job in own if job.stage is Stage.INVOICE and job.accepted]
    newest = {job.order_id: job for job in sorted(invoices, key=lambda job: job.id)}
    allocations = ledger.jobs_of_orders(settings.name, Stage.ALLOCATION, newest)
    recorded = RecordedJobs(settings.base_url, settings.store_code, [*own, *allocations])
    for job in newest.values():
        said = invoiced_otherwise(job, recorded.beside(job.order), settings)
        if said is not None:
            yield Compared(job, None, Finding.SUM_DIFFERS, said)


def _marks(ledger: Ledger, tenant: str, own: Sequence[Job]) -> Iterable[tuple[Job, Compared]]:
    """What is known from the ledger alone; of a job that is not finished that comes last, and counts."""
    for job in own:
        if job.accepted and (job.inferred or not job.compared or job.dated_by_operator):
            yield job, _noted(job, _dated(ledger, job))
    yield from _left(ledger, tenant)


def _left(ledger: Ledger, tenant: str) -> Iterable[tuple[Job, Compared]]:
    """What is not finished, and what a person's `order ignore` has left in the ERP. A live reservation is neither."""
    rows = {row["key"]: row["document"] for row in open_documents(ledger, tenant)}
    for job in ledger.find_jobs(tenant=tenant, states=[state for state in State if state is not State.DONE]):
        if job.key not in rows:
            continue
        kind = rows[job.key]
        named = f"{kind} {job.reference}" if job.reference else kind
        if job.state is State.IGNORED:
            said = f"a person said `order ignore`; in the ERP is left: {named}"
            yield job, Compared(job, None, Finding.IGNORED, said)
        elif unfinished(job) is not None:
            why = "".join(f": {part}" for part in (job.sentence, _dated(ledger, job)) if part)
            yield job, Compared(job, None, Finding.OPEN, f"{named}, {job.state.value}{why}")


def _noted(job: Job, dated: str) -> Compared:
    notes = []
    if job.inferred:
        said = "ShipperOne's answer was lost; that it was accepted is inferred from what its queues listed afterwards"
        notes.append((Finding.INFERRED, said))
    if dated:
        notes.append((Finding.DATE_SET, dated))
    if not job.compared:
        notes.append((Finding.NOT_COMPARED, "the ERP stated no total, so only items and quantities were compared"))
    return Compared(job, None, notes[0][0], "; ".join(said for _, said in notes))


def _dated(ledger: Ledger, job: Job) -> str:
    """Both dates of an invoice of which an operator has set one, with who did so and why; else empty."""
    if not job.dated_by_operator:
        return ""
    issued = f", date of issue {job.issue_date}" if job.issue_date else ""
    acts = [act for act in ledger.actions(job.id) if act.action.startswith(("supply-date ", "retry --issue-date "))]
    by = "".join(f"; {act.actor} said {act.action}: {act.note}" for act in acts)
    dated = job.invoice.date if job.invoice else None
    there = f" (the ERP's is of {dated})" if dated and job.issue_date and dated != job.issue_date else ""
    return f"day of supply {job.tax_date}{issued}{there}{by}"


def _content(document: Document) -> str | None:
    return content_of_key(document.key) if document.key else None


def _money(amount: Decimal | None, currency: str | None) -> str | None:
    return None if amount is None else money_text(amount, currency)


def _kind(stage: Stage) -> str:
    return "reservation" if stage is Stage.ALLOCATION else "invoice"
