"""The calls of a step: what the first chunk looks up, what each chunk asks, and that a change in Odoo is noticed."""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import httpx
import pytest

from fake_odoo import FIXED, MARCH, PLAIN, RATE, FakeOdoo, build, draft, item, order, picked, quant
from shipperone_erp import (
    BuildInvoice,
    Deliver,
    Done,
    FulfillmentOrder,
    IssueInvoice,
    OrderItem,
    Reason,
    Refused,
    Reservation,
    Reserved,
    ReserveStock,
)
from shipperone_erp_odoo.warehouses import customers, own_company

BOUGHT = order(replace(item(rate="23"), qty=D(5)))
ONE = FulfillmentOrder("FO-1", "main", (OrderItem(item_id=1, sku="MUG", qty=5),), "EUR")

EACH_RESERVES = [
    "product.product/web_search_read", "stock.picking/search_read", "stock.picking/load", "stock.picking/action_confirm",
    "stock.move/web_search_read",
]  # fmt: skip
LOOKED_UP = ["stock.location/web_search_read", "stock.move/fields_get"]
SELLS = {"is_storable": {}, "name": {}, "sale_line_id": {}}
"""The fields of a move up to 18, with the module for sales orders."""


def selling(fields: dict[str, Any]) -> FakeOdoo:
    """An Odoo with the module for sales orders, whose new orders for five are reserved, and whose buyers are new."""
    odoo = picked(FakeOdoo({**PLAIN, "stock.quant/search_read": [quant(20)]}), has=5)
    (move,) = odoo.answers["stock.move/search_read"]
    contact = {
        "id": 31, "name": "Anna", "vat": False, "email": "a@example.com", "is_company": False, "parent_id": False,
        "street": False, "zip": False,
    }  # fmt: skip
    odoo.answers |= {
        "stock.move/fields_get": {**PLAIN["stock.move/fields_get"], "sale_line_id": {}, **fields},
        "stock.move/search_read": [{**move, "sale_id": {"id": 57, "name": "S1"}}],
        "res.partner/search_read": lambda named: [contact] if named["domain"][0][0] == "id" else [],
        "res.partner/load": {"ids": [31], "messages": []},
        "product.pricelist/search_read": [{"id": 4}],
        "sale.order/load": {"ids": [57], "messages": []},
        "sale.order/action_confirm": True,
    }  # fmt: skip
    return odoo


def asked(of: FakeOdoo) -> list[str]:
    """What was called since the last time."""
    calls = [what for what, _ in of.asked]
    of.asked.clear()
    return calls


@pytest.mark.parametrize("fields", [PLAIN["stock.move/fields_get"], SELLS], ids=["without sales", "with sales orders"])
def test_the_first_chunk_looks_up_two_things_once(fields):
    odoo = picked(FakeOdoo({"stock.move/fields_get": fields, "stock.quant/search_read": [quant(20)]}), has=5)
    erp = odoo.connector(protocol="json2")
    assert isinstance(erp.reserve_stock(ReserveStock("a-1", ONE, 1, "arrived")), Reserved)
    each = [
        f"{call[:-11]}web_search_read" if "sale_line_id" in fields and call == "stock.picking/search_read" else call
        for call in EACH_RESERVES
    ]
    assert asked(odoo) == [*LOOKED_UP, *each]
    erp.reserve_stock(ReserveStock("a-2", ONE, 1, "arrived"))
    assert asked(odoo) == each


@pytest.mark.parametrize("name", [{}, {"name": {}}], ids=["19", "up to 18"])
def test_with_a_key_a_moves_fields_show_the_protocol_and_the_first_chunk_is_reserved_in_eight_calls(name):
    fields = {**PLAIN["stock.move/fields_get"], **name}
    odoo = picked(FakeOdoo({"stock.move/fields_get": fields, "stock.quant/search_read": [quant(20)]}), has=5)
    erp = odoo.connector(user="api")
    assert isinstance(erp.reserve_stock(ReserveStock("a-1", ONE, 1, "arrived")), Reserved)
    first = asked(odoo)
    assert first == ["common/login", "stock.move/fields_get", "stock.location/web_search_read", *EACH_RESERVES]
    assert len(first) == 8
    assert erp._odoo.protocol == ("jsonrpc" if name else "json2")
    assert erp._odoo.user_id() == 7
    assert not odoo.asked, "the login has named the user"


