"""Documents that name an order, from before a change of `documents`, are found in one call with its deliveries."""

from typing import Any

import pytest

from fake_odoo import FakeOdoo
from shipperone_erp import FulfillmentOrder, OrderItem
from shipperone_erp_odoo.existing_documents import pickings_and_sales

ORDER = FulfillmentOrder("FO-1", "main", (OrderItem(item_id=1, sku="MUG", qty=5),), "EUR", order_number="100")
SELLS = {"is_storable": {}, "sale_line_id": {}}


def sale(**more: Any) -> dict[str, Any]:
    return {
        "id": 57,
        "name": "S1",
        "state": "sale",
        "origin": "FO-1",
        "client_order_ref": "FO-1 / 100",
        "user_id": 7,
        **more,
    }


def delivery(**more: Any) -> dict[str, Any]:
    return {"id": 70, "name": "WH/OUT/1", "origin": "S1", "state": "assigned", "sale_id": False, **more}


def found(*rows: dict[str, Any], fields: dict[str, Any] = SELLS, **settings: Any) -> tuple[list[str], FakeOdoo]:
    """What was found that names the order, and the Odoo that was asked."""

    def xids(named: dict[str, Any]) -> dict[str, str]:
        return {str(id): f"__shipperone__.X_{id}" for id in named["ids"]}

    odoo = FakeOdoo(
        {
            "stock.move/fields_get": fields, "stock.picking/search_read": list(rows),
            "stock.picking/get_external_id": xids, "sale.order/get_external_id": xids,
        }
    )  # fmt: skip
    seen = pickings_and_sales(odoo.connector(protocol="json2", **settings)._odoo, [ORDER], 1)
    return [documents.what for documents in seen if documents.any_of(ORDER)], odoo


def test_without_deliveries_nothing_more_is_asked():
    what, odoo = found()
    assert what == []
    assert [call for call, _ in odoo.asked] == ["stock.move/fields_get", "stock.picking/web_search_read"]


def test_without_the_module_for_sales_only_deliveries_are_asked_for():
    what, odoo = found(delivery(origin="FO-1"), fields={"is_storable": {}})
    assert what == ["transfer"]
    assert "sale_id" not in str(odoo.asked)


@pytest.mark.parametrize("named", [{"origin": "FO-1"}, {"origin": "100"}])
def test_a_delivery_that_names_the_order_is_found(named):
    assert found(delivery(**named))[0] == ["transfer"]


@pytest.mark.parametrize("state", ["assigned", "done", "cancel"])
def test_a_sales_order_of_ours_is_found_by_its_delivery_even_a_cancelled_one(state):
    assert found(delivery(state=state, sale_id=sale()))[0] == ["sales order"]
    assert found(delivery(state=state, sale_id=sale(origin=False, client_order_ref="100")))[0] == ["sales order"]


def test_a_sales_order_of_another_user_is_none_of_ours():
    assert found(delivery(sale_id=sale(user_id=8)))[0] == []
    assert found(delivery(sale_id=sale(create_uid=7)), salesperson="anna")[0] == ["sales order"]


def test_a_cancelled_delivery_of_no_sale_and_a_cancelled_sale_are_not_live():
    assert found(delivery(origin="FO-1", state="cancel"))[0] == []
    assert found(delivery(sale_id=sale(state="cancel")))[0] == []
