"""The fields of a job, the values derived from them, and the check of their consistency."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Self, TypeVar

from shipperone_erp.domain.hook_answers import Invoice
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.serialization import invoice_from_text, order_from_text
from shipperone_erp.domain.states import ENDED, STEPS, Stage, State, Step
from shipperone_erp.kernel.errors import LedgerDamaged, ShipperOneErpError
from shipperone_erp.kernel.frozen import with_fields as changed

__all__ = ["CreditNote", "InvalidTransition", "JobRecord", "changed", "moved"]

_T = TypeVar("_T")


class InvalidTransition(ShipperOneErpError):
    """A transition is not allowed from the job's recorded state; the job is unchanged."""

    def __init__(self, job: "JobRecord", what: str) -> None:
        super().__init__(f"order {job.order_id} (key {job.key}) is {job.state} at step {job.step}: it cannot be {what}")
        self.job = job
        self.what = what


@dataclass(frozen=True, slots=True)
class CreditNote:
    """A credit note that was made in the ERP against an issued invoice, as an operator records it.

    `number` is its number in the ERP, `amount` what it takes off the invoice, tax included: above zero.
    """

    number: str
    amount: Decimal


@lru_cache(maxsize=256)
def _parsed(order_json: str) -> FulfillmentOrder:
    """Cached: the amounts of one order are read several times in a row, beside its allocation and its other parts."""
    return order_from_text(order_json)


