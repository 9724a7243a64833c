"""doctor's checks of an Odoo that is unavailable, refuses, or is in a country with invoice reporting."""

import httpx
import pytest

from fake_odoo import lines, odoo_in
from shipperone_erp import Check


def failed(found: list[Check]) -> dict[str, str]:
    return {line.name: line.sentence for line in found if line.ok is False}


@pytest.mark.case("B13")
@pytest.mark.parametrize(("setting", "expected"), [({}, True), ({"e_invoice": "by_odoo"}, False)])
def test_posted_is_not_reported(setting, expected):
    assert ("e-invoicing" in failed(lines(odoo_in("IT"), **setting))) is expected
    assert "e-invoicing" not in failed(lines(odoo_in("SK"), **setting))


@pytest.mark.case("M2")
@pytest.mark.parametrize(("net", "gross", "fits"), [(48.76, 59.97, True), (59.97, 73.76, False)])
def test_a_sample_is_worked_out_with_each_tax(net, gross, fits):
    answers = odoo_in("SK") | {
        "account.tax/search_read": [
            {"id": 3, "name": "23 %", "amount": 23, "amount_type": "percent", "price_include": True}
        ],
        "account.tax/compute_all": {"total_excluded": net, "total_included": gross},
    }
    found = lines(answers, taxes=[{"percent": 23, "tax": "23 %"}])
    (line,) = [line for line in found if line.name == "taxes"]
    assert line.ok is fits
    assert f"3 at 19.99 come to {gross}" in line.sentence
    assert ("must come to 59.97" in line.sentence) is not fits


@pytest.mark.case("O7")
def test_a_refused_key_is_one_line_with_its_cure():
    found = lines({"res.users/context_get": httpx.Response(401, json={})})
    assert list(failed(found)) == ["login"]
    assert "API key" in failed(found)["login"]
    assert found[-1].cure
    assert "kept-secret" not in repr(found)


def test_every_missing_thing_in_odoo_is_a_check_and_never_an_exception():
    found = lines(odoo_in("SK"))
    assert {"rights", "warehouses", "products", "taxes"} <= {line.name for line in found}
    assert all(line.cure for line in found if line.ok is False)


def test_a_user_that_works_in_no_such_company():
    answers = {**odoo_in("SK"), "res.company/search_read": []}
    assert "has no access to a company named 'Other'" in failed(lines(answers, company="Other"))["company"]
