"""Reads a customer invoice from Odoo in the form that core compares.

For a tax-included line Odoo 19 may return a total that differs by a cent from quantity times price, although the
document's total is correct. A line's amount is therefore quantity times price if these add up to the document's total,
and otherwise Odoo's own amount.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shipperone_erp import FulfillmentOrder, Invoice, InvoiceLine
from shipperone_erp_odoo.contacts import READ
from shipperone_erp_odoo.invoice_plan import CHARGES, ROUNDING, SHIPPING, WHOLE, item_of, sequence_of
from shipperone_erp_odoo.links import link
from shipperone_erp_odoo.locks import Lock, lock_fields, lock_of
from shipperone_erp_odoo.lookups import TAX, Tax, as_tax
from shipperone_erp_odoo.odoo import Odoo, Row
from shipperone_erp_odoo.units_of_measure import UNIT, pair, pieces_in
from shipperone_erp_odoo.warehouses import Company

CENT = Decimal("0.01")
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Standing:
    """An invoice in Odoo.

    `date` is the accounting date; `number` is None before it is assigned; `rounded`: the invoice has a rounding line,
    which is not among `lines`; `buyer` is its contact, read with `contacts.READ`; `writer` the user who
    changed it last; `lock` its company's.
    """

    id: int
    state: str
    number: str | None
    total: Decimal
    currency: str
    invoice_date: datetime.date | None
    date: datetime.date | None
    company: int
    lines: Sequence[Row]
    rounded: bool
    taxes: Mapping[int, Tax] = field(repr=False)
    buyer: Row = field(repr=False)
    writer: int
    lock: Lock | None

    def answer(self, odoo: Odoo, order: FulfillmentOrder) -> Invoice:
        """The invoice as a hook's answer, with the order's items."""
        issued = self.state == "posted"
        return Invoice(
            reference=reference(self.id),
            lines=tuple(self._lines(odoo, order)),
            shipping_amount_incl_tax=sum((self._gross(row) for row in self._shipping()), NOTHING),
            total_incl_tax=self.total,
            currency=self.currency,
            issued=issued,
            number=self.number if issued else None,
            date=self.invoice_date if issued else None,
            url=link(odoo, "account.move", self.id),
            issuer=issuer(self.company),
        )

    def listed(self, odoo: Odoo) -> tuple[InvoiceLine, ...]:
        """Its items, from its lines alone; empty if one line does not identify its item, or its number of pieces."""
        by_item: dict[int | None, list[Row]] = {}
        for row in self.lines:
            if row["sequence"] < SHIPPING:
                by_item.setdefault(item_of(row["sequence"]), []).append(row)
        lines = []
        for item, rows in by_item.items():
            unclear = any(_whole(row) or pieces_in(odoo, row["product_uom_id"]) is None for row in rows)
            if item is None or unclear:
                return ()
            lines.append(self._line(item, _pieces(odoo, rows), rows))
        return tuple(lines)

    def _lines(self, odoo: Odoo, order: FulfillmentOrder) -> Iterable[InvoiceLine]:
        for sequence, item in sequence_of(order).items():
            rows = [row for row in self.lines if sequence <= row["sequence"] < sequence + 10]
            if rows:
                qty = item.qty if any(map(_whole, rows)) else _pieces(odoo, rows)
                yield self._line(item.item_id, qty, rows)

    def _line(self, item_id: int | str, qty: Decimal, rows: Sequence[Row]) -> InvoiceLine:
        percents = {self._percent(row) for row in rows}
        return InvoiceLine(
            item_id=item_id,
            qty=qty.normalize(),
            total_incl_tax=sum((self._gross(row) for row in rows), NOTHING),
            tax_percent=percents.pop() if len(percents) == 1 else None,
        )

    def _shipping(self) -> list[Row]:
        return [row for row in self.lines if SHIPPING <= row["sequence"] < CHARGES]

    def _percent(self, row: Row) -> Decimal | None:
        """The line's rate; None if it is not a plain percentage."""
        taxes = [self.taxes[id] for id in row["tax_ids"] if id in self.taxes]
        percents = [tax.percent for tax in taxes if tax.percent is not None]
        return sum(percents, NOTHING) if len(percents) == len(row["tax_ids"]) else None

    def _gross(self, row: Row) -> Decimal:
        return _product(row) if self._adds_up else money(row["price_total"])

    @property
    def _adds_up(self) -> bool:
        included = all(self.taxes[id].included for row in self.lines for id in row["tax_ids"] if id in self.taxes)
        return included and self.of_lines == self.total

    @property
    def of_lines(self) -> Decimal:
        """The sum over all lines of quantity times price."""
        return sum(map(_product, self.lines), NOTHING)


