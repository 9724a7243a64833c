"""The requests of core to a connector: one frozen value per hook, so that fields can be added compatibly."""

from datetime import date
from enum import StrEnum
from typing import Literal, Self

from pydantic.dataclasses import dataclass

from shipperone_erp.domain.hook_answers import Invoice, Reservation
from shipperone_erp.domain.order import VALUE, FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason, known_owner, known_reason


@dataclass(frozen=True, config=VALUE)
class ReserveStock:
    """Reserve every item of `order` under `key`, or nothing. `transfer`: when a transfer counts as reserved."""

    key: str
    order: FulfillmentOrder
    generation: int
    transfer: Literal["arrived", "reserved"]


@dataclass(frozen=True, config=VALUE)
class Goods:
    """A SKU in one of ShipperOne's warehouses."""

    sku: str
    warehouse_code: str


@dataclass(frozen=True, config=VALUE)
class ReleaseStock:
    """Release the reservation of `key`. `reference` is None after a crash: then only the key is known."""

    key: str
    reference: str | None
    order: FulfillmentOrder


@dataclass(frozen=True, config=VALUE)
class BuildInvoice:
    """Make (or compute) the invoice of `order` under `key`.

    `tax_date` is the day of supply; None where the tenant takes the day of issue. `issue_date` is the invoice's date of
    issue, where an operator has set one; None: the ERP dates it. `reservations` are all live ones of the order.
    """

    key: str
    order: FulfillmentOrder
    generation: int
    tax_date: date | None
    reservations: tuple[Reservation, ...]
    issue_date: date | None = None


@dataclass(frozen=True, config=VALUE)
class IssueInvoice:
    """Make `invoice` fiscal; ShipperOne has accepted exactly this. `tax_date`, `issue_date`: as in `BuildInvoice`."""

    key: str
    invoice: Invoice
    order: FulfillmentOrder
    tax_date: date | None
    issue_date: date | None = None


@dataclass(frozen=True, config=VALUE)
class DiscardInvoice:
    """Discard the draft of `key`. `invoice` is None after a crash: then only the key is known."""

    key: str
    invoice: Invoice | None
    order: FulfillmentOrder
    reason: str


@dataclass(frozen=True, config=VALUE)
class Deliver:
    """The goods of exactly these items leave the ERP's stock, out of these reservations.

    `key` is that of the invoice of these items: an invoice and its delivery share one key.
    """

    key: str
    order: FulfillmentOrder
    reservations: tuple[Reservation, ...]


@dataclass(frozen=True, config=VALUE)
class Difference:
    """A field on which two sides differ, each value as text for operators; None where a side states nothing."""

    field: str
    ours: str | None
    theirs: str | None


@dataclass(frozen=True, config=VALUE)
class Mismatch:
    """ShipperOne answered 400 (`allocate`, `invoice`), or core's own check before the call found a difference
    (`compare`).

    `sent` is the order as the job has it, `now` as freshly read (None if it is no longer listed).
    """

    action: Literal["allocate", "invoice", "compare"]
    sent: FulfillmentOrder
    now: FulfillmentOrder | None
    invoice: Invoice | None
    message: str
    differences: tuple[Difference, ...]


class Verdict(StrEnum):
    """The possible resolutions of a mismatch."""

    HOLD = "hold"
    REBUILD = "rebuild"
    RETRY = "retry"
    ACCEPT = "accept"
    ABSTAIN = "abstain"


@dataclass(frozen=True, config=VALUE)
class Resolution:
    """The answer of `handle_mismatch`; made by one of its class methods."""

    verdict: Verdict
    reason: str | None = None
    sentence: str | None = None
    owner: str | None = None

    @classmethod
    def abstain(cls) -> Self:
        """No opinion: the next policy decides."""
        return cls(Verdict.ABSTAIN)

    @classmethod
    def retry(cls) -> Self:
        """Keep the document and try again; for `compare`, build again under the same key and compare again."""
        return cls(Verdict.RETRY)

    @classmethod
    def rebuild(cls) -> Self:
        """Discard the document and make the next generation."""
        return cls(Verdict.REBUILD)

    @classmethod
    def hold(cls, reason: str = Reason.PLATFORM_REFUSED, sentence: str = "", owner: str = Owner.IT) -> Self:
        """An operator must look: the reason, a sentence, and who must act."""
        return cls(Verdict.HOLD, known_reason(reason), sentence, known_owner(owner))

    @classmethod
    def accept(cls) -> Self:
        """Only for `compare`, and only for amounts and tax: continue in spite of the difference."""
        return cls(Verdict.ACCEPT)
