"""The free quantity of ShipperOne's SKUs in its warehouses, before any reservation. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from shipperone_erp import FreeStock, Goods, Refused
from shipperone_erp_tryton.erp import Books
from shipperone_erp_tryton.products import products, warehouse
from shipperone_erp_tryton.stock import available


def free_stock(books: Books, goods: Sequence[Goods]) -> list[FreeStock]:
    """An answer for each: the quantity on hand and not assigned, or the reason why an order of it would be refused."""
    found: list[FreeStock] = []
    places: dict[Any, set[Any]] = defaultdict(set)
    counted: list[tuple[Goods, Any, Any]] = []
    for each in goods:
        try:
            product = products(books, [each.sku])[each.sku]
            storage = warehouse(books, each.warehouse_code).storage_location
        except Refused as refused:
            found.append(FreeStock(each.sku, each.warehouse_code, None, refused.reason, refused.sentence))
            continue
        if product.consumable or product.type == "service":  # such products have no stock, and are not reserved
            found.append(FreeStock(each.sku, each.warehouse_code))
            continue
        places[storage].add(product)
        counted.append((each, storage, product))
    free = available(books, places)
    for each, storage, product in counted:
        pieces = max(free[storage.id, product.id], Decimal(0))
        found.append(FreeStock(each.sku, each.warehouse_code, pieces))
    return found
