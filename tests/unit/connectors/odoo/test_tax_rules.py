"""The tax of an invoiced item, and refusals before anything is made in Odoo."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest

from fake_odoo import (
    FIXED,
    HOME,
    LOCKED,
    MARCH,
    PRODUCT,
    RATE,
    RATES,
    TWO,
    FakeOdoo,
    build,
    draft,
    gone,
    item,
    off_by,
    order,
    settings,
)
from shipperone_erp import BuildInvoice, Reason, Refused, Reservation
from shipperone_erp_odoo.tax_rules import rule_for


@pytest.mark.case("B6")
def test_the_first_rule_that_fits_is_taken_and_none_is_held():
    known = settings(
        {"country": "AT", "business": True, "tax": "reverse"},
        {"country": "at", "percent": 20, "tax": "oss"},
        {"percent": 23, "tax": "home"},
    )
    assert rule_for(known, HOME, "AT", business=True, percent=D(20)).tax == "reverse"
    assert rule_for(known, HOME, "AT", business=False, percent=D("20.00")).tax == "oss"
    assert rule_for(known, HOME, "SK", business=True, percent=D(23)).tax == "home"
    with pytest.raises(Refused, match="5 % for a private buyer, delivered to SK") as refused:
        rule_for(known, HOME, "SK", business=False, percent=D(5))
    assert refused.value.reason == Reason.TAX_NOT_MAPPED


@pytest.mark.parametrize(
    ("country", "business", "percent"),
    [("AT", False, None), ("SK", True, None), ("SK", False, D(23)), ("", False, None)],
)
def test_the_products_own_tax_is_for_private_buyers_at_home_where_no_rate_is_stated(country, business, percent):
    own = settings({"tax": "product"})
    assert rule_for(own, HOME, "SK", business=False, percent=None).tax == "product"
    with pytest.raises(Refused, match='tax = "product" is for items without a rate, at home') as refused:
        rule_for(own, HOME, country, business=business, percent=percent)
    assert refused.value.reason == Reason.TAX_NOT_MAPPED
    nowhere = replace(HOME, country=None)
    with pytest.raises(Refused):
        rule_for(own, nowhere, "", business=False, percent=None)


@pytest.mark.parametrize("wrong", [{"percent": 23}, {"business": True}])
def test_the_products_own_tax_goes_with_no_rate_and_no_business(wrong):
    with pytest.raises(ValueError, match="leave out percent"):
        settings({"tax": "product", **wrong})


def test_the_products_own_tax_is_on_the_invoice_and_no_position_that_odoo_detects():
    odoo = FakeOdoo(draft(10.0, {"price_unit": 10.0}))
    built = build(odoo.connector({"tax": "product"}, **FIXED), order(item()))
    (row,) = odoo.made("account.move")
    assert row["invoice_line_ids/tax_ids/.id"] == "1"
    assert row["fiscal_position_id/.id"] == "", "an empty cell: Odoo works out none of its own"
    assert [(line.total_incl_tax, line.tax_percent) for line in built.lines] == [(D("10.00"), 23)]


def test_a_position_is_odoos_own_only_on_purpose():
    odoo = FakeOdoo(draft(10.0, {"price_unit": 10.0}))
    build(odoo.connector({"tax": "23 %", "fiscal_position": "auto"}, **FIXED), order(item()))
    assert "fiscal_position_id/.id" not in odoo.made("account.move")[0]


def test_a_product_whose_tax_is_added_is_invoiced_by_the_entry_of_that_rate():
    added = {"product.product/search_read": [{**PRODUCT, "taxes_id": [3]}]}
    odoo = FakeOdoo({**draft(10.0, {"price_unit": 10.0}), **added})
    build(odoo.connector({"tax": "product"}, {"percent": 23, "tax": "23 %"}, **FIXED), order(item()))
    assert odoo.made("account.move")[0]["invoice_line_ids/tax_ids/.id"] == "1"
    without = FakeOdoo(added)
    with pytest.raises(Refused, match="23 % added is not included in its price: add an entry for 23 %") as refused:
        build(without.connector({"tax": "product"}, **FIXED), order(item()))
    assert (refused.value.reason, refused.value.owner) == (Reason.TAX_NOT_MAPPED, "accountant")
    assert without.made("account.move") == []


@pytest.mark.parametrize(("own", "expected"), [([], "no sale taxes"), ([1, 2], "2 sale taxes of Acme (23 %, 5 %)")])
def test_a_product_has_one_tax_of_its_own_or_is_held(own, expected):
    odoo = FakeOdoo({"product.product/search_read": [{**PRODUCT, "taxes_id": own}]})
    with pytest.raises(Refused) as refused:
        build(odoo.connector({"tax": "product"}, **FIXED), order(item()))
    assert refused.value.reason == Reason.TAX_NOT_MAPPED
    assert expected in refused.value.sentence


def test_a_locked_day_is_refused_before_anything_is_made():
    odoo = FakeOdoo({**LOCKED, "ir.model.data/check_object_reference": unless_invoice})
    with pytest.raises(Refused, match="order retry ID --issue-date") as refused:
        build(odoo.connector(RATE, **FIXED), order(item()))
    assert (refused.value.reason, refused.value.owner) == (Reason.ERP_PERIOD_LOCKED, "accountant")
    assert odoo.made("account.move") == []
    later = FakeOdoo({**LOCKED, **draft(10.0, {"price_unit": 10.0})})
    assert build(later.connector(RATE, **FIXED), order(item()), issued=date(2026, 4, 1)).total_incl_tax == 10


def test_the_lock_is_read_with_the_deliveries_of_the_reservations():
    delivery = {"stock.picking/search_read": [{"id": 70, "partner_id": 30}]}
    odoo = FakeOdoo({**LOCKED, **delivery, "ir.model.data/check_object_reference": unless_invoice})
    live = (Reservation("a-1", "WH/OUT/1 (70)", (1,)),)
    with pytest.raises(Refused) as refused:
        odoo.connector(RATE, **FIXED).build_invoice(BuildInvoice("i-1", order(item()), 1, MARCH, live))
    assert refused.value.reason == Reason.ERP_PERIOD_LOCKED
    assert odoo.calls("account.journal/web_search_read") == []


def unless_invoice(named: dict[str, Any]) -> Any:
    return gone(named) if named["xml_id"].startswith("INV") else ["uom.uom", 1]


def test_a_draft_of_a_day_that_was_locked_since_is_refused_too():
    odoo = FakeOdoo({**LOCKED, **draft(10.0, {"price_unit": 10.0})})
    with pytest.raises(Refused) as refused:
        build(odoo.connector(RATE, **FIXED), order(item()))
    assert refused.value.reason == Reason.ERP_PERIOD_LOCKED


def test_a_foreign_currency_without_a_rate_is_refused_before_anything_is_made():
    foreign = {"res.currency/search_read": [{"id": 2, "name": "USD", "decimal_places": 2}]}
    odoo = FakeOdoo(foreign)
    with pytest.raises(Refused, match="no rate in Odoo, which would treat 1 USD as 1 EUR") as refused:
        build(odoo.connector(RATE, **FIXED), order(item(), currency="USD"))
    assert (refused.value.reason, refused.value.owner) == (Reason.CURRENCY_DIFFERS, "accountant")
    assert odoo.made("account.move") == []
    rated = FakeOdoo({**foreign, **draft(10.0, {"price_unit": 10.0}), "res.currency.rate/search_read": [{"id": 1}]})
    assert build(rated.connector(RATE, **FIXED), order(item(), currency="USD")).total_incl_tax == 10


@pytest.mark.parametrize("cents", ["0.01", "-0.02"])
def test_a_cent_that_odoo_is_off_goes_to_the_rounding_account(cents):
    odoo = off_by(cents)
    built = build(odoo.connector(*RATES, rounding_account="548", **FIXED), TWO)
    (write,) = odoo.calls("account.move/write")
    ((_, _, line),) = write["vals"]["invoice_line_ids"]
    assert (line["account_id"], D(str(line["price_unit"])), line["tax_ids"]) == (90, D(cents), [[6, 0, []]])
    assert built.total_incl_tax == 15
    assert [(one.item_id, one.total_incl_tax) for one in built.lines] == [(1, 10), (2, 5)]
    again = build(odoo.connector(*RATES, rounding_account="548", **FIXED), TWO)
    assert again == built
    assert len(odoo.calls("account.move/write")) == 1


@pytest.mark.parametrize(("cents", "account"), [("0.01", None), ("0.03", "548")])
def test_without_an_account_or_for_more_than_rounding_nothing_is_made_up(cents, account):
    odoo = off_by(cents)
    built = build(odoo.connector(*RATES, rounding_account=account, **FIXED), TWO)
    assert odoo.calls("account.move/write") == []
    assert built.total_incl_tax == 15 - D(cents)


def test_a_draft_changed_by_a_user_gets_no_rounding_line():
    odoo = off_by("0.01")
    odoo.answers |= draft(14.0, {"price_unit": 9.0}, {"price_unit": 5.0, "sequence": 1_000_020, "tax_ids": [2]})
    built = build(odoo.connector(*RATES, rounding_account="548", **FIXED), TWO)
    assert odoo.calls("account.move/write") == []
    assert built.total_incl_tax == 14
