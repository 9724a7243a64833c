"""A job: one order in one stage. Times are aware UTC; its order and invoice are JSON text, parsed on demand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

from shipperone_erp.domain.credit_note import CreditNote
from shipperone_erp.domain.hook_answers import Invoice
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.serialization import invoice_from_text, order_from_text
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.kernel.errors import LedgerDamaged

_T = TypeVar("_T")


@lru_cache(maxsize=256)
def _parsed(order_json: str) -> FulfillmentOrder:
    """Amounts of one order are looked at several times in a row, beside its allocation and its other parts."""
    return order_from_text(order_json)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One order in one stage with one set of items and quantities: the unit of work.

    `open` until ShipperOne has accepted it or it has ended; at most one job of an order and stage is open.
    `content` is the digest inside the key; `fingerprint` that of every mapped field of `order_json`. Once it is at rest
    for the stated days, `order_json` loses its people (`erased_at`); content and fingerprint stay as they were.
    `reserved` are the items that the ERP was asked to reserve, where they are not simply those that are listed.
    `approved` is the digest of the document that a person approved, `erp` the identity of the ERP that `reference` is
    of.
    """

    id: int
    tenant: str
    stage: Stage
    order_id: str
    key: str
    content: str
    generation: int = 1
    occurrence: int = 1
    fingerprint: str
    order_json: str
    item_ids: tuple[int | str, ...]
    open: bool = True
    state: State = State.NEW
    step: Step = Step.NEW
    reason: Reason | None = None
    sentence: str | None = None
    owner: Owner | None = None
    since: datetime
    first_listed_at: datetime
    next_attempt_at: datetime | None = None
    attempts: int = 0
    reference: str | None = None
    url: str | None = None
    number: str | None = None
    invoice_json: str | None = None
    tax_date: date | None = None
    part: bool = False
    compared: bool = True
    accepted_at: datetime | None = None
    inferred: bool = False
    lost_at: datetime | None = None
    settle_reads: tuple[str, ...] = ()
    absent_since: datetime | None = None
    absent_reads: int = 0
    absence_doubtful: bool = False
    listed_again: int = 0
    ending: State | None = None
    retries: int = 0
    rebuilds: int = 0
    accepts: int = 0
    crashes_alone: int = 0
    differences: tuple[Difference, ...] = ()
    erased_at: datetime | None = None
    adopted_at: datetime | None = None
    approved: str | None = None
    erp: str | None = None
    supply_date: date | None = None
    """The day of supply as an operator has set it, in place of one that cannot be true."""
    issue_date: date | None = None
    """The date of issue as an operator has set it, where the ERP takes no invoice of the day of supply."""
    reserved: tuple[int | str, ...] = ()
    refusal: str | None = None
    """ShipperOne's own words in a 2xx that did not accept the newest confirmation; None for every other answer."""
    doubt_since: datetime | None = None
    """Since when reads that could have settled an unknown outcome have proven nothing; of an earlier doubt if it is
    before `lost_at`."""
    listed_as: str | None = None
    """Of a job that is held because its listing keeps changing: the fingerprint that was listed last."""
    taken: bool = False
    """As the ledger holds it: a stage is about to write to this job, and nobody else may change it meanwhile."""
    order_number: str | None = None
    """The sales order that this fulfillment order is of; invoices of one sales order are bounded together."""
    credits: tuple[CreditNote, ...] = ()
    """Credit notes against its invoice that operators have recorded."""
    approved_total: str | None = None
    """The one sum at which an operator has accepted this listing, and the listing's fingerprint; see `approving`."""
    without_vat: str | None = None
    """An operator's decision to handle the order without its VAT ids: a digest of these; see `without_vat`."""

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Job":
        """The job in a row that has every field. Thousands in a cycle: the constructor would set them one by one."""
        job = object.__new__(cls)
        job.__dict__.update(row)
        return job

    @property
    def order(self) -> FulfillmentOrder:
        """The order as this job has it. LedgerDamaged if its text cannot be one."""
        return self._read(_parsed, self.order_json, "order_json")

    @property
    def invoice(self) -> Invoice | None:
        """The invoice as the ERP last stated it. LedgerDamaged if its text cannot be one."""
        return self._read(invoice_from_text, self.invoice_json, "invoice_json") if self.invoice_json else None

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
        """What the recorded credit notes take off its invoice, together."""
        return sum((credit.amount for credit in self.credits), Decimal(0))

    @property
    def ended(self) -> bool:
        """Nothing more happens to it by itself."""
        return self.state in (State.DONE, State.GONE, State.SUPERSEDED)

    @property
    def accepted(self) -> bool:
        """ShipperOne has accepted it, by its answer or as inferred after a lost one, and nobody gave it back since."""
        return self.accepted_at is not None and self.state is not State.GONE

    @property
    def sent_again(self) -> bool:
        """A call whose answer was lost had no effect, as two reads told, and it was sent again, or is to be.

        The first one may still arrive, later than anybody waited for it.
        """
        return self.lost_at is None and bool(self.settle_reads) and not self.accepted

    @property
    def adopted(self) -> bool:
        """A person says that its document was made elsewhere: it is confirmed, and never touched by us."""
        return self.adopted_at is not None

    @property
    def dated_by_operator(self) -> bool:
        """An operator has set its day of supply, or its date of issue."""
        return self.supply_date is not None or self.issue_date is not None

    def moved(self, by: timedelta) -> "Job":
        """The job with the times from which its intervals are counted moved along with the clock."""
        return self.with_(
            next_attempt_at=moved(self.next_attempt_at, by),
            lost_at=moved(self.lost_at, by),
            absent_since=moved(self.absent_since, by),
            doubt_since=moved(self.doubt_since, by),
        )

    def with_(self, **changes: object) -> "Job":
        """A copy with these fields changed. A dozen times an order: `dataclasses.replace` takes ten times as long."""
        if not changes.keys() <= self.__dict__.keys():
            raise TypeError(f"a job has no {', '.join(sorted(changes.keys() - self.__dict__.keys()))}")
        copy = object.__new__(Job)
        copy.__dict__.update(self.__dict__)
        copy.__dict__.update(changes)
        return copy


def moved(moment: datetime | None, by: timedelta) -> datetime | None:
    """The moment that much later; None stays None."""
    return moment + by if moment is not None else None
