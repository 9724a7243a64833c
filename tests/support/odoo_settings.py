"""Settings and products of the Odoo connector for tests of its pure functions."""

from decimal import Decimal as D

from shipperone_erp_odoo import OdooSettings
from shipperone_erp_odoo.products import Product


def product(sku: str = "MUG", pieces: D | None = D(1)) -> Product:
    return Product(
        id=1, sku=sku, name=sku.title(), unit=1, unit_name="Dozens", pieces=pieces, stored=True, service=False,
        kit=False, taxes=(9,),
    )  # fmt: skip


def settings(**more: object) -> OdooSettings:
    given = {"url": "https://erp.example", "database": "shop", "api_key": "k", "shipping_product": "SHIP", **more}
    return OdooSettings.model_validate(given)
