"""What the ledger holds, as frozen values. Times are aware UTC; orders and invoices are JSON text, parsed on demand."""

import itertools
import secrets
import time
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
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State, Step
from shipperone_erp.kernel.errors import LedgerDamaged

_T = TypeVar("_T")

_SEQUENCE = itertools.count(secrets.randbits(21))


_COUNTED = 21
"""Low bits of an id; what stands above them are milliseconds."""


def new_id() -> int:
    """A 63-bit id that grows with time, so that rows of one run lie together; made here, not by the database.

    Its low bits are counted up from a random start: two of one millisecond and process never meet, two of different
    processes hardly ever, and if they do the second insert is refused.
    """
    return (time.time_ns() // 1_000_000 << _COUNTED) | (next(_SEQUENCE) & ((1 << _COUNTED) - 1))


def first_id_at(moment: datetime) -> int:
    """The ids of rows made before that moment are below it, as far as their machine's clock was right."""
    return int(moment.timestamp() * 1000) << _COUNTED


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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """The fields of a job that a list shows, each as in `Job`. Without the order and the invoice a row is a tenth."""

    id: int
    tenant: str
    stage: Stage
    order_id: str
    item_ids: tuple[int | str, ...]
    key: str
    state: State
    step: Step
    reason: Reason | None
    sentence: str | None
    owner: Owner | None
    since: datetime
    attempts: int
    next_attempt_at: datetime | None
    reference: str | None
    url: str | None
    number: str | None
    compared: bool
    accepted_at: datetime | None
    inferred: bool
    erased_at: datetime | None
    adopted_at: datetime | None
    erp: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCount:
    """How many unfinished jobs of a tenant and stage are alike in these fields, and when the first was listed."""

    tenant: str
    stage: Stage
    state: State
    reason: Reason | None
    owner: Owner | None
    accepted: bool
    count: int
    oldest: datetime


def moved(moment: datetime | None, by: timedelta) -> datetime | None:
    """The moment that much later; None stays None."""
    return moment + by if moment is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something done outside the ledger for a job. Without an outcome, from an earlier lease, it is unknown."""

    id: int
    job_id: int
    kind: EffectKind
    key: str
    intent_at: datetime
    alone: bool = False
    request: str | None = None
    outcome: Outcome | None = None
    outcome_at: datetime | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class NumberHolder:
    """Whose invoice has a number: all that is to be said of it when another one has the same."""

    tenant: str
    order_id: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a person (or the runtime, actor `runtime`) did or noted about a job or a tenant."""

    id: int
    at: datetime
    actor: str
    action: str
    tenant: str
    job_id: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRecord:
    """One queue of a tenant: when it was first and last read whole, whether it is live, whether it is paused."""

    tenant: str
    stage: Stage
    first_read_at: datetime | None = None
    live_at: datetime | None = None
    last_good_read_at: datetime | None = None
    paused_reason: Reason | None = None
    paused_sentence: str | None = None
    paused_at: datetime | None = None
    rules: int = 0
    """The newest set of rules whose consequences for this queue were logged; see `engine.upgrade_checks`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A person has paused a stage: it begins nothing, until a person lets it go on."""

    tenant: str
    stage: Stage
    at: datetime
    actor: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """What a tenant's rows in this ledger are about; another answer to any of these stops that tenant."""

    base_url: str
    store_code: str
    connector: str
    identity: str


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act under a name (`acme/allocation`, or an exclusive name), with its fencing number."""

    name: str
    owner: str
    number: int
