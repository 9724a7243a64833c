"""ShipperOne's SKUs, warehouses and quantities in Tryton."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_tryton.erp import Books


def products(books: Books, skus: Iterable[str]) -> dict[str, Any]:
    """The product of each SKU, which is its code. Refused if there is none, several, or only an inactive one."""
    wanted = sorted(set(skus))
    found: dict[str, list[Any]] = {sku: [] for sku in wanted}
    Product = books.model("product.product")
    for product in Product.search([("code", "in", wanted), ("active", "in", [True, False])]):
        found[product.code].append(product)
    return {sku: _only(sku, records) for sku, records in found.items()}


def _only(sku: str, records: list[Any]) -> Any:
    active = [product for product in records if product.active]
    if len(active) == 1:
        return active[0]
    if active:
        raise Refused(Reason.PRODUCT_AMBIGUOUS, f"{len(active)} products have the code {sku} in Tryton")
    if records:
        raise Refused(Reason.PRODUCT_ARCHIVED, f"the product {sku} is not active in Tryton")
    raise Refused(Reason.PRODUCT_UNKNOWN, f"no product has the code {sku} in Tryton")


def warehouse(books: Books, code: str) -> Any:
    """The warehouse of ShipperOne's code."""
    mapped = books.settings.warehouses
    name = mapped.get(code) if mapped else code
    if name is None:
        known = ", ".join(sorted(mapped))
        raise Refused(Reason.WAREHOUSE_UNKNOWN, f"`warehouses` does not map ShipperOne's {code} (it has: {known})")
    found = books.search("stock.location", [("type", "=", "warehouse"), ("code", "=", name)])
    if len(found) != 1:
        raise Refused(Reason.WAREHOUSE_UNKNOWN, f"{len(found) or 'no'} warehouses have the code {name} in Tryton")
    return found[0]


def quantity(product: Any, qty: Decimal) -> float:
    """The quantity in the product's unit. Refused if that unit does not permit such a fraction."""
    unit = product.default_uom
    number = float(qty)
    if unit.round(number) != number:
        raise Refused(
            Reason.UNIT_UNCLEAR,
            f"{qty} of {product.code}: its unit in Tryton is {unit.rec_name}, which is rounded to {unit.rounding:g}",
            Owner.IT,
        )
    return number
