"""Releasing: what a reservation still holds is cancelled. A key that Odoo does not know gets a cancelled picking, so
that a reservation that comes late finds it void."""

from shipperone_erp import Done, Refused, ReleaseStock
from shipperone_erp_odoo.odoo import Draft, Odoo
from shipperone_erp_odoo.pickings import backorders, cancel, moves, referred
from shipperone_erp_odoo.sites import Site, customers, own_company, sites
from shipperone_erp_odoo.wanted import external_ids


def release(odoo: Odoo, request: ReleaseStock) -> Done:
    """The goods are free, by this call or an earlier one; what has left the stock stays gone."""
    home = sites(odoo, [request.order.warehouse_code])[request.order.warehouse_code]
    company = own_company(odoo).id if isinstance(home, Refused) else home.company.id
    ids = referred(request.reference or "")
    if not ids:
        xids = external_ids(odoo, request.key, request.order)
        ids = [_marked(odoo, xids[0], request, home)]
        ids += [id for xid in xids[1:] if (id := odoo.reference(xid)) is not None]
    chain = backorders(odoo, ids, company)
    cancel(odoo, [*chain, *_transfers(odoo, chain, company)], company)
    return Done()


def _marked(odoo: Odoo, xid: str, request: ReleaseStock, home: Site | Refused) -> int:
    """The picking of that external id, made empty if there is none."""
    if isinstance(home, Refused):
        raise home
    head = {
        "origin": request.order.order_id,
        "picking_type_id/.id": home.deliveries,
        "location_id/.id": home.stock,
        "location_dest_id/.id": customers(odoo, home.company),
    }
    answer = odoo.load("stock.picking", [Draft(xid, head)], company=home.company.id)[xid]
    if isinstance(answer, Refused):
        raise answer
    return answer


def _transfers(odoo: Odoo, chain: list[int], company: int) -> list[int]:
    """The transfers that these deliveries are chained to."""
    origins = sorted({id for move in moves(odoo, [("picking_id", "in", chain)], company) for id in move.origins})
    return [move.picking for move in moves(odoo, [("id", "in", origins)], company)] if origins else []