@lru_cache(maxsize=256)
def _stated(invoice_json: str) -> Invoice:
    """Cached: an invoice is read once to be compared and again to be issued."""
    return invoice_from_text(invoice_json)


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """The fields of a job, named as the ledger's columns. Times are aware UTC; order and invoice are JSON text."""

    id: int
    """Ascending with time; new for every job."""
    tenant: str
    """The tenant whose order it is."""
    stage: Stage
    """The queue that lists the order."""
    order_id: str
    """ShipperOne's id of the fulfillment order."""
    key: str
    """The idempotency key of every document in the ERP; see `keys.job_key`."""
    content: str
    """Digest of store, stage, order, items and quantities: the part of the key that the order determines."""
    generation: int = 1
    """How often a document of this content was started; a part of the key."""
    occurrence: int = 1
    """Which shipment of exactly this content it is; a part of the key."""
    fingerprint: str
    """Digest of every mapped field of the job's listing."""
    order_json: str
    """The order as listed; without personal data once `erased_at` is set."""
    item_ids: tuple[int | str, ...]
    """The ids of the listed items, in their order."""
    open: bool = True
    """ShipperOne has not accepted it and it has not ended; at most one job of an order and stage is open."""
    state: State = State.NEW
    """Its state, as operators see it."""
    step: Step = Step.NEW
    """Its progress."""
    reason: Reason | None = None
    """Why it waits or is held."""
    sentence: str | None = None
    """The reason as a sentence about this order; of an ended job, how it ended."""
    owner: Owner | None = None
    """Who must act while it waits or is held."""
    since: datetime
    """When its state or its reason last changed."""
    first_listed_at: datetime
    """When the order was first seen in this queue."""
    next_attempt_at: datetime | None = None
    """When it is retried automatically; None: at once, or not at all if it is held."""
    attempts: int = 0
    """Failed attempts in a row; the back-off increases with them."""
    reference: str | None = None
    """The ERP's reference of its document: a reservation, a draft, an invoice."""
    url: str | None = None
    """The address of that document in the ERP."""
    number: str | None = None
    """The invoice's number in the ERP."""
    invoice_json: str | None = None
    """The invoice as the ERP last stated it."""
    tax_date: date | None = None
    """The day of supply of its invoice."""
    part: bool = False
    """Its listing is a part of the ordered items."""
    compared: bool = True
    """The ERP stated a total, which was compared with the order's."""
    accepted_at: datetime | None = None
    """When ShipperOne accepted it."""
    inferred: bool = False
    """The acceptance was inferred from ShipperOne's queue or declared by an operator, not answered by ShipperOne."""
    lost_at: datetime | None = None
    """When the answer to its confirmation was lost; None once the outcome is known."""
    settle_reads: tuple[str, ...] = ()
    """The findings of reads since the outcome became unknown; see `absence.VERDICTS`."""
    absent_since: datetime | None = None
    """The first read that proves that its order is not listed any more."""
    absent_reads: int = 0
    """The number of such reads."""
    absence_doubtful: bool = False
    """The queue was not read for long, or the ledger is a restored copy: absence proves less."""
    listed_again: int = 0
    """The number of complete reads that still listed the order after ShipperOne had accepted it."""
    ending: State | None = None
    """Its documents are being undone; then it ends as this, or (`new`) starts its next generation."""
    retries: int = 0
    """How often a mismatch or a refusal was answered by sending it again."""
    rebuilds: int = 0
    """How often a mismatch or a refusal was answered by rebuilding its document."""
    accepts: int = 0
    """How often a policy has accepted other amounts."""
    crashes_alone: int = 0
    """How often the process died in a hook of this job while nothing else ran."""
    differences: tuple[Difference, ...] = ()
    """The differences, field by field, for which it is held."""
    erased_at: datetime | None = None
    """When personal data were removed from its order; content and fingerprint are unchanged."""
    adopted_at: datetime | None = None
    """When an operator declared that its document was made elsewhere."""
    approved: str | None = None
    """Digest of the document that an operator has approved; see `approval.mark`."""
    erp: str | None = None
    """The identity of the ERP that holds `reference`."""
    supply_date: date | None = None
    """The day of supply that an operator has set, in place of an implausible one."""
    issue_date: date | None = None
    """The date of issue that an operator has set, where the ERP accepts no invoice of the day of supply."""
    reserved: tuple[int | str, ...] = ()
    """The items of the reservation request, where they differ from the listed ones."""
    refusal: str | None = None
    """ShipperOne's text in a 2xx that did not accept the newest confirmation; None for every other answer."""
    doubt_since: datetime | None = None
    """Since when reads have proven nothing about the unknown outcome; outdated if before `lost_at`."""
    listed_as: str | None = None
    """Of a job that is held because its listing keeps changing: the fingerprint that was listed last."""
    taken: bool = False
    """A stage has claimed it to write to it: no other process may change it until then."""
    order_number: str | None = None
    """The sales order of this fulfillment order; the total of a sales order bounds its invoices together."""
    credits: tuple[CreditNote, ...] = ()
    """The credit notes against its invoice that operators have recorded."""
    approved_total: str | None = None
    """The one sum at which an operator has accepted this listing, with its fingerprint; see `approved_totals`."""
    without_vat: str | None = None
    """An operator's decision to handle the order without its VAT ids: a digest of these; see `without_vat`."""
    tax_compared: bool = True
    """False where the tax of some line of the invoice could not be compared with a listed one."""
    issuer: str | None = None
    """The issuer of its invoice; a column of its own, since 0.2.0 refuses an unknown field in `invoice_json`."""

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        """The job in a row that has every field, without validation; see `contradiction`.

        Called thousands of times in a cycle: the constructor would set the fields one by one.
        """
        job = object.__new__(cls)
        job.__dict__.update(row)
        return job

    @property
    def order(self) -> FulfillmentOrder:
        """The order as this job has it. LedgerDamaged if its text is not an order."""
        return self._read(_parsed, self.order_json, "order_json")

    @property
    def invoice(self) -> Invoice | None:
        """The invoice as the ERP last stated it. LedgerDamaged if its text is not an invoice."""
        if not self.invoice_json:
            return None
        return changed(self._read(_stated, self.invoice_json, "invoice_json"), issuer=self.issuer)

    def _read(self, reader: Callable[[str], _T], text: str, column: str) -> _T:
        try:
            return reader(text)
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
            raise LedgerDamaged(
                f"{self.tenant}, {self.stage}: the ledger is damaged: {column} of order {self.order_id} (key "
                f"{self.key}) cannot be read; `shipperone-erp doctor` lists every damaged row"
            ) from None

    @property
    def credited(self) -> Decimal:
        """The sum of the recorded credit notes against its invoice."""
        return sum((credit.amount for credit in self.credits), Decimal(0))

    @property
    def ended(self) -> bool:
        """It is in a final state: nothing more happens to it automatically."""
        return self.state in ENDED

    @property
    def accepted(self) -> bool:
        """ShipperOne has accepted it, by its answer or as inferred, and nobody gave it back since."""
        return self.accepted_at is not None and self.state is not State.GONE

    @property
    def sent_again(self) -> bool:
        """Two reads showed that a call of unknown outcome had no effect, and the call was, or will be, sent again.

        The first call may still arrive late.
        """
        return self.lost_at is None and bool(self.settle_reads) and not self.accepted

    @property
    def adopted(self) -> bool:
        """An operator has declared that its document was made elsewhere: it is confirmed, and never changed here."""
        return self.adopted_at is not None

    @property
    def dated_by_operator(self) -> bool:
        """An operator has set its day of supply, or its date of issue."""
        return self.supply_date is not None or self.issue_date is not None

    @property
    def asking_step(self) -> Step:
        """The step at which the ERP is queried, under the same key, for the job's document."""
        return Step.RESERVING if self.stage is Stage.ALLOCATION else Step.BUILDING

    @property
    def contradiction(self) -> str | None:
        """The contradiction in an unfinished job, as a clause; None for every job that transitions have made."""
        if not self.open and self.ended:
            return None
        if self.step not in STEPS[self.stage]:
            return f"its stage, {self.stage}, has no step {self.step}"
        if self.open and (self.ended or self.state is State.IGNORED):
            return f"it is {self.state} and still open"
        if self.open and self.accepted_at is not None:
            return "ShipperOne has accepted it, and it is still open"
        if self.accepted_at is None and self.step in _AFTER_ACCEPTANCE:
            return f"it is at step {self.step}, and ShipperOne has not accepted it"
        never_closed = not self.open and self.state is not State.IGNORED and self.accepted_at is None
        if never_closed and self.lost_at is None:
            return "it is closed, but neither ended nor accepted by ShipperOne"
        return None

    def due(self, now: datetime) -> bool:
        """Its next attempt is due. A held job has none, unless it is retried automatically."""
        if self.next_attempt_at is None:
            return self.state is not State.HELD
        return self.next_attempt_at <= now

    def overdue(self, within: timedelta, now: datetime) -> bool:
        """Its order has been listed as shipped for that long, and is neither invoiced nor ignored by an operator."""
        waits = self.stage is Stage.INVOICE and not self.ended and self.state is not State.IGNORED
        late = waits and now - self.first_listed_at >= within
        return late and not (self.accepted and self.invoice is not None and self.invoice.issued)

    def held_at_start(self, reason: Reason) -> bool:
        """It is held for this reason, before any document was made."""
        return self.state is State.HELD and self.reason is reason and self.step is Step.NEW

    def moved(self, by: timedelta) -> Self:
        """The job, with the times from which its intervals are counted moved along with the clock."""
        return changed(
            self,
            next_attempt_at=moved(self.next_attempt_at, by),
            lost_at=moved(self.lost_at, by),
            absent_since=moved(self.absent_since, by),
            doubt_since=moved(self.doubt_since, by),
        )

    def _must(self, holds: bool, what: str) -> None:
        """Raise InvalidTransition unless it holds; `what` completes 'it cannot be …'."""
        if not holds:
            raise InvalidTransition(self, what)


_AFTER_ACCEPTANCE = frozenset({Step.ACCEPTED, Step.ISSUING, Step.ISSUED, Step.DELIVERING, Step.DONE})


def moved(moment: datetime | None, by: timedelta) -> datetime | None:
    """The moment that much later; None stays None."""
    return moment + by if moment is not None else None
