"""The contact of a draft that was created for it: read with the draft, and corrected where it is no longer the buyer."""

from typing import Any

import pytest

from fake_odoo import RATE, FakeOdoo, build, draft, item, order
from shipperone_erp import Party, Reason, Refused

ANNA: dict[str, Any] = {
    "id": 31, "active": True, "name": "Anna", "vat": False, "email": "a@example.com", "is_company": False,
    "parent_id": False, "street": False, "city": False, "zip": False, "country_id": 9, "company_registry": False,
}  # fmt: skip
ANOTHER = {**ANNA, "name": "Bert", "email": "b@example.com"}


def odoo_with(contact: dict[str, Any], writer: int = 7, **more: Any) -> FakeOdoo:
    """An Odoo that finds no buyer, creates contacts 31 and 32, and has a draft for the contact, as a user left it."""
    found = draft(10.0, {"price_unit": 10.0, "sequence": 1_000_010})
    heads = found["account.move/search_read"]

    def loaded(named: dict[str, Any]) -> dict[str, Any]:
        return {"ids": [32 if row[0].endswith("_2") else 31 for row in named["data"]], "messages": []}

    def read(named: dict[str, Any]) -> list[dict[str, Any]]:
        rows = [{**contact, "parent_id": False}, {**ANNA, "id": 32}] if named["domain"][0][0] == "id" else []
        return [row for row in rows if row["active"] and row["id"] in named["domain"][0][2]]

    odoo = FakeOdoo({**found, "res.partner/load": loaded, "res.partner/search_read": read, "account.move/write": True})
    odoo.answers["account.move/search_read"] = lambda named: [
        {**row, "partner_id": contact, "write_uid": writer} for row in heads(named)
    ]
    odoo.answers |= more
    return odoo


def contact_calls(odoo: FakeOdoo) -> list[str]:
    return [what.removeprefix("res.partner/") for what, _ in odoo.asked if what.startswith("res.partner/")]


def written(odoo: FakeOdoo) -> list[object]:
    return [named["vals"]["partner_id"] for named in odoo.calls("account.move/write")]


def test_a_new_contact_is_read_with_its_draft():
    odoo = odoo_with(ANNA)
    build(odoo.connector(RATE), order(item(rate="23")))
    assert contact_calls(odoo) == ["search_read", "load"]
    assert written(odoo) == []


@pytest.mark.parametrize("contact", [ANOTHER, {**ANNA, "active": False}, {**ANNA, "parent_id": 40}])
def test_a_draft_for_a_contact_that_has_become_another_or_is_archived_gets_the_next_one(contact):
    odoo = odoo_with(contact)
    if contact["parent_id"]:
        odoo.answers["res.partner/search_read"] = lambda named: [
            row for row in ({**contact, "parent_id": [40, "Acme"]}, {**ANNA, "id": 32}) if named["domain"][0][0] == "id"
        ]
    build(odoo.connector(RATE), order(item(rate="23")))
    assert written(odoo) == [32]
    (call,) = odoo.calls("account.move/write")
    assert call["vals"] == {"partner_id": 32, "partner_shipping_id": 32, "fiscal_position_id": False}


def test_a_draft_that_another_user_wrote_to_keeps_its_contact():
    odoo = odoo_with({**ANNA, "id": 50, "name": "Carl"}, writer=8)
    odoo.answers["res.partner/search_read"] = [{**ANNA, "id": 32, "country_id": [9, "Slovakia"]}]
    build(odoo.connector(RATE), order(item(rate="23")))
    assert written(odoo) == []


def test_a_draft_of_an_earlier_attempt_gets_the_buyer_that_the_order_has_now():
    """An accountant has made a contact of its own for a company that was refused before."""
    odoo = odoo_with({**ANNA, "id": 50, "name": "Carl"})
    odoo.answers["res.partner/search_read"] = [{**ANNA, "id": 32, "country_id": [9, "Slovakia"]}]
    build(odoo.connector(RATE), order(item(rate="23")))
    assert written(odoo) == [32]


def test_a_company_of_a_vat_group_is_refused_and_its_draft_stays_a_draft():
    group = {
        **ANNA, "name": "Group", "vat": "SK2020000000", "is_company": True, "company_registry": "111", "email": False,
    }  # fmt: skip
    odoo = odoo_with(group)
    buyer = Party(company="Member", vat_id="SK2020000000", company_id="222", country="SK")
    with pytest.raises(Refused, match="VAT group") as refused:
        build(odoo.connector(RATE), order(item(rate="23"), billing=buyer))
    assert refused.value.reason == Reason.CUSTOMER_AMBIGUOUS
    assert written(odoo) == []
    assert odoo.calls("account.move/button_cancel") == []
