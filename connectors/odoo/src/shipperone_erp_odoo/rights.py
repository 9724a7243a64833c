"""The user's rights in Odoo, by model and operation, and the expiry of its API key."""

import datetime
from collections.abc import Iterator

from shipperone_erp import Check, ConnectorError
from shipperone_erp_odoo.faults import OdooRefused
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.warehouses import me

STOCK = {
    "stock.picking": "create write",
    "stock.move": "write",
    "stock.move.line": "create write",
    "stock.quant": "read",
}
INVOICES = {"account.move": "create write", "account.move.line": "create", "account.tax": "read"}
SALES = {"sale.order": "create write", "sale.order.line": "create write"}
CONTACTS = {"res.partner": "create"}
ALL_SALES = "sales_team.group_sale_salesman_all_leads"
GROUPS = {
    "stock": "Inventory / User",
    "account": "Invoicing / Billing",
    "res": "Contact Creation",
    "sale": "Sales / User: All Documents",
}

SOON = 14
"""Days before its expiry from which a key causes a warning."""


def missing(odoo: Odoo) -> Iterator[Check]:
    """A line for each right that the connector needs and the user lacks; one line if none is missing."""
    needed = {**STOCK, **INVOICES, **(CONTACTS if odoo.settings.customers == "match" else {})}
    if odoo.settings.documents == "sale_order":
        if not odoo.has("stock.picking", "sale_id"):
            sentence = (
                'documents = "sale_order", but the module that delivers sales orders (sale_stock) is not installed'
            )
            yield Check("sales orders", False, sentence, 'install Sales beside Inventory, or set documents = "picking"')
            return
        needed |= SALES
        if not _in_all_sales(odoo):
            sentence = "the user sees only its own sales orders: one created by another user is not detected"
            yield Check("sales orders", None, sentence, f"give the user {GROUPS['sale']} in Odoo")
    lacking = [
        (model, operation)
        for model, operations in needed.items()
        for operation in operations.split()
        if not _may(odoo, model, operation)
    ]
    for model, operation in lacking:
        group = GROUPS[model.split(".")[0]]
        yield Check(
            "rights", False, f"the user lacks the right to {operation} {model}", f"give the user {group} in Odoo"
        )
    if not lacking:
        yield Check("rights", True, "the user has all rights that the connector needs")


def key_expiry(odoo: Odoo) -> Iterator[Check]:
    """The user's key that expires first (O7). Odoo does not show which key is in use."""
    if odoo.settings.api_key is None or not odoo.has("res.users.apikeys", "expiration_date"):
        return
    try:
        rows = odoo.find(
            "res.users.apikeys",
            [("user_id", "=", me(odoo)["id"]), ("expiration_date", "!=", False)],
            ["expiration_date"],
        )
    except ConnectorError:
        return  # some users may not read their own keys
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    # an expired key cannot be the one in use
    ends = sorted(end for row in rows if (end := datetime.datetime.fromisoformat(str(row["expiration_date"]))) > now)
    if ends:
        left = (ends[0] - now).days
        cure = (
            "create a new key in Odoo and store it in the place that the configuration names; a running service "
            "loads it automatically"
        )
        sentence = f"an API key of the user ends in {left} days"
        yield Check("API key", None if left < SOON else True, sentence, cure if left < SOON else None)


def _in_all_sales(odoo: Odoo) -> bool:
    user = None if odoo.version < 18 else [int(me(odoo)["id"])]  # queried for the user itself since 18
    return bool(odoo.call("res.users", "has_group", user, group_ext_id=ALL_SALES))


def _may(odoo: Odoo, model: str, operation: str) -> bool:
    if odoo.version >= 18:
        return bool(odoo.call(model, "has_access", [], operation=operation))
    try:
        return bool(odoo.call(model, "check_access_rights", operation=operation, raise_exception=False))
    except OdooRefused:
        return False
