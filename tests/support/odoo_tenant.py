"""A tenant whose ERP is a real Odoo server."""

from decimal import Decimal as D
from typing import Any

from shipperone_erp_odoo.seeding import Seed
from world import World


def connect(world: World, seed: Seed, about: dict[str, Any], **settings: str) -> None:
    """The tenant's table, as docs/how-to/odoo.md has it."""
    secret = "api_key" if about["protocol"] == "json2" else "password"
    world.settings |= {"connector": '"odoo"', "hook_timeout": '"110s"'}
    world.environment["ODOO_SECRET"] = str(about["secret"])
    world.erp_settings = {
        "url": f'"{seed.admin.url}"', "database": f'"{seed.admin.database}"', "user": f'"{seed.login}"',
        secret: '{ env = "ODOO_SECRET" }', "protocol": f'"{about["protocol"]}"',
        "shipping_product": f'"{seed.sku("SHIP")}"', **settings,
    }  # fmt: skip
    world.more = f"""
[tenants.acme.odoo.warehouses.main]
code = "{seed.code("A")}"
[tenants.acme.odoo.warehouses.far]
code = "{seed.code("B")}"
[[tenants.acme.odoo.taxes]]
percent = 21
tax = "{seed.tag} 21 % incl."
"""


def reserved(seed: Seed, product: int) -> D:
    """How much of it is reserved anywhere in the house."""
    domain = [("product_id", "=", product), ("location_id.usage", "=", "internal")]
    rows = seed.admin.find("stock.quant", domain, ["reserved_quantity"])
    return sum((D(str(row["reserved_quantity"])) for row in rows), D(0))


def second_company(seed: Seed) -> dict[str, Any]:
    """Another company with a chart of accounts, a warehouse and a tax of its own; the user works in both."""
    admin = seed.admin
    name = f"Second {seed.tag}"
    country = admin.find("res.company", [("id", "=", seed.company)], ["country_id"])[0]["country_id"][0]
    company = admin.make("res.company", name=name, country_id=country)
    me = admin.call("res.users", "context_get")["uid"]
    for user in (me, seed.user):
        admin.call("res.users", "write", [user], {"company_ids": [(4, company)]})
    chart = admin.find("res.company", [("id", "=", seed.company)], ["chart_template"])[0]["chart_template"]
    around = {"allowed_company_ids": [company, seed.company]}
    if not admin.find("account.journal", [("type", "=", "sale"), ("company_id", "=", company)], ["id"]):
        admin.call("account.chart.template", "try_loading", [], chart, company, install_demo=False, context=around)
    code = seed.code("C")
    fields = ["code", "lot_stock_id", "out_type_id"]
    there = admin.find("stock.warehouse", [("company_id", "=", company)], ["id"])
    if there:
        admin.call("stock.warehouse", "write", [there[0]["id"]], {"code": code}, context=around)
    else:
        admin.make("stock.warehouse", name=f"Third {seed.tag}", code=code, company_id=company)
    (house,) = admin.find("stock.warehouse", [("code", "=", code)], fields, context=around)
    seed.warehouses["C"] = house
    seed.tax(23, company)
    return {"id": company, "name": name, "code": code}
