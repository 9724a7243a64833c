"""Making the pickings of reservations: one `load` for deliveries and transfers, one more for chained deliveries."""

from collections.abc import Sequence
from typing import Any

from shipperone_erp import Refused
from shipperone_erp_odoo.chunks import Answers
from shipperone_erp_odoo.odoo import Draft, Odoo
from shipperone_erp_odoo.pickings import cancel, moves
from shipperone_erp_odoo.products import Product
from shipperone_erp_odoo.sites import Site, customers
from shipperone_erp_odoo.wanted import Picking, Wanted


def load_pickings(odoo: Odoo, orders: Sequence[Wanted], company: int, answers: Answers[Any]) -> dict[str, list[int]]:
    """The pickings of each order, in the sequence of its plan; those that cannot be made are answered.

    A transfer is made before the delivery that is chained to it, since that one names its moves.
    """
    chained = {order.key for order in orders if any(picking.kind == "transfer" for picking in order.pickings)}
    first = [
        (order, picking)
        for order in orders
        for picking in order.pickings
        if picking.kind == "transfer" or order.key not in chained
    ]
    made = odoo.load("stock.picking", [_draft(odoo, o, p, {}) for o, p in first], company=company) if first else {}
    if chained:
        transfers = [id for _, picking in first if isinstance(id := made[picking.xid], int)]
        arriving = {
            (move.picking, move.product): move.id
            for move in moves(odoo, [("picking_id", "in", transfers)], company)
            if move.state != "cancel"
        }
        second = []
        for order in orders:
            if order.key in chained and all(
                isinstance(made[picking.xid], int) for picking in order.pickings if picking.kind == "transfer"
            ):
                origins = {
                    place: arriving.get((int(str(made[picking.xid])), place[0].id))
                    for picking in order.pickings
                    if picking.kind == "transfer"
                    for place in picking.moves
                }
                second += [
                    _draft(odoo, order, picking, origins) for picking in order.pickings if picking.kind == "delivery"
                ]
        if second:
            made |= odoo.load("stock.picking", second, company=company)
    ids: dict[str, list[int]] = {}
    for order in orders:
        found = [made.get(picking.xid) for picking in order.pickings]
        refused = [answer for answer in found if not isinstance(answer, int)]
        if not refused:
            ids[order.key] = [answer for answer in found if isinstance(answer, int)]
            continue
        cancel(odoo, [answer for answer in found if isinstance(answer, int)], company)
        (why, *_) = [answer for answer in refused if isinstance(answer, Refused)]
        answers[order.key] = why
    return ids


def _draft(odoo: Odoo, order: Wanted, picking: Picking, origins: dict[tuple[Product, Site], int | None]) -> Draft:
    site = picking.site
    to = order.site.stock if picking.kind == "transfer" else customers(odoo, site.company)
    head = {
        "origin": order.order.order_id,
        "picking_type_id/.id": site.transfers if picking.kind == "transfer" else site.deliveries,
        "location_id/.id": site.stock,
        "location_dest_id/.id": to,
        "move_type": "one",  # a picking with one line reserved in part is not `assigned` then
    }
    has_name = odoo.has("stock.move", "name")  # required up to 18, gone since
    lines = []
    for place, quantity in picking.moves.items():
        product, _ = place
        line: dict[str, object] = {
            "move_ids/product_id/.id": product.id,
            "move_ids/product_uom_qty": quantity,
            "move_ids/product_uom/.id": product.unit,
            "move_ids/location_id/.id": site.stock,
            "move_ids/location_dest_id/.id": to,
            "move_ids/company_id/.id": site.company.id,  # Odoo would take the user's first company
            "move_ids/procure_method": "make_to_order" if origins.get(place) else "make_to_stock",
            "move_ids/move_orig_ids/.id": origins.get(place),
        }
        if has_name:
            line["move_ids/name"] = product.name
        lines.append(line)
    return Draft(picking.xid, head, lines)
