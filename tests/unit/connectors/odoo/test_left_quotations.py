"""Quotations of the connector's own that were never confirmed: cancelled with the issue of their order, shown by doctor."""

from typing import Any

import httpx
import pytest

from fake_odoo import FIXED, RATE, FakeOdoo, build, draft, item, lines, odoo_in, order
from shipperone_erp import IssueInvoice

LEFT = {"id": 57, "name": "S1", "state": "draft", "origin": "FO-1", "client_order_ref": "FO-1", "locked": False}
SELLS = {"is_storable": {}, "sale_line_id": {}}


def issued(quotations: list[dict[str, Any]], *, ours: bool = True, cancelled: Any = True, **settings: Any) -> FakeOdoo:
    """An order is issued in an Odoo that has these."""
    odoo = FakeOdoo(draft(10.0, {"price_unit": 10.0, "sequence": 1_000_010}))
    heads = odoo.answers["account.move/search_read"]

    def head(named: dict[str, Any]) -> list[dict[str, Any]]:
        state = "posted" if odoo.calls("account.move/action_post") else "draft"
        return [] if "write_uid" in str(named["domain"]) else [{**row, "state": state} for row in heads(named)]

    odoo.answers |= {
        "stock.move/fields_get": SELLS, "account.move/search_read": head, "account.move/write": True,
        "sale.order/search_read": lambda named: [] if "invoice_ids.state" in str(named["domain"]) else quotations,
        "sale.order/action_cancel": cancelled,
        "sale.order/get_external_id": lambda named: {
            str(id): "__shipperone__.SALE_a-1" if ours else "sale.demo" for id in named["ids"]
        },
    }  # fmt: skip
    erp, what = odoo.connector(RATE, **FIXED, **settings), order(item(rate="23"))
    built = build(erp, what)
    assert erp.issue_invoice(IssueInvoice("i-1", built, what, None)).issued
    return odoo


def test_ours_is_cancelled_when_its_order_is_issued():
    assert [named["ids"] for named in issued([LEFT]).calls("sale.order/action_cancel")] == [[57]]


def test_a_users_quotation_is_left():
    assert issued([LEFT], ours=False).calls("sale.order/action_cancel") == []


def test_without_any_one_call_is_made_and_its_answer_is_kept():
    assert len(issued([]).calls("sale.order/search_read")) == 1


def test_with_sales_orders_a_quotation_is_the_reservation_itself():
    assert issued([LEFT], documents="sale_order", transfers="direct").calls("sale.order/search_read") == []


def test_an_invoice_is_issued_even_if_odoo_refuses_the_cancellation():
    refused = httpx.Response(403, json={"name": "odoo.exceptions.AccessError", "message": "not allowed"})
    issued([LEFT], cancelled=refused)


@pytest.mark.parametrize("ours", [True, False])
def test_doctor_names_them(ours):
    answers = {
        **odoo_in("SK"), "stock.move/fields_get": SELLS, "ir.model.data/check_object_reference": ["uom.uom", 1],
        "uom.uom/search_read": [], "product.product/search_read": [], "sale.order/search_read": [LEFT],
        "sale.order/get_external_id": {"57": "__shipperone__.SALE_a-1" if ours else "sale.demo"},
    }  # fmt: skip
    found = [line for line in lines(answers) if "never confirmed" in line.sentence]
    assert [line.ok for line in found] == [None] * ours
    assert all("S1" in line.sentence and line.cure for line in found)