def issuer(company: int) -> str:
    """Each company of a database has journals of its own, whose numbers begin alike."""
    return f"res.company {company}"


def standing(odoo: Odoo, ids: Sequence[int], at: Company) -> dict[int, Standing]:
    """These invoices with their lines; deleted ones are missing."""
    if not ids:
        return {}
    domain = [("id", "in", sorted(ids)), ("move_type", "=", "out_invoice")]
    company: dict[str, Any] = {"company_id": {"fields": {name: {} for name in lock_fields(odoo)}}}
    rows = odoo.find_nested("account.move", domain, {**INVOICE, **company}, company=at.id, order="id")
    return {int(row["id"]): _standing(row) for row in rows}


LINE: dict[str, Any] = {
    "sequence": {}, "display_type": {}, "product_uom_id": UNIT, "quantity": {},
    "price_unit": {}, "price_total": {}, "tax_ids": {"fields": {name: {} for name in TAX}},
}  # fmt: skip
INVOICE: dict[str, Any] = {
    "name": {}, "state": {}, "amount_total": {}, "currency_id": {"fields": {"name": {}}}, "invoice_date": {},
    "date": {}, "partner_id": {"fields": READ}, "write_uid": {}, "invoice_line_ids": {"fields": LINE},
}  # fmt: skip
"""What is read of an invoice, in one call with its lines and their taxes, archived ones too."""


def _standing(row: Row) -> Standing:
    taxes: dict[int, Tax] = {}
    lines: list[Row] = []
    for line in sorted(row["invoice_line_ids"], key=lambda each: (each["sequence"], each["id"])):
        if line["display_type"] != "product":
            continue
        of_line = {int(each["id"]): as_tax(each) for each in line["tax_ids"]}
        taxes |= of_line
        lines.append({**line, "tax_ids": list(of_line), "product_uom_id": pair(line["product_uom_id"])})
    return Standing(
        id=int(row["id"]),
        state=str(row["state"]),
        number=str(row["name"]) if row["name"] and row["name"] != "/" else None,
        total=money(row["amount_total"]),
        currency=str(row["currency_id"]["name"]),
        invoice_date=_day(row["invoice_date"]),
        date=_day(row["date"]),
        company=int(row["company_id"]["id"]),
        lines=[line for line in lines if line["sequence"] != ROUNDING],
        rounded=any(line["sequence"] == ROUNDING for line in lines),
        taxes=taxes,
        buyer=row["partner_id"] or {},
        writer=int(row["write_uid"] or 0),
        lock=lock_of(row["company_id"]),
    )


def reference(id: int) -> str:
    """`account.move 57`: the same for a draft and for the invoice issued from it."""
    return f"account.move {id}"


def referred(reference: str | None) -> int | None:
    """The id in a reference of this connector; None for a reference written by an operator."""
    name, _, id = (reference or "").partition(" ")
    return int(id) if name == "account.move" and id.isdigit() else None


def money(amount: object) -> Decimal:
    """An amount from Odoo in cents: further digits are noise of the float."""
    return Decimal(str(amount)).quantize(CENT, ROUND_HALF_UP)


def _whole(row: Row) -> bool:
    """Whether it represents a whole item with a quantity of one."""
    return int(row["sequence"]) % 10 == WHOLE


def _pieces(odoo: Odoo, rows: Sequence[Row]) -> Decimal:
    counted = (Decimal(row["quantity"]) * (pieces_in(odoo, row["product_uom_id"]) or 1) for row in rows)
    return sum(counted, NOTHING)


def _product(row: Row) -> Decimal:
    return money(Decimal(row["quantity"]) * Decimal(row["price_unit"]))


def _day(value: object) -> datetime.date | None:
    return datetime.date.fromisoformat(str(value)) if value else None