def test_an_invoice_is_read_with_its_lines_taxes_and_the_lock_with_the_journals():
    odoo = FakeOdoo(draft(10.0, {"price_unit": 10.0, "sequence": 1_000_010}))
    erp, what = odoo.connector(RATE, **FIXED), order(item(rate="23"))
    built = build(erp, what)
    asked(odoo)
    assert build(erp, what) == built
    assert asked(odoo) == [
        "account.move/search_read", "account.journal/web_search_read", "account.move/load",
        "account.move/web_search_read",
    ], "without a delivery, the lock is read through the journals"  # fmt: skip
    heads = odoo.answers["account.move/search_read"]

    def head(named):
        state = "posted" if odoo.calls("account.move/action_post") else "draft"
        return [] if "write_uid" in str(named["domain"]) else [{**row, "state": state} for row in heads(named)]

    odoo.answers["account.move/search_read"] = head
    odoo.answers["account.move/write"] = True
    assert erp.issue_invoice(IssueInvoice("i-1", built, what, None)).issued
    assert asked(odoo) == [
        "account.move/web_search_read", "res.users/context_get", "account.move/search_read",
        "account.move/action_post", "account.move/web_search_read",
    ]  # fmt: skip


@pytest.mark.parametrize("fields", [PLAIN["stock.move/fields_get"], SELLS], ids=["since 19", "up to 18"])
def test_a_chunk_with_new_buyers_is_built_in_eight_calls_whose_first_one_reads_taxes_or_products(fields):
    contact = {
        "id": 31, "active": True, "name": "Anna", "vat": False, "email": "a@example.com", "is_company": False,
        "parent_id": False, "street": False, "zip": False,
    }  # fmt: skip
    odoo = FakeOdoo(draft(10.0, {"price_unit": 10.0}))
    heads = odoo.answers["account.move/search_read"]
    odoo.answers |= {
        "account.move/search_read": lambda named: [{**row, "partner_id": contact} for row in heads(named)],
        "res.partner/search_read": [], "res.partner/load": {"ids": [31], "messages": []},
        "stock.picking/search_read": [{"id": 70}], "stock.picking/load": {"ids": [70], "messages": []},
        "stock.move/fields_get": fields,
    }  # fmt: skip
    erp, what = odoo.connector(RATE, protocol="json2"), order(item(rate="23"))
    request = BuildInvoice("i-1", what, 1, MARCH, (Reservation("a-1", "WH/OUT/1 (70)", (1,)),))
    each = [
        "account.move/search_read", "stock.picking/web_search_read", "res.partner/search_read", "res.partner/load",
        "account.move/load", "account.move/web_search_read", "stock.picking/load",
    ]  # fmt: skip
    taxes, read = "account.tax/search_read", "product.product/web_search_read"
    erp.build_invoice(request)
    first = asked(odoo)
    assert sorted(first) == sorted([*LOOKED_UP, read, taxes, *each]), "a process that has reserved nothing"
    erp.build_invoice(request)
    assert asked(odoo) == each, "the products were just read"
    reserving = picked(FakeOdoo({**odoo.answers, "stock.quant/search_read": [quant(20)]}), has=5)
    erp = reserving.connector(RATE)
    assert isinstance(erp.reserve_stock(ReserveStock("a-1", ONE, 1, "arrived")), Reserved)
    asked(reserving)
    erp.build_invoice(request)
    assert sorted(asked(reserving)) == sorted([taxes, *each]), "the first chunk after its reservation"


SOLD = [
    "product.product/web_search_read", "sale.order/search_read", "stock.picking/search_read", "res.partner/search_read",
    "sale.order/load", "sale.order/action_confirm", "stock.move/web_search_read",
]  # fmt: skip


@pytest.mark.parametrize("name", [{}, {"name": {}}], ids=["19", "up to 18"])
def test_sales_orders_are_reserved_in_seven_calls_nine_with_new_buyers_and_five_more_once(name):
    odoo = selling(name)
    erp = odoo.connector(RATE, user="api", documents="sale_order", transfers="direct")
    assert isinstance(erp.reserve_stock(ReserveStock("a-1", BOUGHT, 1, "arrived")), Reserved)
    (row,) = odoo.made("sale.order")
    unit, tax = ("product_uom", "tax_id") if name else ("product_uom_id", "tax_ids")
    assert {f"order_line/{unit}/.id", f"order_line/{tax}/.id"} <= row.keys()
    first = asked(odoo)
    once = ["common/login", *LOOKED_UP, "account.tax/search_read", "product.pricelist/search_read"]
    new = ["res.partner/load", "res.partner/search_read"]
    assert sorted(first) == sorted([*once, *SOLD, *new])
    assert isinstance(erp.reserve_stock(ReserveStock("a-2", BOUGHT, 1, "arrived")), Reserved)
    assert asked(odoo) == [*SOLD[:4], *new, *SOLD[4:]]


