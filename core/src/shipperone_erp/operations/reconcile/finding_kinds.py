"""The kinds of findings of `reconcile`, and one document with its finding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shipperone_erp.domain.hook_answers import Document
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.job import CreditNote, Job
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.operations.reports import Row, money_text, tax_not_compared

NOTHING_LEFT = (State.GONE, State.SUPERSEDED)
MOVING = (State.NEW, State.WORKING)


class Finding(StrEnum):
    """The kinds of findings, the most urgent first; a document without one agrees."""

    ACCEPTED_NOT_ISSUED = "accepted_not_issued"
    ISSUED_NOT_CONFIRMED = "issued_not_confirmed"
    MISSING_IN_ERP = "missing_in_erp"
    CHANGED_IN_ERP = "changed_in_erp"
    NOT_IN_LEDGER = "not_in_ledger"
    LISTED_TWICE = "listed_twice"
    SUM_DIFFERS = "sum_differs"
    CREDIT_NOT_RECORDED = "credit_not_recorded"
    CREDIT_DIFFERS = "credit_differs"
    SHIPPED_NOT_INVOICED = "shipped_not_invoiced"
    RESERVATION_WITHOUT_ORDER = "reservation_without_order"
    OPEN = "open"
    IGNORED = "ignored"
    CREDITED = "credited"
    INFERRED = "inferred"
    DECIDED_BY_HAND = "decided_by_hand"
    DATE_SET = "date_set"
    NOT_COMPARED = "not_compared"


CURES: Mapping[Finding, str] = {
    Finding.ACCEPTED_NOT_ISSUED: "It is retried without limit; its message states why the ERP does not issue it.",
    Finding.ISSUED_NOT_CONFIRMED: "Have ShipperOne accept it, or credit it in the ERP.",
    Finding.MISSING_IN_ERP: "`order retry ID --rebuild` rebuilds it, without a new confirmation to ShipperOne.",
    Finding.CHANGED_IN_ERP: "Find out who changed it in the ERP; `order show ID` shows what was confirmed to "
    "ShipperOne.",
    Finding.NOT_IN_LEDGER: "Check for another installation on the same ERP; after restoring a copy of the ledger: "
    "`ledger restored`.",
    Finding.LISTED_TWICE: "The accountant credits the surplus invoice, or gives it another number.",
    Finding.SUM_DIFFERS: "Credit the surplus and record it by `order credited`, or invoice the missing amount.",
    Finding.CREDIT_NOT_RECORDED: "Record it by `order credited ID --number N --amount A`.",
    Finding.CREDIT_DIFFERS: "Correct it in the ERP, or ask who recorded it: the ledger uses the recorded amount.",
    Finding.SHIPPED_NOT_INVOICED: "Its message states what it waits for; `orders --stage invoice` lists such orders.",
    Finding.RESERVATION_WITHOUT_ORDER: "Release the reservation in the ERP; of an open order: `order resolve ID`.",
    Finding.OPEN: "Its message states what it waits for.",
    Finding.IGNORED: "Undo the remaining documents in the ERP, or run `order retry ID`.",
}
"""The cure for each finding. A mark needs none."""

NOTES = frozenset({Finding.CREDITED, Finding.INFERRED, Finding.DECIDED_BY_HAND, Finding.DATE_SET, Finding.NOT_COMPARED})
"""Marks of completed facts: they are permanent and need no action."""

DIFFERING = (Finding.MISSING_IN_ERP, Finding.CHANGED_IN_ERP, Finding.LISTED_TWICE)
"""The document is different in the ERP, or missing there."""


CSV_COLUMNS = (
    "finding", "document", "order_id", "reference", "number", "date", "total_incl_tax", "currency", "state_in_erp",
    "refers_to", "not_compared", "tax_date", "issue_date", "key", "url", "sentence",
)  # fmt: skip
"""The fields of a row that a spreadsheet has, in their sequence."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """An order in `pending_invoice`: the total of its invoice (None: unknown), and since when it is listed."""

    order_id: str
    amount: Decimal | None
    currency: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Compared:
    """One document in the ledger and in the ERP (either may be None), with its finding.

    `credit`: the document is a credit note against the job's invoice, recorded by an operator. `shipped`: there is no
    document yet, but an order that ShipperOne lists as shipped.
    """

    job: Job | None
    listed: Document | None
    finding: Finding | None = None
    sentence: str | None = None
    differences: tuple[Difference, ...] = field(default=())
    credit: CreditNote | None = None
    shipped: Shipped | None = None

    @property
    def order_id(self) -> str:
        """The order's id; empty if the ERP does not provide it."""
        if self.shipped is not None:
            return self.shipped.order_id
        return self.job.order_id if self.job else (self.listed.order_id if self.listed else None) or ""

    @property
    def kind(self) -> str | None:
        """`reservation`, `invoice`, `credit_note`, or the ERP's own term for another document."""
        if self.credit is not None:
            return "credit_note"
        if self.shipped is not None:
            return "invoice"
        if self.listed is not None and self.listed.kind == "credit_note":
            return "credit_note"
        return _kind(self.job.stage) if self.job else self.listed.kind if self.listed else None

    def row(self) -> Row:
        """The row of `reconcile --json`; if the two sides differ, the columns have the ledger's values."""
        job, listed = self.job, self.listed
        if self.kind == "credit_note":
            return self._credit_row()
        invoice = job.invoice if job else None
        total = invoice.total_incl_tax if invoice else listed.total_incl_tax if listed else None
        currency = (invoice.currency if invoice else None) or (listed.currency if listed else None)
        if self.shipped is not None:
            total, currency = self.shipped.amount, self.shipped.currency
        dated = (invoice.date if invoice else None) or (listed.date if listed else None)
        return {
            "finding": self.finding.value if self.finding else None,
            "sentence": self.sentence,
            "cure": CURES.get(self.finding) if self.finding else None,
            "document": self.kind,
            "order_id": self.order_id or None,
            "key": job.key if job else listed.key if listed else None,
            "reference": (job.reference if job else None) or (listed.reference if listed else None),
            "number": (job.number if job else None) or (listed.number if listed else None),
            "date": dated.isoformat() if dated else None,
            "tax_date": job.tax_date.isoformat() if job and job.tax_date else None,
            "issue_date": job.issue_date.isoformat() if job and job.issue_date else None,
            "total_incl_tax": None if total is None else money_text(total, currency),
            "currency": currency,
            "state_in_erp": listed.state if listed else None,
            "refers_to": None,
            "not_compared": _not_compared(job),
            "differences": self._differences(),
            "url": (job.url if job else None) or (listed.url if listed else None),
        }

    def _credit_row(self) -> Row:
        """The amount is negative, so that an order's rows add up to the amount that is owed."""
        job, listed, credit = self.job, self.listed, self.credit
        invoice = job.invoice if job else None
        currency = (invoice.currency if invoice else None) or (listed.currency if listed else None)
        amount = credit.amount if credit else abs(listed.total_incl_tax) if listed and listed.total_incl_tax else None
        dated = listed.date if listed else None
        return {
            "finding": self.finding.value if self.finding else None,
            "sentence": self.sentence,
            "cure": CURES.get(self.finding) if self.finding else None,
            "document": "credit_note",
            "order_id": self.order_id or None,
            "key": None,
            "reference": listed.reference if listed else None,
            "number": credit.number if credit else listed.number if listed else None,
            "date": dated.isoformat() if dated else None,
            "tax_date": None,
            "issue_date": None,
            "total_incl_tax": None if amount is None else money_text(-amount, currency),
            "currency": currency,
            "state_in_erp": listed.state if listed else None,
            "refers_to": (job.number or job.reference) if job else listed.refers_to if listed else None,
            "not_compared": None,
            "differences": self._differences(),
            "url": listed.url if listed else None,
        }

    def _differences(self) -> list[Row]:
        return [
            {"field": difference.field, "ledger": difference.ours, "erp": difference.theirs}
            for difference in self.differences
        ]


def _not_compared(job: Job | None) -> str | None:
    """The part of an accepted invoice that could not be compared: `total`, `tax`, or None."""
    if job is None or job.stage is not Stage.INVOICE or not job.accepted:
        return None
    return "total" if not job.compared else "tax" if tax_not_compared(job) else None


def _kind(stage: Stage) -> str:
    return "reservation" if stage is Stage.ALLOCATION else "invoice"
