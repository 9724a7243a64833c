"""The results of the merchant's queries as documents: rows in, documents out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from shipperone_erp import Document, Invoice, InvoiceLine, Owner, Reason, Refused
from shipperone_erp_generic_sql.exact_values import date_from_database, from_database, from_micro

Row = Mapping[str, Any]

_REASONS, _OWNERS = frozenset(Reason), frozenset(Owner)

RESERVATION_STATES = (
    "live", "pending", "waiting_for_transfer", "short", "error", "releasing", "release_error", "voided",
)  # fmt: skip
INVOICE_STATES = ("pending", "draft", "issuing", "issued", "error", "discarding", "discard_error", "voided")
DELIVERY_STATES = ("pending", "done", "error")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A document found in the ERP, beside its state: a message for operators, a reason, and the next step's owner."""

    state: str
    sentence: str | None = None
    reason: Reason | None = None
    owner: Owner | None = None

    def refusal(self, what: str) -> Refused:
        """The refusal by the ERP's side, with its own message if there is one."""
        sentence = self.sentence or f"the ERP's side reports an error of {what} without details"
        return Refused(self.reason or Reason.ERP_REFUSED, sentence, self.owner or Owner.IT)


@dataclass(frozen=True, kw_only=True)
class FoundReservation(Found):
    """A reservation as returned by find_reservation."""

    reference: str
    url: str | None


@dataclass(frozen=True, kw_only=True)
class FoundInvoice(Found):
    """An invoice as returned by find_invoice."""

    invoice: Invoice

    @property
    def reference(self) -> str:
        return self.invoice.reference or ""


def reservation(row: Row) -> FoundReservation:
    """A row of find_reservation; without a state it is live."""
    return FoundReservation(
        reference=text(row, "reference", "find_reservation"),
        url=row.get("url"),
        **_found_fields(row, RESERVATION_STATES, "live", "find_reservation"),
    )


def invoice(row: Row, lines: Iterable[InvoiceLine]) -> FoundInvoice:
    """A row of find_invoice with its lines."""
    fields = _found_fields(row, INVOICE_STATES, None, "find_invoice")
    return FoundInvoice(
        invoice=Invoice(
            reference=text(row, "reference", "find_invoice"),
            lines=tuple(lines),
            shipping_amount_incl_tax=amount(row, "shipping_amount_incl_tax"),
            total_incl_tax=amount(row, "total_incl_tax"),
            currency=_stripped(row.get("currency")),
            issued=fields["state"] == "issued",
            number=_number(row),
            date=date_from_database(row.get("date"), "date"),
            url=row.get("url"),
            issuer=_issuer(row),
        ),
        **fields,
    )


@dataclass(frozen=True)
class HeldLine:
    """A line of a reservation, as returned by find_reservation_lines; columns that it does not return are None."""

    item_id: str | None
    sku: str | None
    warehouse_code: str | None
    qty: Decimal


def held_line(row: Row) -> HeldLine:
    """A row of find_reservation_lines."""
    of = {name: _stripped(row.get(name)) for name in ("item_id", "sku", "warehouse_code")}
    qty = amount(row, "qty")
    if qty is None or (of["item_id"] is None and of["sku"] is None):
        raise Refused(
            Reason.CONFIG_INCOMPLETE, "find_reservation_lines returns a line without qty, or without item_id and sku"
        )
    named = {name: None if value is None else str(value) for name, value in of.items()}
    return HeldLine(named["item_id"], named["sku"], named["warehouse_code"], qty)


def delivery(row: Row) -> Found:
    """A row of find_delivery; without a state the goods are delivered."""
    return Found(**_found_fields(row, DELIVERY_STATES, "done", "find_delivery"))


def line(row: Row, step: str, ids: Mapping[str, int | str] = MappingProxyType({})) -> InvoiceLine:
    """A row of find_invoice_lines or list_document_lines. The item's id has the type in `ids`, else it is text."""
    qty = amount(row, "qty")
    if qty is None:
        raise Refused(Reason.CONFIG_INCOMPLETE, f"{step} returns a line without qty")
    item_id = text(row, "item_id", step)
    return InvoiceLine(ids.get(item_id, item_id), qty, amount(row, "total_incl_tax"), amount(row, "tax_percent"))


def document(row: Row, lines: Iterable[InvoiceLine] = ()) -> Document:
    """A row of list_documents, with its lines."""
    return Document(
        kind=text(row, "kind", "list_documents"),
        key=_text_or_none(row, "key"),
        reference=_text_or_none(row, "reference"),
        order_id=_text_or_none(row, "order_id"),
        lines=tuple(lines),
        total_incl_tax=amount(row, "total_incl_tax"),
        currency=_stripped(row.get("currency")),
        state=_stripped(row.get("state")),
        number=_number(row),
        date=date_from_database(row.get("date"), "date"),
        refers_to=_text_or_none(row, "refers_to"),
        url=row.get("url"),
        issuer=_issuer(row),
    )


def text(row: Row, column: str, step: str) -> str:
    """The value of a required column, as text."""
    value = row.get(column)
    if value is None:
        raise Refused(Reason.CONFIG_INCOMPLETE, f"{step} returns a row without {column}")
    return str(value)


def _text_or_none(row: Row, column: str) -> str | None:
    """The value of an optional column, as text: a column of integers may hold an id."""
    value = row.get(column)
    return None if value is None else str(value)


def amount(row: Row, column: str) -> Decimal | None:
    """The amount in that column, or in the column of that name that counts millionths."""
    micro = column if column.endswith("_micro") else f"{column}_micro"
    if micro in row:
        return from_micro(row[micro], micro)
    return from_database(row.get(column), column)


def _found_fields(row: Row, states: tuple[str, ...], usual: str | None, step: str) -> dict[str, Any]:
    state = _stripped(row.get("state")) or usual
    if state not in states:
        known = ", ".join(states)
        raise Refused(Reason.CONFIG_INCOMPLETE, f"{step} answers with state {state}; it is one of {known}")
    reason, owner = _stripped(row.get("reason")), _stripped(row.get("owner"))
    return {
        "state": state,
        "sentence": row.get("sentence"),
        "reason": Reason(reason) if reason in _REASONS else None,
        "owner": Owner(owner) if owner in _OWNERS else None,
    }


def _number(row: Row) -> str | None:
    """The document's number; blank counts as none, since several documents may be without one."""
    number = _stripped(row.get("number"))
    return None if number is None else str(number) or None


def _issuer(row: Row) -> str | None:
    issuer = _stripped(row.get("issuer"))
    return None if issuer is None else str(issuer) or None


def _stripped(value: Any) -> Any:
    """Removes the padding of a CHAR column."""
    return value.strip() if isinstance(value, str) else value
