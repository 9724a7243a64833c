"""The free quantity of ShipperOne's SKUs in its warehouses, before any reservation. Reads only."""

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from shipperone_erp import FreeStock, Goods, Reason, Refused
from shipperone_erp_odoo.kits import Parts, parts
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.products import Product, counted_products
from shipperone_erp_odoo.stock import counts
from shipperone_erp_odoo.warehouses import Company, Site, sites

Asked = tuple[Goods, Site]


def free_stock(odoo: Odoo, goods: Sequence[Goods]) -> list[FreeStock]:
    """An answer for each: the reservable quantity by Odoo's counts, or the reason for refusing an order of it."""
    known = sites(odoo, [each.warehouse_code for each in goods])
    found: list[FreeStock] = []
    by_company: dict[Company, list[Asked]] = {}
    for each in dict.fromkeys(goods):
        site = known[each.warehouse_code]
        if isinstance(site, Refused):
            found.append(_refused(each, site))
        else:
            by_company.setdefault(site.company, []).append((each, site))
    for company, asked in by_company.items():
        found += _of_company(odoo, company, asked)
    return found


def _of_company(odoo: Odoo, company: Company, asked: Sequence[Asked]) -> list[FreeStock]:
    location, _ = Counter(site.stock for _, site in asked).most_common(1)[0]
    known, counted = counted_products(odoo, {each.sku for each, _ in asked}, company.id, location)
    found: list[FreeStock] = []
    whole: list[tuple[Goods, Site, Product, Parts]] = []
    for each, site in asked:
        try:
            product = known[each.sku]
            if isinstance(product, Refused):
                raise product
            if product.service:
                sentence = f'"{each.sku}" is a service in Odoo, which has no stock to reserve'
                raise Refused(Reason.ERP_REFUSED, sentence)
            product.quantity(Decimal(0))  # refused if its unit is unknown
            one_piece = parts(odoo, product, Decimal(1), company.id)
        except Refused as refused:
            found.append(_refused(each, refused))
        else:
            whole.append((each, site, product, one_piece))
    places = {(site.stock, part.id) for _, site, _, kept in whole for part, _ in kept if part.stored}
    unknown = sorted(places - counted.keys())
    counted |= counts(odoo, unknown, company.id) if unknown else {}
    for each, site, product, kept in whole:
        free = [counted[site.stock, part.id].free / amount for part, amount in kept if part.stored]
        pieces = product.in_pieces(min(free)).quantize(Decimal("0.001"), ROUND_DOWN) if free else None
        found.append(FreeStock(each.sku, each.warehouse_code, pieces))
    return found


def _refused(goods: Goods, refused: Refused) -> FreeStock:
    return FreeStock(goods.sku, goods.warehouse_code, None, refused.reason, refused.sentence)
