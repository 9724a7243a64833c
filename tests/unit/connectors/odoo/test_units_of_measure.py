"""The size of a unit of measure in pieces: Odoo's own Units without a call, any other one only if it is configured."""

from decimal import Decimal as D
from typing import Any

import pytest

from fake_odoo import FACTORS, PRODUCT, FakeOdoo, lines, odoo_in
from shipperone_erp_odoo.products import Product, products

XID = "ir.model.data/check_object_reference"


def read(unit: str, id: int = 1, **settings: Any) -> tuple[D | None, int]:
    """The pieces of a product in that unit, and how often Odoo was asked which unit is its own; it is the one of id 1."""
    odoo = FakeOdoo({"product.product/search_read": [{**PRODUCT, "uom_id": [id, unit]}], XID: ["uom.uom", 1]})
    found = products(odoo.connector(**settings)._odoo, ["MUG"], 1)["MUG"]
    assert isinstance(found, Product)
    return found.pieces, len(odoo.calls(XID))


def test_a_unit_named_units_that_is_no_multiple_is_a_piece_without_a_call():
    assert read("Units") == (1, 0)


def test_a_renamed_units_is_asked_for_and_is_a_piece():
    assert read("pcs") == (1, 1)
    assert read("pcs", units={"pcs": 10}) == (1, 1), "it is Odoo's own, whatever the settings say"


def test_another_unit_is_as_large_as_the_settings_say():
    assert read("Dozens", 2) == (None, 1)
    assert read("Dozens", 2, units={"Dozens": 12}) == (12, 1)


def test_the_settings_decide_about_units():
    assert read("Units", units={"Units": 10}) == (10, 0)


def test_a_multiple_that_is_named_units_is_not_a_piece(monkeypatch):
    monkeypatch.setitem(FACTORS, "Units", 10.0)
    assert read("Units", 2) == (None, 1)
    assert read("Units", 1) == (1, 1), "Odoo's own Units, measured in a smaller unit"


@pytest.mark.parametrize(
    ("named_so", "settings", "failed"),
    [([1], {}, 0), ([1, 9], {}, 1), ([9], {}, 1), ([1, 9], {"units": {"Units": 10}}, 0)],
    ids=["Odoo's own alone", "another one too", "only another one", "set by hand"],
)
def test_doctor_fails_if_another_unit_is_named_units(named_so, settings, failed):
    answers = {**odoo_in("SK"), XID: ["uom.uom", 1], "uom.uom/search_read": [{"id": id} for id in named_so]}
    answers |= {"product.product/search_read": [], "stock.move/fields_get": {"is_storable": {}}}
    found = [line for line in lines(answers, **settings) if line.name == "units"]
    assert [line.ok for line in found] == [False] * failed
    assert all("(id 9) is not Odoo's own" in line.sentence and line.cure for line in found)
