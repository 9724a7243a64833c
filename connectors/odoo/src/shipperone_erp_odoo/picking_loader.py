"""Reservations as separate deliveries: one `load` for deliveries and transfers, one more for chained ones."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from shipperone_erp import FulfillmentOrder, Refused
from shipperone_erp_odoo import existing_documents, order_links, stock
from shipperone_erp_odoo.batch_answers import Answers
from shipperone_erp_odoo.links import link
from shipperone_erp_odoo.odoo import Draft, Odoo
from shipperone_erp_odoo.optional_fields import UNNAMED_SINCE
from shipperone_erp_odoo.picking_plan import Picking, Transfers, Wanted, begun_with, external_ids
from shipperone_erp_odoo.pickings import Found, by_picking, cancel, each, lacking, moves, moves_counted, reference
from shipperone_erp_odoo.products import Product
from shipperone_erp_odoo.tags import tagged
from shipperone_erp_odoo.warehouses import Company, Site, customers


class Deliveries:
    """The pickings of one company's orders."""

    def __init__(self, odoo: Odoo, at: Company, location: int) -> None:
        self.odoo = odoo
        self.company = at.id
        self.location = location
        self.counted: dict[stock.Place, stock.Count] = {}
        self._seen: list[existing_documents.Seen] = []

    def seen(self, orders: Sequence[FulfillmentOrder]) -> list[existing_documents.Seen]:
        """The live deliveries that name these orders, and sales orders from before a change of the setting."""
        self._seen = existing_documents.pickings_and_sales(self.odoo, orders, self.company)
        return self._seen

    def knows(self, order: Wanted) -> bool:
        """Whether it was created under this key."""
        return self.odoo.reference(external_ids(self.odoo, order.key, order.order)[0]) is not None

    def knows_otherwise(self, order: Wanted) -> bool:
        """Whether it was created as a sales order."""
        _, *sold = self._seen
        if not any(documents.any_of(order.order) for documents in sold):
            return False
        return self.odoo.reference(external_ids(self.odoo, order.key, order.order, SALES)[0]) is not None

    def begun_with(self, order: Wanted, live: Collection[str]) -> Transfers:
        """As `reserving.Way` has it."""
        return begun_with(self.odoo, order.key, order.order, live)

    def made(self, orders: Sequence[Wanted], answers: Answers[Any]) -> dict[str, list[Found]]:
        """Get-or-create, confirmed: as `reserving.Way` has it."""
        ids = load_pickings(self.odoo, orders, self.company, answers)
        pickings = self._confirmed({id for made in ids.values() for id in made})
        return {key: [pickings.get(id, Found(id, "")) for id in made] for key, made in ids.items()}

    def cancel(self, made: Sequence[Found]) -> None:
        """Release the goods that they hold."""
        cancel(self.odoo, [picking.id for picking in made if picking.name], self.company)

    def reference(self, made: Sequence[Found]) -> str:
        """The reference, by their names."""
        return reference(made)

    def url(self, made: Sequence[Found]) -> str:
        """The address of the first one's form."""
        return link(self.odoo, "stock.picking", made[0].id)

    def _confirmed(self, ids: Iterable[int]) -> dict[int, Found]:
        """Confirm drafts, which reserves. Goods that are not reserved then are requested again."""
        all_of_them = sorted(ids)
        if all_of_them:
            each(self.odoo, "action_confirm", all_of_them, self.company)
        pickings = self._read(all_of_them)
        short = [id for id, picking in pickings.items() if lacking(picking)]
        if short:
            each(self.odoo, "action_assign", short, self.company)
            pickings = self._read(all_of_them)
        return pickings

    def _read(self, ids: Sequence[int]) -> dict[int, Found]:
        if not ids:
            return {}
        domain = [("picking_id", "in", sorted(ids))]
        found, self.counted = moves_counted(self.odoo, domain, self.company, self.location, {})
        return by_picking(move for move, _ in found)


SALES = "SALE"
"""The kind of the external ids of sales orders."""


def has_sold(odoo: Odoo, company: int) -> bool:
    """Whether the user has live sales orders, which may be this connector's from before a change of `documents`."""

    def find() -> bool:
        if not odoo.has("stock.picking", "sale_id"):
            return False
        domain = [existing_documents.ours(odoo), ("state", "!=", "cancel")]
        try:
            return bool(odoo.find("sale.order", domain, ["id"], company=company, limit=1))
        except Refused:
            return False  # a user without the right to read them has created none

    return odoo.kept(("has sold", company), find)


def load_pickings(odoo: Odoo, orders: Sequence[Wanted], company: int, answers: Answers[Any]) -> dict[str, list[int]]:
    """The pickings of each order, in the sequence of its plan; those that cannot be created are answered.

    A transfer is created before the delivery that is chained to it, since the delivery names its moves.
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
    ours = {
        picking.xid: (there, order.order)
        for order in orders
        for picking in order.pickings
        if isinstance(there := made.get(picking.xid), int)
    }
    order_links.show(odoo, "stock.picking", ours, company)
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
        **tagged(odoo, "delivery"),
        "move_type": "one",  # otherwise a picking with one partly reserved line is `assigned`
    }
    has_name = odoo.has(*UNNAMED_SINCE)  # required up to 18, removed since
    lines = []
    for place, quantity in picking.moves.items():
        product, _ = place
        line: dict[str, object] = {
            "move_ids/product_id/.id": product.id,
            "move_ids/product_uom_qty": quantity,
            "move_ids/product_uom/.id": product.unit,
            "move_ids/location_id/.id": site.stock,
            "move_ids/location_dest_id/.id": to,
            "move_ids/company_id/.id": site.company.id,  # otherwise Odoo uses the user's first company
            "move_ids/procure_method": "make_to_order" if origins.get(place) else "make_to_stock",
            "move_ids/move_orig_ids/.id": origins.get(place),
        }
        if has_name:
            line["move_ids/name"] = product.name
        lines.append(line)
    return Draft(picking.xid, head, lines)