@pytest.mark.parametrize(("left", "confirmed"), [([57], 2), ([], 1)])
def test_a_sales_order_that_is_confirmed_already_is_left_out_when_odoo_refuses_the_others_with_it(left, confirmed):
    odoo = selling({})
    refused = httpx.Response(422, json={"name": "odoo.exceptions.UserError", "message": "not in a state requiring"})
    orders = {key: replace(BOUGHT, order_id=f"FO-{key}") for key in ("a-1", "a-2")}
    (move,) = odoo.answers["stock.move/search_read"]
    odoo.answers |= {
        "sale.order/load": {"ids": [56, 57], "messages": []},
        "sale.order/action_confirm": lambda named: True if named["ids"] == left else refused,
        "sale.order/search_read": lambda named: [{"id": id} for id in left] if named["domain"][0][0] == "id" else [],
        "stock.move/search_read": [
            {**move, "id": id, "picking_id": [id, f"WH/OUT/{id}"], "sale_id": {"id": id, "name": f"S{id}"}}
            for id in (56, 57)
        ],
    }  # fmt: skip
    erp = odoo.connector(RATE, documents="sale_order", transfers="direct")
    found = erp.reserve_stock_batch([ReserveStock(key, each, 1, "arrived") for key, each in orders.items()])
    assert [type(answer) for answer in found.values()] == [Reserved, Reserved]
    assert [named["ids"] for named in odoo.calls("sale.order/action_confirm")] == [[56, 57], left][:confirmed]


def test_whole_orders_are_delivered_in_four_calls_after_their_reservation():
    odoo = picked(FakeOdoo({**PLAIN, "stock.quant/search_read": [quant(20)]}), has=5)
    erp = odoo.connector()
    reserved = erp.reserve_stock(ReserveStock("a-1", ONE, 1, "arrived"))
    asked(odoo)
    (move,) = odoo.answers["stock.move/search_read"]
    odoo.answers |= {
        "stock.move/load": {"ids": [71], "messages": []},
        "stock.picking/button_validate": lambda named: (
            odoo.answers.update({"stock.move/search_read": [{**move, "state": "done", "origin": "i-1"}]}) or True
        ),
    }
    assert erp.deliver(Deliver("i-1", ONE, (Reservation("a-1", reserved.reference, (1,)),))) == Done()
    assert asked(odoo) == [
        "stock.move/web_search_read", "stock.move/load", "stock.picking/button_validate", "stock.move/web_search_read",
    ]  # fmt: skip


def test_a_warehouse_and_a_place_for_customers_that_are_made_later_are_found_at_once():
    odoo = picked(FakeOdoo({**PLAIN, "stock.quant/search_read": [quant(20)]}), has=5)
    houses, places = odoo.answers["stock.warehouse/search_read"], odoo.answers["stock.location/search_read"]
    odoo.answers |= {"stock.warehouse/search_read": [], "stock.location/search_read": []}
    erp = odoo.connector()
    with pytest.raises(Refused, match="no warehouse with the short name main in Acme") as refused:
        erp.reserve_stock(ReserveStock("a-1", ONE, 1, "arrived"))
    assert refused.value.reason == Reason.WAREHOUSE_UNKNOWN
    odoo.answers["stock.warehouse/search_read"] = houses
    with pytest.raises(Refused, match="Acme has no customer location in Odoo") as refused:
        erp.reserve_stock(ReserveStock("a-1", ONE, 1, "arrived"))
    odoo.answers["stock.location/search_read"] = places
    assert isinstance(erp.reserve_stock(ReserveStock("a-1", ONE, 1, "arrived")), Reserved)
    assert customers(erp._odoo, own_company(erp._odoo)) == 6


def test_a_company_that_the_user_is_given_later_is_found_at_once():
    odoo = picked(FakeOdoo({**PLAIN, "stock.quant/search_read": [quant(20)]}), has=5)
    (company,) = odoo.answers["res.company/search_read"]
    erp = odoo.connector(company="Other")
    with pytest.raises(Refused, match="has no access to a company named 'Other'"):
        own_company(erp._odoo)
    odoo.answers["res.company/search_read"] = [{**company, "name": "Other"}]
    assert own_company(erp._odoo).name == "Other"


def test_the_company_of_a_user_that_may_not_read_warehouses_is_known():
    denied = {"name": "odoo.exceptions.AccessError", "message": "Inventory/User is needed"}
    odoo = FakeOdoo({"stock.location/search_read": httpx.Response(403, json=denied)})
    assert own_company(odoo.connector()._odoo).name == "Acme"


def test_taxes_of_the_settings_are_read_together():
    odoo = FakeOdoo(draft(10.0, {"price_unit": 10.0}))
    rates = {"percent": 23, "tax": "23 %"}, {"percent": 5, "tax": "5 %"}
    erp = odoo.connector(*rates, **FIXED)
    build(erp, order(item(rate="23")))
    build(erp, order(item(rate="5")))
    assert len(odoo.calls("account.tax/search_read")) == 1
    assert [row["invoice_line_ids/tax_ids/.id"] for row in odoo.made("account.move")] == ["1", "2"]
