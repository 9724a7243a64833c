"""Finds drafts that another user has changed in ways that lines and totals do not show.

A draft with another contact, with another tax of the same rate, or with two further lines that cancel each other out,
has the total that ShipperOne accepted. To confirm such a change, a user posts the invoice in Odoo, and it counts as
issued; the connector does not post it.
"""

from collections.abc import Iterator, Mapping, Sequence

from shipperone_erp import IssueInvoice, Owner, Reason, Refused
from shipperone_erp_odoo import draft_invoices
from shipperone_erp_odoo.buyers import Buyer, buyers
from shipperone_erp_odoo.invoice_plan import ROUNDING, DraftLine
from shipperone_erp_odoo.invoice_reader import Standing, money, reference
from shipperone_erp_odoo.lookups import Tax
from shipperone_erp_odoo.odoo import Odoo, Row, named, one
from shipperone_erp_odoo.products import products
from shipperone_erp_odoo.warehouses import Company


def refused(
    odoo: Odoo, at: Company, drafts: Mapping[int, IssueInvoice], standing: Mapping[int, Standing]
) -> dict[str, Refused]:
    """By key, the drafts that differ from the present plan. One call, unless another user has changed a draft."""
    domain = [
        ("id", "in", sorted(drafts)), "|", ("write_uid", "!=", odoo.user_id()),
        ("line_ids.write_uid", "!=", odoo.user_id()),
    ]  # fmt: skip
    fields = ["partner_id", "commercial_partner_id"]
    rows = odoo.find("account.move", domain, fields, company=at.id, order="id") if drafts else []
    if not rows:
        return {}
    orders = {drafts[row["id"]].key: drafts[row["id"]].order for row in rows}
    known = products(odoo, draft_invoices.skus(odoo, list(orders.values())), at.id, archived=True)
    meant = buyers(odoo, orders, at)
    theirs = _lines(odoo, at, [int(row["id"]) for row in rows])
    found: dict[str, Refused] = {}
    for row in rows:
        request = drafts[row["id"]]
        try:
            _, lines = draft_invoices.plan(odoo, at, request.order, known)
            who = meant[request.key]
            if isinstance(who, Refused):
                raise who
            sentence = f"draft {reference(row['id'])} was changed in Odoo after ShipperOne accepted it"
            cure = (
                f"revert the change, or post the invoice in Odoo if the change is intended; then `order retry "
                f"{request.order.order_id}`"
            )
            for reason, what in _changes(row, who, theirs.get(row["id"], ()), lines, standing[row["id"]].taxes):
                raise Refused(reason, f"{sentence}: {what}; {cure}", Owner.ACCOUNTANT)
        except Refused as refusal:
            found[request.key] = refusal
    return found


def _lines(odoo: Odoo, at: Company, ids: Sequence[int]) -> dict[int, list[Row]]:
    """The lines of these drafts that are goods or services, by draft."""
    domain = [("move_id", "in", ids), ("display_type", "=", "product")]
    fields = ["move_id", "sequence", "product_id", "tax_ids", "name", "price_total"]
    found: dict[int, list[Row]] = {}
    for row in odoo.find("account.move.line", domain, fields, company=at.id, order="move_id, sequence, id"):
        found.setdefault(one(row["move_id"]) or 0, []).append(row)
    return found


def _changes(
    row: Row, who: Buyer, theirs: Sequence[Row], ours: Sequence[DraftLine], taxes: Mapping[int, Tax]
) -> Iterator[tuple[Reason, str]]:
    """The differences from the plan. A child contact of the buyer counts as the buyer."""
    if who.invoiced not in (one(row["partner_id"]), one(row["commercial_partner_id"])):
        to = f"{named(row['partner_id'])} (contact {one(row['partner_id'])})"
        yield Reason.ERP_REFUSED, f"it is made out to {to}, but the order's buyer is contact {who.invoiced}"
    planned = {line.sequence: line for line in ours}
    for line in theirs:
        plan = planned.get(line["sequence"])
        if plan is None:
            if line["sequence"] != ROUNDING and money(line["price_total"]):
                yield Reason.ERP_REFUSED, f'it has a line "{line["name"]}" of {money(line["price_total"])}'
            continue
        if set(line["tax_ids"]) != set(plan.taxes):
            names = ", ".join(taxes[id].name for id in line["tax_ids"] if id in taxes) or "no tax"
            yield Reason.TAX_DIFFERS, f'"{plan.product.sku}" has {names} instead of the tax that the settings select'
        if one(line["product_id"]) != plan.product.id:
            instead = named(line["product_id"]) or "no product"
            yield Reason.ERP_REFUSED, f'a line has {instead} instead of "{plan.product.sku}"'
