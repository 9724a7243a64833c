"""Issuing: the draft is posted exactly as ShipperOne has accepted it."""

from __future__ import annotations

from typing import Any

from shipperone_erp import Invoice, IssueInvoice, Owner, Reason, Refused, Voided
from shipperone_erp_tryton import keys
from shipperone_erp_tryton.changed_drafts import refuse_changed
from shipperone_erp_tryton.erp import Books
from shipperone_erp_tryton.invoice_reader import ISSUED, reference, stated
from shipperone_erp_tryton.invoicing import INVOICE, KIND, date_of, is_live


def issue(books: Books, request: IssueInvoice) -> Invoice | Voided:
    """The posted invoice of this key; Tryton assigns its number."""
    row = keys.find(books, KIND, request.key)
    if row is None or not is_live(row):
        return Voided(None if row is None or row.invoice is None else reference(row.invoice))
    invoice, Invoice_ = row.invoice, books.model(INVOICE)
    if invoice.state not in ISSUED:
        _refuse_another(invoice, request)
        refuse_changed(books, invoice, request.order)
        _date(books, invoice, request)
        invoice = Invoice_(invoice.id)
        Invoice_.post([invoice])
        invoice = Invoice_(invoice.id)
        _refuse_another(invoice, request)
    return stated(invoice, request.order)


def _date(books: Books, invoice: Any, request: IssueInvoice) -> None:
    """Set the date of issue on the invoice and the day of supply on its lines, regardless of the draft's dates."""
    date = date_of(books, request.issue_date, request.tax_date)
    if invoice.invoice_date != date:
        books.model(INVOICE).write([invoice], {"invoice_date": date})
    lines = [line for line in invoice.lines if line.type == "line" and line.taxes_date != request.tax_date]
    if lines:
        books.model("account.invoice.line").write(lines, {"taxes_date": request.tax_date})


def _refuse_another(invoice: Any, request: IssueInvoice) -> None:
    """Refused, total_differs, unless the invoice equals the one that ShipperOne has accepted."""
    now, accepted = stated(invoice, request.order), request.invoice
    if _figures(now) != _figures(accepted):
        raise Refused(
            Reason.TOTAL_DIFFERS,
            f"{reference(invoice)} comes to {now.total_incl_tax} {now.currency}, and ShipperOne has accepted "
            f"{accepted.total_incl_tax} {accepted.currency}: it was changed in Tryton",
            Owner.ACCOUNTANT,
        )


def _figures(invoice: Invoice) -> tuple[Any, ...]:
    lines = sorted((repr(line.item_id), line.qty, line.total_incl_tax, line.tax_percent) for line in invoice.lines)
    return (lines, invoice.shipping_amount_incl_tax, invoice.total_incl_tax, invoice.currency)
