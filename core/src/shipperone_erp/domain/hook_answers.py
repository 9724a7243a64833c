"""The answers of a connector's hooks: values for results, and exceptions for failures.

    Transient       the ERP cannot be reached or is busy: the same call is made again later
    AuthFailed      the ERP refuses the login: the tenant is paused until its secret changes
    Refused         the ERP (or the connector) refuses for a reason that an operator must see
    AlreadyIssued   the document to be discarded is already fiscal
    Unknown         the call may or may not have had its effect: it is made again with the same key

Any other exception of a hook is a bug of the connector: that job is held, all others continue.
"""

import datetime
from typing import Annotated

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from shipperone_erp.domain.order import VALUE, Exact, ItemId
from shipperone_erp.domain.reasons import Owner, Reason, known_owner, known_reason

ReasonName = Annotated[str, AfterValidator(known_reason)]
OwnerName = Annotated[str, AfterValidator(known_owner)]
Delay = float | datetime.timedelta
"""Seconds, or a timedelta."""


def seconds(delay: Delay | None) -> float | None:
    """A delay in seconds; None stays None."""
    return delay.total_seconds() if isinstance(delay, datetime.timedelta) else delay


@dataclass(frozen=True, config=VALUE)
class Reserved:
    """The whole order is reserved under the request's key. `reference` is the ERP's name for the reservation."""

    reference: str
    url: str | None = None


@dataclass(frozen=True, config=VALUE)
class ShortLine:
    """A line that cannot be reserved: how much was wanted, how much is available (on hand minus reserved)."""

    item_id: ItemId
    sku: str
    wanted: Exact
    available: Exact


@dataclass(frozen=True, config=VALUE)
class Shortage:
    """Not enough stock. Nothing of the order stays reserved; every short line is named."""

    lines: tuple[ShortLine, ...]


@dataclass(frozen=True, config=VALUE)
class FreeStock:
    """The ERP's stock of a SKU in a warehouse, in ShipperOne's pieces: on hand minus reserved.

    `free` is None where the ERP keeps no count of it. `reason` and `sentence` give the reason for which an order of it
    would be held (`product_unknown`, `warehouse_unknown`, …); None where the ERP has both the product and the
    warehouse.
    """

    sku: str
    warehouse_code: str
    free: Exact | None = None
    reason: ReasonName | None = None
    sentence: str = ""


@dataclass(frozen=True, config=VALUE)
class Pending:
    """The ERP has not answered yet. The hook is called again with the same key after `retry_after` seconds.

    Operators read `sentence` in `orders` and `order show`.
    """

    sentence: str
    retry_after: Delay | None = None
    reason: ReasonName = Reason.ERP_PENDING
    owner: OwnerName = Owner.NOBODY


@dataclass(frozen=True, config=VALUE)
class Done:
    """The effect has happened, by this call or an earlier one."""


@dataclass(frozen=True, config=VALUE)
class Voided:
    """The document of this key was released, discarded, cancelled or deleted. Core makes the next generation."""

    reference: str | None = None


@dataclass(frozen=True, config=VALUE)
class InvoiceLine:
    """One invoiced item. None means that the ERP did not state the value; it is not compared."""

    item_id: ItemId
    qty: Exact
    total_incl_tax: Exact | None = None
    tax_percent: Exact | None = None
    tax_amount: Exact | None = None


@dataclass(frozen=True, config=VALUE)
class Invoice:
    """An invoice as the ERP has it, or (`reference` None) as it would make it.

    `issued` is True once it is fiscal; then `number` and `date` are its own. A `total_incl_tax` of None means that the
    ERP compared nothing. `issuer`: the company, or the series, within which a number is unique; None: the whole ERP.
    """

    reference: str | None
    lines: tuple[InvoiceLine, ...]
    shipping_amount_incl_tax: Exact | None
    total_incl_tax: Exact | None
    currency: str | None = None
    issued: bool = False
    number: str | None = None
    date: datetime.date | None = None
    url: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, config=VALUE)
class Reservation:
    """A live reservation of an order: the key under which it was made, the ERP's reference, its items."""

    key: str
    reference: str
    item_ids: tuple[ItemId, ...]


@dataclass(frozen=True, config=VALUE)
class Document:
    """A document in the ERP, for reconciliation. `state` is the ERP's own word, `refers_to` another reference.

    `issuer`: as of an `Invoice`.

    `kind` is `reservation`, `invoice` or `credit_note`; a document of another kind is compared by its key alone.
    """

    kind: str
    key: str | None = None
    reference: str | None = None
    order_id: str | None = None
    lines: tuple[InvoiceLine, ...] = ()
    total_incl_tax: Exact | None = None
    currency: str | None = None
    state: str | None = None
    number: str | None = None
    date: datetime.date | None = None
    refers_to: str | None = None
    url: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, config=VALUE)
class Check:
    """One line of `doctor`. `ok` is True, False, or None for a warning; `cure` is the operator's next step."""

    name: str
    ok: bool | None
    sentence: str
    cure: str | None = None


class ConnectorError(Exception):
    """The base class of a connector's deliberate exceptions. Operators read `sentence`; it never holds a secret."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Transient(ConnectorError):
    """The ERP is unavailable or busy and certainly did nothing. The call is made again, not before `retry_after`."""

    def __init__(self, sentence: str, retry_after: Delay | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = seconds(retry_after)


class AuthFailed(ConnectorError):
    """The ERP refuses the login. The tenant's work with the ERP pauses; no order fails."""


class Refused(ConnectorError):
    """A permanent refusal: retrying changes nothing and an operator must act. `owner` names who."""

    def __init__(self, reason: str, sentence: str, owner: str = Owner.IT) -> None:
        super().__init__(sentence)
        self.reason = known_reason(reason)
        self.owner = known_owner(owner)


class AlreadyIssued(ConnectorError):
    """The document to be discarded is already fiscal; nothing was changed."""

    def __init__(self, invoice: Invoice) -> None:
        super().__init__(f"invoice {invoice.number or invoice.reference} is already issued")
        self.invoice = invoice


class Unknown(ConnectorError):
    """The outcome is unknown: the effect may have happened. The call is made again with the same key."""


__all__ = [
    "AlreadyIssued", "AuthFailed", "Check", "ConnectorError", "Delay", "Document", "Done", "Invoice", "InvoiceLine",
    "Pending", "Refused", "Reservation", "Reserved", "ShortLine", "Shortage", "Transient", "Unknown", "Voided",
    "seconds",
]  # fmt: skip
