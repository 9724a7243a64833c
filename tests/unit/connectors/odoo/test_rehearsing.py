"""Invoices that Odoo computes before anything ships, the tag of documents, and doctor's lines about both."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from fake_odoo import (
    FIXED,
    LOCKED,
    PLAIN,
    RATE,
    RATES,
    TWO,
    FakeOdoo,
    build,
    draft,
    gone,
    item,
    lines,
    odoo_in,
    off_by,
    order,
    picked,
    quant,
    settings,
)
from shipperone_erp import BuildInvoice, Reason, Refused, Reserved, ReserveStock
from shipperone_erp_odoo import rehearsing

GLOBALLY = {"tax_calculation_rounding_method": "round_globally"}
HOME = {"id": 1, "name": "Acme", "country_id": [9, "Slovakia"], "currency_id": [1, "EUR"], "partner_id": [44, "Acme"]}
SHIP: dict[str, object] = {"shipping_product": "MUG", **FIXED}


def company(**more: object) -> dict[str, Any]:
    return {"res.company/search_read": [{**HOME, "sale_lock_date": False, **more}]}


def rounding(cents: str) -> FakeOdoo:
    """An Odoo that rounds globally, and is so many cents off an invoice of 15.00."""
    odoo = off_by(cents)
    odoo.answers |= {**company(**GLOBALLY), "account.move/unlink": True}
    return odoo


def test_a_rehearsed_order_that_odoo_totals_differently_is_reported_and_leaves_nothing_behind():
    odoo = rounding("0.01")
    (line,) = odoo.connector(*RATES, **SHIP).rehearse([TWO])
    assert line.ok is None
    assert "1 of 1 listed order(s) computed in Odoo have another total (FO-1 to 14.99" in line.sentence
    assert "rounding_account" in str(line.cure)
    (made, *_) = odoo.made("account.move")
    assert made["partner_id/.id"] == "44", "made out to the company itself"
    assert "invoice_origin" not in made
    assert "FO-1" not in str(made)
    (removed,) = odoo.calls("account.move/unlink")
    assert removed["ids"] == [57]


def test_a_listed_order_that_comes_to_its_lines_is_one_line():
    odoo = rounding("0.01")
    (line,) = odoo.connector(*RATES, rounding_account="548", **SHIP).rehearse([TWO])
    assert line.ok is True, "its cent goes to the account"
    assert odoo.calls("account.move/unlink")


def test_obstacles_to_an_invoice_are_reported_before_the_order_ships():
    odoo = rounding("0.00")
    found = odoo.connector(RATES[0], **SHIP).rehearse([TWO, order(item("10.00", "23"))])
    assert found[0].ok is None
    assert "1 of 2 listed order(s) tried would be held, tax_not_mapped" in found[0].sentence


def test_where_nothing_is_listed_samples_are_worked_out(monkeypatch):
    monkeypatch.setattr(rehearsing, "PRICES", (D("1.00"),))
    odoo = rounding("0.01")
    (line,) = odoo.connector(*RATES, **SHIP).rehearse([])
    assert "sample(s)" in line.sentence


def test_a_user_that_may_not_delete_a_draft_cancels_it():
    odoo = rounding("0.01")
    odoo.answers["account.move/unlink"] = httpx.Response(
        403, json={"name": "odoo.exceptions.AccessError", "message": "no"}
    )
    odoo.connector(*RATES, **SHIP).rehearse([TWO])
    assert odoo.calls("account.move/button_cancel")


def reserving(odoo: FakeOdoo) -> FakeOdoo:
    picked(odoo, has=5)
    (move,) = odoo.answers["stock.move/search_read"]
    odoo.answers["stock.move/search_read"] = [{**move, "product_uom_qty": 2.0, "quantity": 2.0}]
    stock = {**PLAIN, "stock.quant/search_read": [quant(9)]}
    odoo.answers |= {**stock, "ir.model.data/check_object_reference": ["uom.uom", 1]}
    return odoo


@pytest.mark.parametrize(
    ("method", "account", "held"),
    [("round_globally", None, True), ("round_per_line", None, False), ("round_globally", "548", False)],
)
def test_an_order_that_odoo_cannot_invoice_to_the_cent_is_held_before_it_is_reserved(method, account, held):
    odoo = reserving(off_by("0.01"))
    odoo.answers |= company(tax_calculation_rounding_method=method)
    listed = order(*(one_of(total, rate, id) for total, rate, id in (("10.00", "23", 1), ("5.00", "5", 2))))
    erp = odoo.connector(*RATES, rounding_account=account, **SHIP)
    if held:
        with pytest.raises(Refused, match=r"Odoo would invoice 14.99, but the lines come to 15.00") as refused:
            erp.reserve_stock(ReserveStock("a-1", listed, 1, "arrived"))
        assert (refused.value.reason, refused.value.owner) == (Reason.TOTAL_DIFFERS, "accountant")
        assert "rounding_account" in refused.value.sentence
        assert odoo.made("stock.picking") == []
        assert odoo.calls("account.move/unlink"), "nothing of the draft stays"
    else:
        assert isinstance(erp.reserve_stock(ReserveStock("a-1", listed, 1, "arrived")), Reserved)
        assert odoo.made("account.move") == []


def one_of(total: str, rate: str, id: int) -> Any:
    """As pending_allocation lists it."""
    return replace(item(total, rate, id), line_total_incl_tax=None, row_total_incl_tax=D(total))


def test_a_tag_is_in_the_chatter_and_in_the_merchants_own_field():
    odoo = FakeOdoo(draft(10.0, {"price_unit": 10.0}))
    odoo.answers["mail.message/load"] = {"ids": [1], "messages": []}
    tagging = {"tag": "web & shop", "tag_fields": {"invoice": "x_shop"}, **FIXED}
    build(odoo.connector(RATE, **tagging), order(item()))
    assert odoo.made("account.move")[0]["x_shop"] == "web & shop"
    (message,) = odoo.made("mail.message")
    assert (message["model"], message["body"]) == ("account.move", "<p>ShipperOne: web &amp; shop</p>")
    with pytest.raises(ValidationError, match="tag_fields needs tag"):
        settings(tag_fields={"invoice": "x_shop"})
    with pytest.raises(ValidationError, match="tag_fields"):
        settings(tag="web", tag_fields={"parcel": "x_shop"})


@pytest.mark.parametrize(
    ("expected", "ok", "words"),
    [
        ({"x_shop": {"type": "many2many"}}, True, "gets the tag"), ({}, False, "there is no such field"),
        ({"x_shop": {"type": "integer"}}, False, "its type is integer"),
    ],
)  # fmt: skip
def test_doctor_checks_the_fields_of_tags(expected, ok, words):
    answers = {**odoo_in("SK"), "stock.picking/fields_get": expected, "res.currency/search_read": []}
    found = lines(answers, tag="web", tag_fields={"delivery": "x_shop"})
    (line,) = [line for line in found if line.name == "tag"]
    assert line.ok is ok
    assert words in line.sentence


def ending(*days: float) -> dict[str, Any]:
    now = datetime.now(UTC)
    rows = [{"expiration_date": f"{now + timedelta(days=day):%Y-%m-%d %H:%M:%S}"} for day in days]
    return {"res.users.apikeys/fields_get": {"expiration_date": {}}, "res.users.apikeys/search_read": rows}


@pytest.mark.case("O7")
@pytest.mark.parametrize(
    ("days", "ok", "words"), [((60.5,), True, "in 60 days"), ((-3, 5.5, 60), None, "in 5 days"), ((-3,), "none", "")]
)
def test_a_key_that_ends_soon_is_warned_of_and_one_that_has_ended_is_not_ours(days, ok, words):
    found = [line for line in lines({**odoo_in("SK"), **ending(*days)}) if line.name == "API key"]
    if ok == "none":
        assert found == []
    else:
        assert (found[0].ok, words in found[0].sentence) == (ok, True)


def test_warehouses_of_several_steps_are_refused_where_none_is_mapped_too():
    row = {"id": 2, "code": "WH", "name": "Main", "lot_stock_id": [8, "WH/Stock"], "out_type_id": [3, "x"],
           "int_type_id": [4, "y"], "delivery_steps": "pick_ship"}  # fmt: skip
    found = lines({**odoo_in("SK"), "stock.warehouse/search_read": [row]})
    findings = [line for line in found if line.name == "warehouses"]
    assert [line.ok for line in findings][:3] == [None, True, False]
    assert "WH ships in several steps" in findings[2].sentence


@pytest.mark.case("B7")
def test_an_invoice_that_is_dated_as_it_is_issued_is_not_slipped_out_of_a_locked_period_either():
    ahead = f"{datetime.now(UTC).date() + timedelta(days=20)}"
    locked = {"res.company/search_read": [{**LOCKED["res.company/search_read"][0], "sale_lock_date": ahead}]}

    def unless_invoice(named: dict[str, Any]) -> Any:
        return gone(named) if named["xml_id"].startswith("INV") else ["uom.uom", 1]

    odoo = FakeOdoo({**locked, "ir.model.data/check_object_reference": unless_invoice})
    with pytest.raises(Refused) as refused:
        odoo.connector(RATE, **FIXED).build_invoice(BuildInvoice("i-1", order(item()), 1, None, ()))
    assert refused.value.reason == Reason.ERP_PERIOD_LOCKED
    assert odoo.made("account.move") == []
