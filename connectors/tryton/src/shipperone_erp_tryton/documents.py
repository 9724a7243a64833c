"""The documents that carry a key of ShipperOne, for reconciliation."""

from __future__ import annotations

import datetime
from typing import Any

from shipperone_erp import Document
from shipperone_erp_tryton import keys
from shipperone_erp_tryton.erp import Books
from shipperone_erp_tryton.invoice_reader import issuer, item_lines
from shipperone_erp_tryton.invoice_reader import reference as invoice_reference
from shipperone_erp_tryton.stock import reference as shipment_reference


def documents(books: Books, since: datetime.datetime) -> list[Document]:
    """Reservations and invoices whose key was written since then, and the credit notes of these invoices."""
    naive = since.astimezone(datetime.UTC).replace(tzinfo=None)  # Tryton keeps UTC without a zone
    rows = books.search(keys.KEY, [("create_date", ">=", naive), ("kind", "in", ["reservation", "invoice"])])
    found = []
    for row in rows:
        if row.kind == "reservation" and row.shipment is not None:
            found.append(_reservation(row))
        elif row.kind == "invoice" and row.invoice is not None:
            found.append(_invoice(row))
            found += _credits(books, row)
    return found


def _reservation(row: Any) -> Document:
    shipment = row.shipment
    state = "released" if row.voided else shipment.state
    return Document(
        "reservation", row.key, shipment_reference(shipment), row.order, state=state, number=shipment.number
    )


def _invoice(row: Any) -> Document:
    invoice = row.invoice
    return Document(
        "invoice",
        row.key,
        invoice_reference(invoice),
        row.order,
        lines=item_lines(invoice),
        total_incl_tax=invoice.total_amount,
        currency=invoice.currency.code,
        state=invoice.state,
        number=invoice.number,
        date=invoice.invoice_date,
        issuer=issuer(invoice),
    )


def _credits(books: Books, row: Any) -> list[Document]:
    """Tryton's credit notes: invoices whose lines come from lines of this one."""
    lines = [str(line) for line in row.invoice.lines]
    if not lines:
        return []
    notes = {line.invoice for line in books.search("account.invoice.line", [("origin", "in", lines)])}
    return [
        Document(
            "credit_note",
            None,
            invoice_reference(note),
            row.order,
            total_incl_tax=note.total_amount,
            currency=note.currency.code,
            state=note.state,
            number=note.number,
            date=note.invoice_date,
            refers_to=invoice_reference(row.invoice),
        )
        for note in sorted(notes, key=lambda note: int(note.id))
    ]
