"""Finds documents in Odoo that name an order: those of this connector, and those created by hand or by another program.

The connector's documents have its external ids. A live document without one that names the order is foreign. A second
document beside it would reserve or invoice twice, so an operator must decide (`already_in_erp`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shipperone_erp import FulfillmentOrder, Owner, Reason, Refused
from shipperone_erp_odoo.odoo import Odoo, Row

Condition = tuple[str, str, object]
"""A condition of a domain."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Live documents by the order's id or number that they name, and the external ids of the connector's own."""

    what: str
    by_name: dict[str, list[Row]]
    ours: Mapping[int, str]
    certain: bool

    def external_ids(self, order: FulfillmentOrder) -> set[str]:
        """The external ids, without the module, of the connector's documents that name this order."""
        rows = (row for name in _names(order) for row in self.by_name.get(name, ()))
        return {self.ours[int(row["id"])] for row in rows if int(row["id"]) in self.ours}

    def any_of(self, order: FulfillmentOrder) -> bool:
        """Whether any document names this order."""
        return any(name in self.by_name for name in _names(order))

    def refuse(self, order: FulfillmentOrder) -> None:
        """`Refused`, already_in_erp, if a foreign document names this order."""
        if not self.certain:
            return
        for name in _names(order):
            for row in self.by_name.get(name, ()):
                if row["id"] not in self.ours:
                    raise Refused(
                        Reason.ALREADY_IN_ERP,
                        f"{self.what} {row['name'] or row['id']} in Odoo names order {name} and was not created by "
                        "this connector: take it over with `order adopt`, or cancel it in Odoo",
                        Owner.ACCOUNTANT if self.what == "invoice" else Owner.WAREHOUSE,
                    )


def pickings(odoo: Odoo, orders: Sequence[FulfillmentOrder], company: int) -> Seen:
    """The live deliveries that name these orders. A backorder belongs to the delivery that it completes."""
    domain = [
        ("origin", "in", _all(orders)), ("state", "!=", "cancel"), ("backorder_id", "=", False),
        ("picking_type_code", "=", "outgoing"),
    ]  # fmt: skip
    rows = odoo.find("stock.picking", domain, ["name", "origin"], company=company, order="id")
    return _seen(odoo, "transfer", "stock.picking", ["origin"], rows)


def pickings_and_sales(odoo: Odoo, orders: Sequence[FulfillmentOrder], company: int) -> list[Seen]:
    """As `pickings`, and the live sales orders of this connector with a delivery, in the same call.

    They exist if `documents` was changed. One whose deliveries a user has cancelled is live until it is cancelled too.
    A quotation has no delivery and is not found here (`left_quotations`).
    """
    if not odoo.has("stock.picking", "sale_id"):
        return [pickings(odoo, orders, company)]
    names, whose = _all(orders), _whose(odoo)
    domain = [
        ("backorder_id", "=", False), ("picking_type_code", "=", "outgoing"),
        "|", "&", ("origin", "in", names), ("state", "!=", "cancel"),
        "&", ("sale_id.state", "!=", "cancel"),
        "|", ("sale_id.origin", "in", names), ("sale_id.client_order_ref", "in", names),
    ]  # fmt: skip
    sale: dict[str, Any] = {name: {} for name in ("name", "state", "origin", "client_order_ref", whose)}
    rows = odoo.find_nested(
        "stock.picking", domain, {"name": {}, "origin": {}, "state": {}, "sale_id": {"fields": sale}},
        company=company, order="id",
    )  # fmt: skip
    live = [row for row in rows if row["origin"] in names and row["state"] != "cancel"]
    found = [_seen(odoo, "transfer", "stock.picking", ["origin"], live)]
    sold = {int(row["sale_id"]["id"]): row["sale_id"] for row in rows if row["sale_id"]}
    mine = [
        row
        for row in sold.values()
        if row["state"] != "cancel"
        and (row["origin"] in names or row["client_order_ref"] in names)
        and row[whose] == odoo.user_id()
    ]
    return [*found, _seen(odoo, "sales order", "sale.order", ["origin", "client_order_ref"], mine)] if mine else found


def sale_orders(odoo: Odoo, orders: Sequence[FulfillmentOrder], company: int, which: Sequence[Condition] = ()) -> Seen:
    """The live sales orders and quotations that name these orders as their source or as the customer's reference.

    `which` restricts them, if it is given.
    """
    names = _all(orders)
    domain = ["|", ("origin", "in", names), ("client_order_ref", "in", names), ("state", "!=", "cancel"), *which]
    rows = odoo.find("sale.order", domain, ["name", "origin", "client_order_ref"], company=company, order="id")
    return _seen(odoo, "sales order", "sale.order", ["origin", "client_order_ref"], rows)


def ours(odoo: Odoo) -> Condition:
    """The condition for this connector's sales orders: its user, the salesperson unless another one is set."""
    return (_whose(odoo), "=", odoo.user_id())


def invoices(odoo: Odoo, orders: Sequence[FulfillmentOrder], company: int) -> Seen:
    """The live customer invoices that name these orders."""
    domain = [("invoice_origin", "in", _all(orders)), ("state", "!=", "cancel"), ("move_type", "=", "out_invoice")]
    rows = odoo.find("account.move", domain, ["name", "invoice_origin"], company=company, order="id")
    return _seen(odoo, "invoice", "account.move", ["invoice_origin"], rows)


def _whose(odoo: Odoo) -> str:
    return "create_uid" if odoo.settings.salesperson else "user_id"


def _seen(odoo: Odoo, what: str, model: str, fields: Sequence[str], rows: Sequence[Row]) -> Seen:
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        for field in fields:
            by_name.setdefault(str(row[field]), []).append(row)
    ids = list(dict.fromkeys(int(row["id"]) for found in by_name.values() for row in found))
    return Seen(what, by_name, odoo.external_ids(model, ids), certain=odoo.protocol != "xmlrpc")


def _names(order: FulfillmentOrder) -> list[str]:
    return [order.order_id, *([order.order_number] if order.order_number else [])]


def _all(orders: Iterable[FulfillmentOrder]) -> list[str]:
    return sorted({name for order in orders for name in _names(order)})
