"""Existing sales orders of this connector: found by a reservation's reference, cancelled, and their deliveries.

Also maps each line of an invoice to a line of the sale, so that Odoo counts the invoiced part of a sale.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from shipperone_erp import Owner, Reason, Refused, Reservation
from shipperone_erp_odoo import pickings
from shipperone_erp_odoo.invoice_plan import SHIPPING, DraftLine
from shipperone_erp_odoo.odoo import Odoo, Row, one

CANCEL = {"disable_cancel_warning": True}
"""Without the wizard that would write to the buyer."""


def reference(orders: Sequence[pickings.Found]) -> str:
    """`S00012 (sale.order 57)`; several are joined as for pickings. Names are for users, ids for the connector."""
    names, ids = " + ".join(order.name for order in orders), ", ".join(str(order.id) for order in orders)
    return f"{names} (sale.order {ids})"


def referred(reference: str) -> list[int]:
    """The ids of the sales orders in a reference of this connector: `S00012 (sale.order 57)`."""
    match = re.search(r"\(sale\.order (\d+(?:, \d+)*)\)$", reference)
    return [int(text) for text in match[1].split(", ")] if match else []


def deliveries(odoo: Odoo, references: Sequence[str], company: int) -> dict[str, list[int]]:
    """The deliveries of the sales orders in these references; references by operators are read by number."""
    ids = {text: referred(text) for text in references}
    if odoo.settings.documents == "sale_order":
        ids |= pickings.by_names(odoo, "sale.order", [text for text in references if not ids[text]], company)
    orders = sorted({id for found in ids.values() for id in found})
    rows = _deliveries(odoo, orders, company) if orders else []
    return {text: [int(row["id"]) for row in rows if one(row["sale_id"]) in found] for text, found in ids.items()}


def cancel(odoo: Odoo, ids: Collection[int], company: int) -> None:
    """Release the goods that they hold. A partly delivered order is reduced to that part; any other is cancelled."""
    live = odoo.find(
        "sale.order", [("id", "in", sorted(ids)), ("state", "!=", "cancel")], ["locked"], company=company, order="id"
    ) if ids else []  # fmt: skip
    if not live:
        return
    wanted = [int(row["id"]) for row in live]
    done = {one(row["sale_id"]) for row in _deliveries(odoo, wanted, company) if row["state"] == "done"}
    posted = odoo.find(
        "sale.order", [("id", "in", wanted), ("invoice_ids.state", "=", "posted")], ["id"], company=company
    )
    sold = [id for id in wanted if id in done or id in {int(row["id"]) for row in posted}]
    locked = [int(row["id"]) for row in live if row["locked"]]
    if locked:
        odoo.call("sale.order", "action_unlock", locked, company=company)
    rest = [id for id in wanted if id not in sold]
    if rest:
        odoo.call("sale.order", "action_cancel", rest, company=company, context=CANCEL)
    if sold:
        pickings.cancel(odoo, [int(row["id"]) for row in _deliveries(odoo, sold, company)], company)
        _cut(odoo, sold, company)


def _deliveries(odoo: Odoo, ids: Sequence[int], company: int) -> list[Row]:
    domain = [("sale_id", "in", ids), ("picking_type_code", "=", "outgoing")]
    return odoo.find("stock.picking", domain, ["sale_id", "state"], company=company, order="id")


def _cut(odoo: Odoo, ids: Sequence[int], company: int) -> None:
    """Reduce ordered quantities to the delivered ones, so that the rest is not invoiced.

    Odoo would plan a return for less than was delivered, and compute a new price, so both are set explicitly.
    """
    fields = ["product_uom_qty", "qty_delivered", "price_unit"]
    domain = [("order_id", "in", ids), ("qty_delivered_method", "=", "stock_move")]
    for row in odoo.find("sale.order.line", domain, fields, company=company, order="id"):
        if row["product_uom_qty"] > row["qty_delivered"]:
            values = {"product_uom_qty": row["qty_delivered"], "price_unit": row["price_unit"]}
            # the argument of `write` has a different name in each version and module
            odoo.call("sale.order.line", "web_save", [int(row["id"])], company=company, vals=values, specification={})


@dataclass(frozen=True, slots=True)
class Sold:
    """The lines of an order's sales orders."""

    lines: Sequence[Row] = ()

    def line(self, drafted: DraftLine) -> int | None:
        """The line for this line of an invoice; None if it cannot be determined."""
        of_product = [row for row in self.lines if one(row["product_id"]) == drafted.product.id]
        begins = drafted.sequence if drafted.sequence >= SHIPPING else drafted.sequence - drafted.sequence % 10
        exact = [row for row in of_product if row["sequence"] == begins]
        found = exact or (of_product if len(of_product) == 1 else [])
        return int(found[0]["id"]) if found else None


def sold(odoo: Odoo, reservations: Mapping[str, Sequence[Reservation]], company: int) -> dict[str, Sold | Refused]:
    """The sales that are each key's reservations. `Refused`, already_in_erp, if a user has invoiced one in Odoo."""
    orders = {key: [id for r in live for id in referred(r.reference)] for key, live in reservations.items()}
    ids = sorted({id for made in orders.values() for id in made})
    if not ids:
        return dict.fromkeys(reservations, Sold())
    fields = ["order_id", "sequence", "product_id"]
    rows = odoo.find("sale.order.line", [("order_id", "in", ids)], fields, company=company, order="id")
    theirs = _by_hand(odoo, ids, company)
    answers: dict[str, Sold | Refused] = {}
    for key, made in orders.items():
        by_hand = [theirs[id] for id in made if id in theirs]
        if by_hand:
            sentence = f"{by_hand[0]} in Odoo was created from the order's sales order by hand: take it over with "
            answers[key] = Refused(
                Reason.ALREADY_IN_ERP, f"{sentence}`order adopt`, or cancel it there", Owner.ACCOUNTANT
            )
        else:
            answers[key] = Sold([row for row in rows if one(row["order_id"]) in made])
    return answers


def _by_hand(odoo: Odoo, ids: Sequence[int], company: int) -> dict[int, str]:
    """Sales orders that a user has invoiced, each with such an invoice. XML-RPC does not show an invoice's author."""
    if odoo.protocol == "xmlrpc":
        return {}
    orders = odoo.find("sale.order", [("id", "in", ids)], ["invoice_ids"], company=company, order="id")
    made = sorted({id for row in orders for id in row["invoice_ids"]})
    live = [("id", "in", made), ("state", "!=", "cancel"), ("move_type", "=", "out_invoice")]
    rows = odoo.find("account.move", live, ["name"], company=company, order="id") if made else []
    ours = odoo.external_ids("account.move", [int(row["id"]) for row in rows])
    names = {int(row["id"]): f"invoice {row['name'] or row['id']}" for row in rows if int(row["id"]) not in ours}
    return {int(row["id"]): names[id] for row in orders for id in row["invoice_ids"] if id in names}
