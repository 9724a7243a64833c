"""Explains why goods do not leave: not reserved, the rest would be cancelled, a wizard of Odoo, a missing lot."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_odoo.odoo import Odoo, named, one
from shipperone_erp_odoo.pickings import Found


def lacks(odoo: Odoo, pickings: Mapping[int, Found], product: int, rest: Decimal, company: int) -> Refused:
    """The refusal for a quantity of the product that these deliveries have not reserved."""
    waiting = [
        picking.name for picking in pickings.values() for move in picking.moves if move.open and move.product == product
    ]
    (row,) = odoo.find("product.product", [("id", "=", product)], ["display_name"], company=company)
    if waiting:
        sentence = f"{rest:f} of {row['display_name']} in {', '.join(waiting)} is not reserved in Odoo (any more): "
        sentence += "reserve it there, or validate the transfer that it waits for"
    else:
        names = ", ".join(picking.name for picking in pickings.values())
        sentence = f"{rest:f} of {row['display_name']} is in no open delivery ({names}): the rest was cancelled in Odoo"
    return Refused(Reason.ISSUED_NOT_DELIVERED, sentence, Owner.WAREHOUSE)


def never_backorders(odoo: Odoo, parts: Sequence[int], company: int) -> dict[int, Refused]:
    """The partial deliveries whose operation type never creates backorders.

    Odoo would silently cancel the rest of their reservation.
    """
    if not parts:
        return {}
    rows = odoo.find("stock.picking", [("id", "in", parts)], ["picking_type_id"], company=company)
    types = {int(row["id"]): one(row["picking_type_id"]) or 0 for row in rows}
    domain = [("id", "in", sorted(set(types.values()))), ("create_backorder", "=", "never")]
    never = {int(row["id"]): row["name"] for row in odoo.find("stock.picking.type", domain, ["name"], company=company)}
    return {
        id: Refused(
            Reason.ISSUED_NOT_DELIVERED,
            f"operation type {never[type]} never makes backorders in Odoo: a part delivery would cancel the rest; "
            "set it to Ask or Always",
            Owner.WAREHOUSE,
        )
        for id, type in types.items()
        if type in never
    }


def explained(odoo: Odoo, refusal: Refused, pickings: Mapping[int, Found], company: int) -> Refused:
    """Odoo's refusal with further details, if nothing has changed since."""
    domain = [
        ("picking_id", "in", sorted(pickings)), ("picked", "=", True), ("product_id.tracking", "!=", "none"),
        ("lot_id", "=", False), ("lot_name", "=", False),
    ]  # fmt: skip
    lines = odoo.find("stock.move.line", domain, ["product_id", "picking_id"], company=company)
    sentence = refusal.sentence
    if lines:
        which = ", ".join(sorted({f"{named(line['product_id'])} in {named(line['picking_id'])}" for line in lines}))
        sentence = f"Odoo has reserved no lot or serial number of {which}: select it in Odoo"
    return Refused(Reason.ISSUED_NOT_DELIVERED, sentence, Owner.WAREHOUSE)


def wizard(answer: object) -> Refused | None:
    """The refusal for a question that Odoo's wizard asks before the goods leave; None if there is no wizard."""
    if not isinstance(answer, Mapping) or answer.get("type") != "ir.actions.act_window":
        return None
    what = answer.get("name") or answer.get("res_model")
    sentence = f'Odoo asks a question before it validates this delivery ("{what}"), which only an Odoo user can answer'
    return Refused(Reason.ISSUED_NOT_DELIVERED, f"{sentence}: validate it there", Owner.WAREHOUSE)
