"""Quotations of this connector that were never confirmed, from before `documents` was changed.

With `documents = "sale_order"` a process may end between the creation of a quotation and its confirmation. If
`documents` is then changed, the order is reserved as a delivery, and the quotation stays: it holds no goods, but a user
could confirm it, which would sell the order a second time. It is cancelled when the order's invoice is issued.
"""

from collections.abc import Iterator, Sequence

from shipperone_erp import Check, FulfillmentOrder, Refused
from shipperone_erp_odoo import existing_documents, sales
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.warehouses import Company

UNCONFIRMED: Sequence[existing_documents.Condition] = [("state", "in", ["draft", "sent"]), ("picking_ids", "=", False)]
"""Without a delivery, since its confirmation makes one."""


def cancel(odoo: Odoo, orders: Sequence[FulfillmentOrder], company: int) -> None:
    """Cancel those that name these orders. A refusal of Odoo does not hold an invoice: `doctor` reports them."""
    if not orders or not _any(odoo, company):
        return
    which = [*UNCONFIRMED, existing_documents.ours(odoo)]
    seen = existing_documents.sale_orders(odoo, orders, company, which)
    if seen.ours:
        try:
            sales.cancel(odoo, list(seen.ours), company)
        except Refused:
            return


def check(odoo: Odoo, at: Company) -> Iterator[Check]:
    """A line if there are any."""
    if _possible(odoo):
        rows = odoo.find(
            "sale.order", [*UNCONFIRMED, existing_documents.ours(odoo)], ["name"], company=at.id, order="id"
        )
        ours = odoo.external_ids("sale.order", [int(row["id"]) for row in rows])
        names = [str(row["name"]) for row in rows if int(row["id"]) in ours]
        if names:
            sentence = (
                f"{len(names)} quotation(s) of this connector were never confirmed, from before `documents` was "
                f"changed: {', '.join(names[:5])}"
            )
            cure = "each is cancelled when its order is issued; cancel it in Odoo if it is not needed"
            yield Check("sales orders", None, sentence, cure)


def _any(odoo: Odoo, company: int) -> bool:
    def find() -> bool:
        domain = [*UNCONFIRMED, existing_documents.ours(odoo)]
        try:
            return bool(odoo.find("sale.order", domain, ["id"], company=company, limit=1))
        except Refused:
            return False  # a user without the right to read them has created none

    return _possible(odoo) and odoo.kept(("quotations", company), find)


def _possible(odoo: Odoo) -> bool:
    """Whether there may be any that can be recognised; XML-RPC cannot carry external ids."""
    settled = odoo.settings.documents == "sale_order" or odoo.protocol == "xmlrpc"
    return not settled and odoo.has("stock.picking", "sale_id")
