"""The documents that this connector has made in Odoo, for reconciliation: what carries an external id of ours."""

from datetime import UTC, datetime

from shipperone_erp import Document, Reason, Refused
from shipperone_erp_odoo.links import link
from shipperone_erp_odoo.odoo import Odoo, Row, named
from shipperone_erp_odoo.pickings import Found
from shipperone_erp_odoo.pickings import reference as picking_reference
from shipperone_erp_odoo.sale_orders import SALE
from shipperone_erp_odoo.sales import reference as sale_reference
from shipperone_erp_odoo.sites import company, me
from shipperone_erp_odoo.standing import Stands, money, reference, standing

PAGE = 500


def documents(odoo: Odoo, since: datetime) -> list[Document]:
    """Reservations and invoices made since then, in all companies of the user.

    An invoice tells its items; a reservation does not, since its moves are by product.
    """
    if odoo.protocol == "xmlrpc":
        said = "XML-RPC cannot carry external ids: reconcile needs protocol JSON-RPC or JSON-2"
        raise Refused(Reason.CONFIG_INCOMPLETE, said)
    found = [_picking(odoo, row, key) for row, key in _made(odoo, "stock.picking", "PICK", PICKING, since)]
    if odoo.settings.documents == "sale_order":
        found += [_sale(odoo, row, key) for row, key in _made(odoo, "sale.order", SALE, ORDER, since)]
    made = _made(odoo, "account.move", "INV", INVOICE, since)
    stands = _standing(odoo, [row for row, _ in made])
    return found + [_invoice(odoo, row, key, stands.get(int(row["id"]))) for row, key in made]


PICKING = ["name", "state", "origin", "date_done"]
ORDER = ["name", "state", "origin"]
INVOICE = ["name", "state", "invoice_origin", "amount_total", "currency_id", "invoice_date", "company_id"]


def _made(odoo: Odoo, model: str, kind: str, fields: list[str], since: datetime) -> list[tuple[Row, str]]:
    """Rows with their keys. A page at a time, by id: what is made meanwhile shifts nothing."""
    found: list[tuple[Row, str]] = []
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
            name = names.get(int(row["id"]), "")
            if name.startswith(f"{kind}_"):
                found.append((row, name.removeprefix(f"{kind}_")))
        if len(rows) < PAGE:
            return found
        last = int(rows[-1]["id"])


def _standing(odoo: Odoo, rows: list[Row]) -> dict[int, Stands]:
    """These invoices with their lines, a company and a page at a time."""
    found: dict[int, Stands] = {}
    for name in dict.fromkeys(named(row["company_id"]) for row in rows):
        ids = [int(row["id"]) for row in rows if named(row["company_id"]) == name]
        for start in range(0, len(ids), PAGE):
            found |= standing(odoo, ids[start : start + PAGE], company(odoo, name))
    return found


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


def _invoice(odoo: Odoo, row: Row, key: str, stands: Stands | None) -> Document:
    id = int(row["id"])
    return Document(
        kind="invoice",
        key=key,
        reference=reference(id),
        order_id=str(row["invoice_origin"]) if row["invoice_origin"] else None,
        lines=stands.listed(odoo) if stands else (),
        total_incl_tax=money(row["amount_total"]),
        currency=named(row["currency_id"]),
        state=str(row["state"]),
        number=str(row["name"]) if row["state"] == "posted" else None,
        date=datetime.fromisoformat(str(row["invoice_date"])).date() if row["invoice_date"] else None,
        url=link(odoo, "account.move", id),
    )
