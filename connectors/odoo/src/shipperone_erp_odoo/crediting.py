"""A credit note of an issued invoice, for a person who stands for it: a draft, made once for its key, never posted.

Nothing that runs by itself calls this. Odoo's own wizard makes another credit note each time that it is asked; one that
is loaded under an external id is made once, and is set off against its invoice by Odoo as soon as somebody posts it.
"""

import datetime
import json
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp import Document, Owner, Reason, Refused, Voided
from shipperone_erp_odoo.building import dates
from shipperone_erp_odoo.links import link
from shipperone_erp_odoo.locks import locked_until, refuse_locked
from shipperone_erp_odoo.odoo import Draft, Odoo, Row, external_id, named, one
from shipperone_erp_odoo.sites import Company, company, me
from shipperone_erp_odoo.standing import money, reference, referred

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
    """What a person asks for: the invoice in full, as of that day. `reason` is printed on it."""

    key: str
    invoice: str
    day: datetime.date
    reason: str


def credit(odoo: Odoo, request: CreditNote) -> Document | Voided:
    """The credit note of that key, and `Voided` once somebody has cancelled it.

    `Refused` if the invoice is not a posted one, is credited by another document already, or the day is locked; if a
    draft does not come to the invoice's total, it is left as it is for whoever has changed it.
    """
    invoice = _invoice(odoo, request.invoice)
    at = company(odoo, named(invoice["company_id"]))
    xid = external_id(CREDIT, request.key)
    id = odoo.reference(xid)
    _refuse_others(odoo, invoice, id, at)
    if id is None:
        refuse_locked(locked_until(odoo, at), request.day, at)
        made = odoo.load("account.move", [_draft(odoo, at, invoice, request, xid)], company=at.id)[xid]
        if isinstance(made, Refused):
            raise made
        id = made
    found = odoo.find("account.move", [("id", "=", id)], FIELDS, company=at.id)
    if not found or found[0]["state"] == "cancel":
        return Voided(reference(id))
    if one(found[0]["reversed_entry_id"]) != invoice["id"]:
        said = f"key {request.key} is the credit note of another invoice than {invoice['name']}"
        raise Refused(Reason.ALREADY_IN_ERP, said, Owner.ACCOUNTANT)
    note = listed(odoo, found[0], request.key, invoice["id"])
    if note.state == "draft" and note.total_incl_tax != -money(invoice["amount_total"]):
        raise Refused(
            Reason.TOTAL_DIFFERS,
            f"draft credit note {note.reference} comes to {note.total_incl_tax}, invoice {invoice['name']} to "
            f"{money(invoice['amount_total'])}: correct or cancel it in Odoo",
            Owner.ACCOUNTANT,
        )
    return note


CREDIT = "CN"
"""What the external ids of credit notes begin with."""


def listed(odoo: Odoo, row: Row, key: str, invoice: int | None) -> Document:
    """A credit note as a document. Its total is negative, so that nobody takes it for the order's invoice."""
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


def _invoice(odoo: Odoo, told: str) -> Row:
    id = referred(told)
    domain = [("id", "=", id or 0), ("move_type", "=", "out_invoice")]
    companies = {"allowed_company_ids": me(odoo)["company_ids"]}
    fields = [*FIELDS, *(["team_id"] if odoo.has("account.move", "team_id") else [])]
    found: list[Row] = odoo.call("account.move", "search_read", context=companies, domain=domain, fields=fields)
    if not found:
        said = f"Odoo has no customer invoice {told!r}; it is named as `order show` does, such as `account.move 57`"
        raise Refused(Reason.ERP_REFUSED, said, Owner.ACCOUNTANT)
    if found[0]["state"] != "posted":
        said = f"invoice {told} is not issued but {found[0]['state']}: there is nothing to credit"
        raise Refused(Reason.ERP_REFUSED, said, Owner.ACCOUNTANT)
    return found[0]


def _refuse_others(odoo: Odoo, invoice: Row, ours: int | None, at: Company) -> None:
    """Another live credit note of the invoice is there: a second one beside it would credit it twice."""
    domain = [("reversed_entry_id", "=", invoice["id"]), ("state", "!=", "cancel"), ("id", "!=", ours or 0)]
    others = odoo.find("account.move", domain, ["name"], company=at.id, order="id")
    if others:
        names = ", ".join(str(row["name"] or row["id"]) for row in others)
        said = f"invoice {invoice['name']} has a credit note already: {names}; cancel that one, or add to it in Odoo"
        raise Refused(Reason.ALREADY_IN_ERP, said, Owner.ACCOUNTANT)


def _draft(odoo: Odoo, at: Company, invoice: Row, request: CreditNote, xid: str) -> Draft:
    domain = [("move_id", "=", invoice["id"]), ("display_type", "=", "product")]
    rows = odoo.find("account.move.line", domain, LINE, company=at.id, order="sequence, id")
    head: dict[str, object] = {
        "move_type": "out_refund",
        "company_id/.id": at.id,
        "journal_id/.id": one(invoice["journal_id"]),
        "partner_id/.id": one(invoice["partner_id"]),
        "partner_shipping_id/.id": one(invoice["partner_shipping_id"]),
        "ref": f"{invoice['name']}: {request.reason}",
        "invoice_origin": invoice["invoice_origin"],
        "currency_id/.id": one(invoice["currency_id"]),
        "fiscal_position_id/.id": one(invoice["fiscal_position_id"]),
        "team_id/.id": one(invoice.get("team_id")),
        "reversed_entry_id/.id": invoice["id"],
        **dates(odoo, request.day),
    }
    return Draft(xid, head, [_line(row) for row in rows])


def _line(row: Row) -> dict[str, object]:
    """The same line once more: that it is a credit note turns its sign."""
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
    }
