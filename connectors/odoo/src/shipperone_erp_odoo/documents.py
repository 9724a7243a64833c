"""The documents of this connector in Odoo, for reconciliation: those with its external ids."""

from collections import defaultdict
from datetime import UTC, datetime

from shipperone_erp import Document, Reason, Refused
from shipperone_erp_odoo.credit_notes import CREDIT
from shipperone_erp_odoo.credit_notes import listed as credit_note
from shipperone_erp_odoo.invoice_reader import Standing, issuer, money, reference, standing
from shipperone_erp_odoo.links import link
from shipperone_erp_odoo.odoo import Odoo, Row, named, one
from shipperone_erp_odoo.pickings import Found
from shipperone_erp_odoo.pickings import reference as picking_reference
from shipperone_erp_odoo.sale_orders import SALE
from shipperone_erp_odoo.sales import reference as sale_reference
from shipperone_erp_odoo.warehouses import company, me

PAGE = 500


def documents(odoo: Odoo, since: datetime) -> list[Document]:
    """Reservations, invoices and credit notes created since then, in all companies of the user.

    An invoice lists its items. A reservation does not, since its moves are by product, nor does a credit note.
    """
    if odoo.protocol == "xmlrpc":
        sentence = "XML-RPC cannot carry external ids: reconcile needs protocol JSON-RPC or JSON-2"
        raise Refused(Reason.CONFIG_INCOMPLETE, sentence)
    found = [_picking(odoo, row, key) for row, key in _made(odoo, "stock.picking", PICKING, since)["PICK"]]
    if odoo.settings.documents == "sale_order":
        found += [_sale(odoo, row, key) for row, key in _made(odoo, "sale.order", ORDER, since)[SALE]]
    moves = _made(odoo, "account.move", INVOICE, since)
    current = _standing(odoo, [row for row, _ in moves["INV"]])
    found += [_invoice(odoo, row, key, current.get(int(row["id"]))) for row, key in moves["INV"]]
    credited = _credited(odoo, [row for row, _ in moves[CREDIT]])
    return found + [credit_note(odoo, row, key, credited.get(int(row["id"]))) for row, key in moves[CREDIT]]


PICKING = ["name", "state", "origin", "date_done"]
ORDER = ["name", "state", "origin"]
INVOICE = ["name", "state", "invoice_origin", "amount_total", "currency_id", "invoice_date", "company_id"]


def _made(odoo: Odoo, model: str, fields: list[str], since: datetime) -> dict[str, list[tuple[Row, str]]]:
    """Rows with their keys, by kind. Read in pages by id, so that concurrent creations do not shift the pages."""
    found: dict[str, list[tuple[Row, str]]] = defaultdict(list)
    last = 0
    start = since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    companies = {"allowed_company_ids": me(odoo)["company_ids"]}
    while True:
        rows: list[Row] = odoo.call(
            model, "search_read", context=companies, domain=[("create_date", ">=", start), ("id", ">", last)],
            fields=fields, limit=PAGE, order="id",
        )  # fmt: skip
        names = odoo.external_ids(model, [int(row["id"]) for row in rows])
        for row in rows:
            kind, _, key = names.get(int(row["id"]), "").partition("_")
            found[kind].append((row, key))
        if len(rows) < PAGE:
            return found
        last = int(rows[-1]["id"])


def _standing(odoo: Odoo, rows: list[Row]) -> dict[int, Standing]:
    """These invoices with their lines, read in pages for each company."""
    found: dict[int, Standing] = {}
    for name in dict.fromkeys(named(row["company_id"]) for row in rows):
        ids = [int(row["id"]) for row in rows if named(row["company_id"]) == name]
        for start in range(0, len(ids), PAGE):
            found |= standing(odoo, ids[start : start + PAGE], company(odoo, name))
    return found


def _credited(odoo: Odoo, notes: list[Row]) -> dict[int, int | None]:
    """The invoice that each of these credit notes credits."""
    if not notes:
        return {}
    companies = {"allowed_company_ids": me(odoo)["company_ids"]}
    domain = [("id", "in", [int(row["id"]) for row in notes])]
    rows: list[Row] = odoo.call(
        "account.move", "search_read", context=companies, domain=domain, fields=["reversed_entry_id"]
    )
    return {int(row["id"]): one(row["reversed_entry_id"]) for row in rows}


def _picking(odoo: Odoo, row: Row, key: str) -> Document:
    one = Found(int(row["id"]), str(row["name"]))
    return Document(
        kind="reservation",
        key=key,
        reference=picking_reference([one]),
        order_id=str(row["origin"]) if row["origin"] else None,
        state=str(row["state"]),
        number=one.name,
        url=link(odoo, "stock.picking", one.id),
    )


def _sale(odoo: Odoo, row: Row, key: str) -> Document:
    order = [Found(int(row["id"]), str(row["name"]))]
    return Document(
        kind="reservation",
        key=key,
        reference=sale_reference(order),
        order_id=str(row["origin"]) if row["origin"] else None,
        state=str(row["state"]),
        number=order[0].name,
        url=link(odoo, "sale.order", order[0].id),
    )


def _invoice(odoo: Odoo, row: Row, key: str, current: Standing | None) -> Document:
    id = int(row["id"])
    return Document(
        kind="invoice",
        key=key,
        reference=reference(id),
        order_id=str(row["invoice_origin"]) if row["invoice_origin"] else None,
        lines=current.listed(odoo) if current else (),
        total_incl_tax=money(row["amount_total"]),
        currency=named(row["currency_id"]),
        state=str(row["state"]),
        number=str(row["name"]) if row["state"] == "posted" else None,
        date=datetime.fromisoformat(str(row["invoice_date"])).date() if row["invoice_date"] else None,
        url=link(odoo, "account.move", id),
        issuer=issuer(int(row["company_id"][0])) if row["company_id"] else None,
    )
