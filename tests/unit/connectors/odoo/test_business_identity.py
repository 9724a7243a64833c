"""VAT ids, registration numbers and companies as buyers type them: which count, and which are equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipperone_erp import FulfillmentOrder, OrderItem, Party
from shipperone_erp_odoo import OdooSettings
from shipperone_erp_odoo.business_identity import company_name, registration_number, vat_id
from shipperone_erp_odoo.parties import buyer, delivered_to
from shipperone_erp_odoo.vat_checks import decides_tax
from shipperone_erp_odoo.warehouses import Company

NOBODY = ["", " ", "-", "–", ".", "/", "n/a", "N.A.", "none", "0", "00000000", "SK0000000000", "x", "nemám", "1",
          "123", "123456789", "DE123456789", "99999999", None]  # fmt: skip


@pytest.mark.parametrize("typed", NOBODY)
def test_a_placeholder_is_no_number(typed):
    assert vat_id(typed) is None
    assert registration_number(typed) is None


@pytest.mark.parametrize(
    ("typed", "counts"),
    [("SK 2022 749 619", "SK2022749619"), ("sk2022749619", "SK2022749619"), ("ATU 1234.5675", "ATU12345675"),
     ("CHE-116.281.710 MWST", "CHE116281710MWST"), ("\uff33\uff2b\uff12\uff10\uff12\uff12", "SK2022"), ("RO18", "RO18")],
)  # fmt: skip
def test_separators_in_a_vat_id_are_ignored(typed, counts):
    assert vat_id(typed) == counts


@given(st.text())
def test_a_text_without_digits_is_no_vat_id_and_normalising_is_idempotent(text):
    found = vat_id(text)
    assert found is None or any(char.isdigit() for char in found)
    assert found is None or vat_id(found) == found


def test_registration_numbers_are_equal_without_their_leading_zeros():
    assert registration_number("00 603 481") == registration_number("603481") == "603481"
    assert registration_number("HRB 12345 B") == "HRB12345B"


@pytest.mark.parametrize("typed", ["", "-", "–", " . ", "N/A", "none", "0", "Private person", None])
def test_a_placeholder_is_no_company(typed):
    assert company_name(typed) is None


@pytest.mark.parametrize("typed", ["ACME  s.r.o.", "3M", "Žilinská", "株式会社"])
def test_a_company_keeps_its_name(typed):
    assert company_name(typed) == " ".join(typed.split())


def order(**billing: object) -> FulfillmentOrder:
    item = OrderItem(item_id=1, sku="MUG", qty=1)
    return FulfillmentOrder(order_id="FO-1", warehouse_code="main", items=(item,), billing=Party(**billing))


AT_HOME = Company(1, "Acme", "SK", "EUR")


def test_the_customer_s_record_completes_what_billing_has_only_a_placeholder_of():
    customer = Party(vat_id="SK2022749619", company="ACME", company_id="36 123 456", country="CZ", region="Praha")
    found = buyer(FulfillmentOrder(
        order_id="FO-1", warehouse_code="main", items=(), billing=Party(vat_id="-", company="–", company_id="0"),
        customer=customer,
    ))  # fmt: skip
    assert (found.vat_id, found.company, found.company_id) == ("SK2022749619", "ACME", "36 123 456")
    assert (found.country, found.region) == ("CZ", "Praha")
    assert delivered_to(order(country="at", street="Main 1"), AT_HOME) == "AT"
    assert delivered_to(order(), AT_HOME) == "SK"


@pytest.mark.parametrize(
    ("rules", "differs"),
    [
        ([{"tax": "23"}], False),
        ([{"business": True, "tax": "0"}, {"tax": "23"}], True),
        ([{"business": True, "tax": "23"}, {"tax": "23"}], False),
        ([{"business": True, "tax": "23", "journal": "B2B"}, {"tax": "23"}], True),
        ([{"business": True, "tax": "0", "country": "AT"}, {"tax": "23"}], False),
        ([{"business": True, "tax": "23"}], True),
        ([], False),
    ],
)
def test_a_vat_id_decides_the_tax_where_the_rules_differ_with_and_without_it(rules, differs):
    given = {"url": "https://erp.example", "database": "shop", "api_key": "k", "taxes": rules}
    assert decides_tax(OdooSettings.model_validate(given), order(vat_id="SK1"), AT_HOME) is differs
