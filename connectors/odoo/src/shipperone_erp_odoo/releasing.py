"""Releasing: the goods that a reservation still holds are cancelled.

An unknown key gets a cancelled document, so that a late reservation finds it void.
"""

from collections.abc import Sequence

from shipperone_erp import Done, Refused, ReleaseStock
from shipperone_erp_odoo import sales
from shipperone_erp_odoo.odoo import Draft, Odoo, one
from shipperone_erp_odoo.picking_loader import has_sold
from shipperone_erp_odoo.picking_plan import Transfers, external_ids
from shipperone_erp_odoo.pickings import backorders, cancel, moves, referred
from shipperone_erp_odoo.sale_orders import SALE
from shipperone_erp_odoo.warehouses import Site, customers, own_company, sites


def release(odoo: Odoo, request: ReleaseStock) -> Done:
    """Release the goods, by this call or an earlier one; delivered goods stay delivered."""
    home = sites(odoo, [request.order.warehouse_code])[request.order.warehouse_code]
    company = own_company(odoo).id if isinstance(home, Refused) else home.company.id
    ids = referred(request.reference or "")
    orders = sales.referred(request.reference or "")
    if not ids and not orders:
        xids = external_ids(odoo, request.key, request.order)
        if odoo.settings.documents == "sale_order":
            first, *others = external_ids(odoo, request.key, request.order, SALE)
            orders = [_marked_sale(odoo, first, request, home), *_there(odoo, others)]
            ids = _there(odoo, xids)  # made before the setting was changed
        else:
            ids = [_marked(odoo, xids[0], request, home), *_from_elsewhere(odoo, request)]
            if has_sold(odoo, company):  # made before the setting was changed
                orders = _there(odoo, external_ids(odoo, request.key, request.order, SALE, "direct"))
    sales.cancel(odoo, orders, company)
    if ids:
        chain = backorders(odoo, ids, company)
        cancel(odoo, [*chain, *_transfers(odoo, chain, company)], company)
    return Done()


def _from_elsewhere(odoo: Odoo, request: ReleaseStock) -> list[int]:
    """The transfers of the order's goods from other warehouses. None of them may mean that `transfers` was changed."""
    ways: list[Transfers] = ["internal", "direct"]
    for way in sorted(ways, key=lambda way: way != odoo.settings.transfers):
        if found := _there(odoo, external_ids(odoo, request.key, request.order, transfers=way)[1:]):
            return found
    return []


def _there(odoo: Odoo, xids: Sequence[str]) -> list[int]:
    return [id for xid in xids if (id := odoo.reference(xid)) is not None]


def _marked(odoo: Odoo, xid: str, request: ReleaseStock, home: Site | Refused) -> int:
    """The picking of that external id; created empty if there is none."""
    if isinstance(home, Refused):
        raise home
    head: dict[str, object] = {
        "origin": request.order.order_id,
        "picking_type_id/.id": home.deliveries,
        "location_id/.id": home.stock,
        "location_dest_id/.id": customers(odoo, home.company),
    }
    return _loaded(odoo, "stock.picking", Draft(xid, head), home)


def _marked_sale(odoo: Odoo, xid: str, request: ReleaseStock, home: Site | Refused) -> int:
    """The sales order of that external id; created empty, for the company itself, if there is none."""
    if isinstance(home, Refused):
        raise home
    at = home.company.id
    (row,) = odoo.find("res.company", [("id", "=", at)], ["partner_id"], company=at)
    head: dict[str, object] = {
        "origin": request.order.order_id,
        "company_id/.id": at,
        "partner_id/.id": one(row["partner_id"]),
        "user_id/.id": odoo.user_id(),
    }
    return _loaded(odoo, "sale.order", Draft(xid, head), home)


def _loaded(odoo: Odoo, model: str, mark: Draft, home: Site) -> int:
    answer = odoo.load(model, [mark], company=home.company.id)[mark.xid]
    if isinstance(answer, Refused):
        raise answer
    return answer


def _transfers(odoo: Odoo, chain: list[int], company: int) -> list[int]:
    """The transfers that these deliveries are chained to."""
    origins = sorted({id for move in moves(odoo, [("picking_id", "in", chain)], company) for id in move.origins})
    return [move.picking for move in moves(odoo, [("id", "in", origins)], company)] if origins else []
