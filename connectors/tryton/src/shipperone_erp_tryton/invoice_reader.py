"""Converts an invoice of Tryton's records into the form that core compares."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from shipperone_erp import FulfillmentOrder, Invoice, InvoiceLine
from shipperone_erp_tryton import keys
from shipperone_erp_tryton.erp import exact

SHIPPING = "shipping"
CHARGE = "charge:"
"""The prefix of the mark of a line that is no item; the name of the charge follows."""

ISSUED = frozenset({"posted", "paid"})


def reference(invoice: Any) -> str:
    """Tryton's identifier of the record; it does not change when the invoice gets its number."""
    return f"account.invoice,{invoice.id}"


def stated(invoice: Any, order: FulfillmentOrder) -> Invoice:
    """The invoice as recorded in Tryton; a line that a user added counts only in the total."""
    shipping = sum((_gross(line) for line in invoice.lines if line.shipperone_item == SHIPPING), Decimal(0))
    issued = invoice.state in ISSUED
    return Invoice(
        reference=reference(invoice),
        lines=item_lines(invoice),
        shipping_amount_incl_tax=None if order.shipping_amount_incl_tax is None and not shipping else shipping,
        total_incl_tax=invoice.total_amount,
        currency=invoice.currency.code,
        issued=issued,
        number=invoice.number if issued else None,
        date=invoice.invoice_date if issued else None,
        issuer=issuer(invoice),
    )


def issuer(invoice: Any) -> str:
    """Each company of a database has sequences of its own, whose numbers begin alike."""
    return f"company.company,{invoice.company.id}"


def item_lines(invoice: Any) -> tuple[InvoiceLine, ...]:
    """The order's items on the invoice, in the order's sequence."""
    found: dict[int | str, list[Any]] = defaultdict(list)
    for line in invoice.lines:
        if line.shipperone_item and line.shipperone_item != SHIPPING and not line.shipperone_item.startswith(CHARGE):
            found[keys.item_id(line.shipperone_item)].append(line)
    return tuple(_line(item_id, lines) for item_id, lines in found.items())


def _line(item_id: int | str, lines: list[Any]) -> InvoiceLine:
    qty = sum((exact(line.quantity) for line in lines), Decimal(0))
    gross = sum((_gross(line) for line in lines), Decimal(0))
    rates = {sum((tax.rate for tax in line.taxes), Decimal(0)) for line in lines}
    percent = rates.pop() * 100 if len(rates) == 1 else None
    net = sum((line.amount for line in lines), Decimal(0))
    return InvoiceLine(item_id, qty, gross, percent, gross - net)


def _gross(line: Any) -> Decimal:
    """The line's amount with tax: as it was sold, unless a user has changed the line since."""
    rate = sum((tax.rate for tax in line.taxes), Decimal(0))
    computed: Decimal = line.amount + line.currency.round(line.amount * rate)
    sold: Decimal | None = line.shipperone_gross
    return computed if sold is None or abs(sold - computed) > line.currency.rounding else sold
