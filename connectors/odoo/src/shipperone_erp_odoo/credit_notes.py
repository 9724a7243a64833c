"""A credit note of an issued invoice, at an accountant's request: a draft, created once for its key, never posted.

No automatic process calls this. Odoo's own wizard creates another credit note at every request. One that is loaded
under an external id is created once, and Odoo reconciles it with its invoice as soon as it is posted.
"""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from shipperone_erp import Document, Owner, Reason, Refused, Voided
from shipperone_erp_odoo import order_links
from shipperone_erp_odoo.draft_invoices import dates
from shipperone_erp_odoo.invoice_plan import CHARGES, SHIPPING, WHOLE, item_of
from shipperone_erp_odoo.invoice_reader import money, reference, referred
from shipperone_erp_odoo.links import link
from shipperone_erp_odoo.load_tables import EMPTY
from shipperone_erp_odoo.locks import locked_until, refuse_locked
from shipperone_erp_odoo.odoo import Draft, Odoo, Row, external_id, named, one
from shipperone_erp_odoo.tags import tagged
from shipperone_erp_odoo.units_of_measure import pieces_in
from shipperone_erp_odoo.warehouses import Company, company, me

NOTHING = Decimal(0)

FIELDS = [
    "name", "state", "invoice_origin", "amount_total", "currency_id", "invoice_date", "company_id", "journal_id",
    "partner_id", "partner_shipping_id", "fiscal_position_id", "reversed_entry_id",
]  # fmt: skip
LINE = [
    "sequence", "product_id", "product_uom_id", "name", "quantity", "price_unit", "discount", "tax_ids", "account_id",
    "analytic_distribution",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CreditNote:
    """An operator's request, as of that day. `reason` is printed on it.

    `items`: the number of pieces of each of ShipperOne's items, by the item's id; `shipping`: the part of the shipping
    amount. Without both it is the invoice in full.
    """

    key: str
    invoice: str
    day: datetime.date
    reason: str
    items: Mapping[int, Decimal] = field(default_factory=dict)
    shipping: Decimal = NOTHING

    @property
    def in_part(self) -> bool:
        """Whether it is about only a part of the invoice."""
        return bool(self.items) or bool(self.shipping)


def credit(odoo: Odoo, request: CreditNote) -> Document | Voided:
    """The credit note of that key, or `Voided` once it was cancelled in Odoo.

    `Refused` if the invoice is not posted, if less is left to be credited than requested, or if the day is locked. If a
    draft does not match its amount, it is left unchanged.
    """
    invoice = _invoice(odoo, request.invoice)
    at = company(odoo, named(invoice["company_id"]))
    xid = external_id(CREDIT, request.key)
    id = odoo.reference(xid)
    wanted: Decimal | None = money(invoice["amount_total"])
    if not request.in_part:
        _refuse_others(odoo, invoice, id, at)
    if id is None:
        refuse_locked(locked_until(odoo, at), request.day, at)
        rows = _rows(odoo, [int(invoice["id"])], at)
        if request.in_part:
            rows = parts(odoo, rows, _credited(odoo, invoice, at), request)
            wanted = sum((money(_exact(row["quantity"]) * _exact(row["price_unit"])) for row in rows), NOTHING)
        made = odoo.load("account.move", [_draft(odoo, at, invoice, request, rows, xid)], company=at.id)[xid]
        if isinstance(made, Refused):
            raise made
        id = made
        order_links.show(odoo, "account.move", {xid: (id, None)}, at.id)
    elif request.in_part:
        wanted = None  # it keeps the amount with which it was created: others may have credited more since
    found = odoo.find("account.move", [("id", "=", id)], FIELDS, company=at.id)
    if not found or found[0]["state"] == "cancel":
        return Voided(reference(id))
    if one(found[0]["reversed_entry_id"]) != invoice["id"]:
        sentence = f"key {request.key} belongs to the credit note of an invoice other than {invoice['name']}"
        raise Refused(Reason.ALREADY_IN_ERP, sentence, Owner.ACCOUNTANT)
    note = listed(odoo, found[0], request.key, invoice["id"])
    if note.state == "draft" and wanted is not None and note.total_incl_tax != -wanted:
        of_it = "the credited part of it" if request.in_part else "invoice"
        raise Refused(
            Reason.TOTAL_DIFFERS,
            f"draft credit note {note.reference} comes to {note.total_incl_tax}, {of_it} {invoice['name']} to "
            f"{wanted}: correct or cancel it in Odoo",
            Owner.ACCOUNTANT,
        )
    return note


CREDIT = "CN"
"""The prefix of the external ids of credit notes."""


def listed(odoo: Odoo, row: Row, key: str, invoice: int | None) -> Document:
    """A credit note as a document. Its total is negative, so that it cannot be mistaken for the order's invoice."""
    id = int(row["id"])
    return Document(
        kind="credit_note",
        key=key,
        reference=reference(id),
        order_id=str(row["invoice_origin"]) if row["invoice_origin"] else None,
        total_incl_tax=-money(row["amount_total"]),
        currency=named(row["currency_id"]),
        state=str(row["state"]),
        number=str(row["name"]) if row["state"] == "posted" else None,
        date=datetime.date.fromisoformat(str(row["invoice_date"])) if row["invoice_date"] else None,
        refers_to=reference(invoice) if invoice else None,
        url=link(odoo, "account.move", id),
    )


def _invoice(odoo: Odoo, reference: str) -> Row:
    id = referred(reference)
    domain = [("id", "=", id or 0), ("move_type", "=", "out_invoice")]
    companies = {"allowed_company_ids": me(odoo)["company_ids"]}
    fields = [*FIELDS, *(["team_id"] if odoo.has("account.move", "team_id") else [])]
    found: list[Row] = odoo.call("account.move", "search_read", context=companies, domain=domain, fields=fields)
    if not found:
        sentence = (
            f"Odoo has no customer invoice {reference!r}; it is named as `order show` does, such as `account.move 57`"
        )
        raise Refused(Reason.ERP_REFUSED, sentence, Owner.ACCOUNTANT)
    if found[0]["state"] != "posted":
        sentence = f"invoice {reference} is not issued but {found[0]['state']}: there is nothing to credit"
        raise Refused(Reason.ERP_REFUSED, sentence, Owner.ACCOUNTANT)
    return found[0]


def _refuse_others(odoo: Odoo, invoice: Row, ours: int | None, at: Company) -> None:
    """Refuse if the invoice has another live credit note, since a second one would credit it twice."""
    domain = [("reversed_entry_id", "=", invoice["id"]), ("state", "!=", "cancel"), ("id", "!=", ours or 0)]
    others = odoo.find("account.move", domain, ["name"], company=at.id, order="id")
    if others:
        names = ", ".join(str(row["name"] or row["id"]) for row in others)
        sentence = (
            f"invoice {invoice['name']} has a credit note already: {names}; cancel that one, or add to it in Odoo"
        )
        raise Refused(Reason.ALREADY_IN_ERP, sentence, Owner.ACCOUNTANT)


def _credited(odoo: Odoo, invoice: Row, at: Company) -> dict[int, Decimal]:
    """The quantities of the invoice's lines that other live credit notes credit, by the lines' sequence numbers."""
    domain = [("reversed_entry_id", "=", invoice["id"]), ("state", "!=", "cancel")]
    others = odoo.find("account.move", domain, ["id"], company=at.id, order="id")
    found: dict[int, Decimal] = {}
    for row in _rows(odoo, [int(other["id"]) for other in others], at):
        found[row["sequence"]] = found.get(row["sequence"], NOTHING) + _exact(row["quantity"])
    return found


def _rows(odoo: Odoo, moves: Sequence[int], at: Company) -> list[Row]:
    if not moves:
        return []
    domain = [("move_id", "in", list(moves)), ("display_type", "=", "product")]
    fields = [*LINE, *(["sale_line_ids"] if odoo.has("account.move.line", "sale_line_ids") else [])]
    return odoo.find("account.move.line", domain, fields, company=at.id, order="sequence, id")


def parts(odoo: Odoo, rows: Sequence[Row], credited: Mapping[int, Decimal], request: CreditNote) -> list[Row]:
    """The invoice's lines with the requested part of each; the highest prices first, so that parts add up."""
    chosen: list[Row] = []
    for item, pieces in request.items.items():
        of_item = [row for row in rows if item_of(row["sequence"]) == item]
        size = pieces_in(odoo, of_item[0]["product_uom_id"]) if of_item else None
        if size is None or any(row["sequence"] % 10 == WHOLE for row in of_item):
            sentence = (
                f"the lines of {request.invoice} do not state how many pieces of item {item} they are: credit it in "
                "Odoo"
            )
            raise Refused(Reason.ERP_REFUSED, sentence, Owner.ACCOUNTANT)
        wanted = pieces / size
        for row in sorted(of_item, key=lambda row: -_exact(row["price_unit"])):
            left = _exact(row["quantity"]) - credited.get(row["sequence"], NOTHING)
            take = min(wanted, max(left, NOTHING))
            if take:
                chosen.append({**row, "quantity": take})
                wanted -= take
        if wanted:
            left = (pieces - wanted * size).normalize()
            sentence = (
                f"{left:f} of item {item} on {request.invoice} are not credited yet, but {pieces:f} were requested"
            )
            raise Refused(Reason.ALREADY_IN_ERP, sentence, Owner.ACCOUNTANT)
    return chosen + _shipping(rows, credited, request)


def _shipping(rows: Sequence[Row], credited: Mapping[int, Decimal], request: CreditNote) -> list[Row]:
    """The credited shipping lines. Each is one unit at its price, so an amount of it is credited only once."""
    left, chosen = request.shipping, []
    for row in rows:
        if left and SHIPPING <= row["sequence"] < CHARGES and not credited.get(row["sequence"]):
            take = min(left, _exact(row["price_unit"]))
            chosen.append({**row, "quantity": Decimal(1), "price_unit": take})
            left -= take
    if left:
        sentence = f"{left} more than the rest of the shipping amount on {request.invoice} was requested"
        raise Refused(Reason.ALREADY_IN_ERP, sentence, Owner.ACCOUNTANT)
    return chosen


def _exact(number: object) -> Decimal:
    return Decimal(str(number))


def _draft(odoo: Odoo, at: Company, invoice: Row, request: CreditNote, rows: Sequence[Row], xid: str) -> Draft:
    head: dict[str, object] = {
        "move_type": "out_refund",
        "company_id/.id": at.id,
        "journal_id/.id": one(invoice["journal_id"]),
        "partner_id/.id": one(invoice["partner_id"]),
        "partner_shipping_id/.id": one(invoice["partner_shipping_id"]),
        "ref": f"{invoice['name']}: {request.reason}",
        "invoice_origin": invoice["invoice_origin"],
        "currency_id/.id": one(invoice["currency_id"]),
        "fiscal_position_id/.id": one(invoice["fiscal_position_id"]) or EMPTY,
        "team_id/.id": one(invoice.get("team_id")),
        "reversed_entry_id/.id": invoice["id"],
        **tagged(odoo, "credit_note"),
        **dates(odoo, at, request.day),
    }
    return Draft(xid, head, [_line(row) for row in rows])


def _line(row: Row) -> dict[str, object]:
    """The same line for a credit note, whose kind of document reverses the sign."""
    share = row["analytic_distribution"]
    return {
        "invoice_line_ids/sequence": row["sequence"],
        "invoice_line_ids/product_id/.id": one(row["product_id"]),
        "invoice_line_ids/product_uom_id/.id": one(row["product_uom_id"]),
        "invoice_line_ids/name": row["name"],
        "invoice_line_ids/quantity": Decimal(str(row["quantity"])),
        "invoice_line_ids/price_unit": Decimal(str(row["price_unit"])),
        "invoice_line_ids/discount": Decimal(str(row["discount"])) or None,
        "invoice_line_ids/tax_ids/.id": ",".join(map(str, row["tax_ids"])),
        "invoice_line_ids/account_id/.id": one(row["account_id"]),
        "invoice_line_ids/analytic_distribution": json.dumps(share) if share else None,
        "invoice_line_ids/sale_line_ids/.id": ",".join(map(str, row.get("sale_line_ids") or ())) or None,
    }
