"""Which products are read again when an order that was reserved is invoiced or delivered."""

from decimal import Decimal as D
from typing import Any

import pytest

from fake_odoo import FIXED, PLAIN, PRODUCT, RATE, FakeOdoo, build, draft, item, order
from shipperone_erp import Reason, Refused
from shipperone_erp_odoo import products
from shipperone_erp_odoo.products import Product, recent_products

READ = "product.product/web_search_read"
ROWS = "product.product/search_read"


def reads(odoo: FakeOdoo) -> list[list[str]]:
    """The SKUs of each call for products."""
    return [named["domain"][0][2] for named in odoo.calls(READ)]


def test_only_products_that_were_not_read_lately_are_read():
    cup = {**PRODUCT, "id": 6, "default_code": "CUP"}
    odoo = FakeOdoo(
        {**PLAIN, ROWS: lambda named: [row for row in (PRODUCT, cup) if row["default_code"] in named["domain"][0][2]]}
    )
    erp = odoo.connector()._odoo
    assert isinstance(recent_products(erp, ["MUG"], 1)["MUG"], Product)
    found = recent_products(erp, ["MUG", "CUP"], 1)
    assert {sku: product.id for sku, product in found.items()} == {"MUG": 5, "CUP": 6}
    assert recent_products(erp, ["MUG", "CUP"], 1) == found
    assert reads(odoo) == [["MUG"], ["CUP"]]
    recent_products(erp, ["MUG"], 2)
    assert reads(odoo)[2:] == [["MUG"]], "another company"


def test_a_product_is_read_again_after_some_minutes(monkeypatch):
    odoo = FakeOdoo(PLAIN)
    erp = odoo.connector()._odoo
    recent_products(erp, ["MUG"], 1)
    monkeypatch.setattr(products, "KEPT_FOR", -1.0)
    recent_products(erp, ["MUG"], 1)
    assert reads(odoo) == [["MUG"], ["MUG"]]
    assert erp.own("products", object)._read.keys() == {(1, "MUG")}, "what is too old is forgotten"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], Reason.PRODUCT_UNKNOWN),
        ([{**PRODUCT, "active": False}], Reason.PRODUCT_ARCHIVED),
        ([PRODUCT, {**PRODUCT, "id": 6}], Reason.PRODUCT_AMBIGUOUS),
    ],
)
def test_a_refusal_is_read_again(rows, reason):
    odoo = FakeOdoo({**PLAIN, ROWS: rows})
    erp = odoo.connector()._odoo
    refused = recent_products(erp, ["MUG"], 1)["MUG"]
    assert isinstance(refused, Refused)
    assert refused.reason == reason
    odoo.answers[ROWS] = [PRODUCT]
    assert isinstance(recent_products(erp, ["MUG"], 1)["MUG"], Product)


def test_a_product_that_is_found_archived_is_not_taken_for_an_active_one():
    odoo = FakeOdoo({**PLAIN, ROWS: [{**PRODUCT, "active": False}]})
    erp = odoo.connector()._odoo
    assert isinstance(recent_products(erp, ["MUG"], 1, archived=True)["MUG"], Product)
    assert isinstance(recent_products(erp, ["MUG"], 1)["MUG"], Refused)


def test_a_refused_reading_takes_the_place_of_an_earlier_one():
    odoo = FakeOdoo(PLAIN)
    erp = odoo.connector()._odoo
    recent_products(erp, ["MUG"], 1)
    odoo.answers[ROWS] = [{**PRODUCT, "active": False}]
    assert isinstance(products.products(erp, ["MUG"], 1)["MUG"], Refused)
    assert isinstance(recent_products(erp, ["MUG"], 1)["MUG"], Refused)


def test_the_shipping_products_own_tax_is_never_an_earlier_one():
    ship = {**PRODUCT, "id": 6, "default_code": "SHIP"}
    odoo = FakeOdoo({**draft(10.0, {"price_unit": 10.0}), ROWS: [PRODUCT, ship]})
    erp = odoo.connector(RATE, **FIXED, shipping_product="SHIP", shipping_tax="product")
    what = order(item(), shipping_amount_incl_tax=D("4.99"))
    build(erp, what)
    odoo.answers[ROWS] = [PRODUCT, {**ship, "taxes_id": [2]}]
    build(erp, what)
    taxes = [row["invoice_line_ids/tax_ids/.id"] for row in odoo.made("account.move")]
    assert taxes == ["1", "1", "1", "2"], "of the item and of shipping, twice"


@pytest.mark.parametrize(("tax", "then"), [("product", "2"), ("23 %", "1")])
def test_a_products_own_tax_is_never_an_earlier_one(tax, then):
    """With a tax of the settings the product's own does not matter, and is not read."""
    odoo = FakeOdoo({**draft(10.0, {"price_unit": 10.0}), ROWS: [PRODUCT]})
    rules: list[dict[str, Any]] = [{**RATE, "tax": tax}]
    erp = odoo.connector(*rules, **FIXED)
    build(erp, order(item()))
    odoo.answers[ROWS] = [{**PRODUCT, "taxes_id": [2]}]
    build(erp, order(item()))
    assert [row["invoice_line_ids/tax_ids/.id"] for row in odoo.made("account.move")] == ["1", then]
