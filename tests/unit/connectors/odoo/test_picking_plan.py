"""What an order wants of Odoo's stock: which pickings, under which names. Asks Odoo nothing."""

from dataclasses import replace
from decimal import Decimal as D

import httpx
import pytest

from odoo_settings import product
from shipperone_erp import FulfillmentOrder, OrderItem, Reason, Refused
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.picking_plan import Wanted, begun_with, external_ids, wanted
from shipperone_erp_odoo.settings import OdooSettings, WarehouseRule
from shipperone_erp_odoo.warehouses import Company, Site

HOME = Company(1, "Acme", "SK", "EUR")


def site(code: str, number: int, at: Company = HOME) -> Site:
    return Site(code, number, code, at, 10 * number, 10 * number + 1, 10 * number + 2, True, WarehouseRule(code=code))


SITES = {
    "main": site("main", 1),
    "far": site("far", 2),
    "abroad": site("abroad", 3, Company(2, "Acme CZ", "CZ", "CZK")),
}


def silent(**settings: object) -> Odoo:
    def nothing(request: httpx.Request) -> httpx.Response:
        raise AssertionError("it asks Odoo")

    given = {"url": "https://erp.example", "database": "shop", "api_key": "k", **settings}
    return Odoo(OdooSettings.model_validate(given), httpx.MockTransport(nothing))


def order(*rows: tuple[str, str, str | None]) -> FulfillmentOrder:
    items = [OrderItem(item_id=n, sku=sku, qty=D(qty), warehouse_code=at) for n, (sku, qty, at) in enumerate(rows)]
    return FulfillmentOrder("FO-1", "main", tuple(items))


def plan(what: FulfillmentOrder, odoo: Odoo, **changed: object) -> Wanted:
    known = {sku: replace(product(sku), id=n, **changed) for n, sku in enumerate(("MUG", "TEA"))}
    return wanted(odoo, "a-FO-1-x", what, SITES, known)


def shape(made: Wanted) -> list[tuple[str, str, dict[tuple[str, str], D]]]:
    return [
        (picking.xid.split(".", 1)[1], picking.kind,
         {(product.sku, source.code): quantity for (product, source), quantity in picking.moves.items()})
        for picking in made.pickings
    ]  # fmt: skip


KNOWN = {sku: replace(product(sku), id=n) for n, sku in enumerate(("MUG", "TEA"))}
MIXED = order(("MUG", "2", None), ("MUG", "1", None), ("MUG", "3", "far"), ("TEA", "1", "far"))


@pytest.mark.case("P4")
def test_lines_of_one_sku_are_one_move_and_a_transfer_is_a_picking_of_its_own():
    assert shape(plan(MIXED, silent())) == [
        ("PICK_a-FO-1-x", "delivery", {("MUG", "main"): 3, ("MUG", "far"): 3, ("TEA", "far"): 1}),
        ("TRF_a-FO-1-x_far", "transfer", {("MUG", "far"): 3, ("TEA", "far"): 1}),
    ]


@pytest.mark.case("P9")
def test_straight_from_the_other_warehouse():
    direct = silent(transfers="direct")
    assert shape(plan(MIXED, direct)) == [
        ("PICK_a-FO-1-x", "delivery", {("MUG", "main"): 3}),
        ("PICK_a-FO-1-x_far", "delivery", {("MUG", "far"): 3, ("TEA", "far"): 1}),
    ]
    alone = plan(order(("MUG", "1", "far")), direct)
    assert [name for name, *_ in shape(alone)] == ["PICK_a-FO-1-x"], "the bare key always is there"


def test_every_picking_is_found_again_by_the_key_and_the_order_alone():
    for odoo in (silent(), silent(transfers="direct")):
        names = external_ids(odoo, "a-FO-1-x", MIXED)
        assert {picking.xid for picking in plan(MIXED, odoo).pickings} <= set(names)
        assert names[0].endswith("PICK_a-FO-1-x")


TRANSFER, STRAIGHT, HOME_ALONE = "TRF_a-FO-1-x_far", "PICK_a-FO-1-x_far", "PICK_a-FO-1-x"


@pytest.mark.case("P9")
@pytest.mark.parametrize(
    ("setting", "live", "transfer_there", "begun"),
    [
        ("internal", {HOME_ALONE}, False, "internal"), ("internal", {HOME_ALONE, STRAIGHT}, False, "direct"),
        ("direct", {HOME_ALONE, STRAIGHT}, False, "direct"), ("direct", {HOME_ALONE}, True, "internal"),
        # the delivery from afar was cancelled by somebody
        ("direct", {HOME_ALONE}, False, "direct"),
    ],
)  # fmt: skip
def test_orders_begun_before_transfers_changed_are_finished_as_begun(setting, live, transfer_there, begun):
    def knows(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/jsonrpc":
            return httpx.Response(200, json={"result": {"server_version_info": [19, 0, 0]}})
        there = transfer_there and TRANSFER.encode() in request.content
        if there:
            return httpx.Response(200, json=["stock.picking", 3])
        return httpx.Response(404, json={"name": "builtins.ValueError", "message": "no such external id"})

    odoo = Odoo(silent(transfers=setting).settings, httpx.MockTransport(knows))
    assert begun_with(odoo, "a-FO-1-x", MIXED, live) == begun
    assert begun_with(silent(transfers=setting), "a-FO-1-x", order(("MUG", "1", None)), live) == setting
    made = wanted(silent(transfers=setting), "a-FO-1-x", MIXED, SITES, KNOWN, transfers=begun)
    assert {picking.kind for picking in made.pickings} == (
        {"delivery", "transfer"} if begun == "internal" else {"delivery"}
    )


def test_the_demand_contains_only_quantities_that_odoo_counts():
    assert plan(MIXED, silent()).demand() == {(10, 0): 3, (20, 0): 3, (20, 1): 1}
    assert plan(MIXED, silent(), stored=False).demand() == {}


@pytest.mark.case("P8")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"service": True}, Reason.ERP_REFUSED), ({"pieces": None}, Reason.UNIT_UNCLEAR)],
)
def test_services_and_unclear_units_are_refused(changed, reason):
    with pytest.raises(Refused) as refused:
        plan(MIXED, silent(), **changed)
    assert refused.value.reason == reason
    assert "MUG" in refused.value.sentence


@pytest.mark.case("P6")
def test_a_kits_components_are_reserved_together_with_the_same_products_ordered_alone():
    odoo = silent()
    cup, tea = (replace(product(sku), id=n) for n, sku in ((7, "CUP"), (8, "TEA")))
    odoo.kept(("kit", 5, HOME.id), lambda: ((cup, D(2)), (tea, D("0.5"))))
    known = {"BOX": replace(product("BOX"), id=5, kit=True), "CUP": cup}
    made = wanted(odoo, "a-FO-1-x", order(("BOX", "4", None), ("CUP", "1", None)), SITES, known)
    assert shape(made)[0][2] == {("CUP", "main"): 9, ("TEA", "main"): 2}
    assert made.demand() == {(10, 7): 9, (10, 8): 2}


@pytest.mark.case("B17")
def test_no_transfer_between_companies():
    with pytest.raises(Refused, match="Acme CZ") as refused:
        plan(order(("MUG", "1", "abroad")), silent())
    assert refused.value.reason == Reason.WAREHOUSE_UNKNOWN
