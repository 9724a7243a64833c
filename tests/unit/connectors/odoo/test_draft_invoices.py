"""The day of supply on an invoice, in the fields that each version and country has for it."""

import pytest

from fake_odoo import BASICS, FIXED, MARCH, RATE, FakeOdoo, build, draft, item, order

UP_TO_18 = {"is_storable": {}, "name": {}}
FIELDS = "account.move/fields_get"


@pytest.mark.parametrize(
    ("move", "country", "chart", "has_field", "sent", "asked"),
    [
        ({"is_storable": {}}, "DE", "de_skr03", False, True, 0),
        (UP_TO_18, "SK", "sk", True, True, 0),
        (UP_TO_18, "CZ", "cz", True, True, 0),
        (UP_TO_18, "SK", "generic_coa", True, True, 1),
        (UP_TO_18, "SK", False, False, False, 1),
        (UP_TO_18, "DE", "de_skr03", False, False, 0),
    ],
    ids=["since 19", "Slovakia", "Czechia", "another chart", "no chart, without the module", "another country"],
)
def test_the_taxable_supply_date_is_sent_where_invoices_have_it(move, country, chart, has_field, sent, asked):
    (company,) = BASICS["res.company/search_read"]
    odoo = FakeOdoo(
        {
            **draft(10.0, {"price_unit": 10.0}),
            "stock.move/fields_get": move,
            "res.company/search_read": [{**company, "chart_template": chart}],
            "res.country/search_read": [{"id": 9, "code": country}],
            FIELDS: {"taxable_supply_date": {}} if has_field else {},
        }
    )
    build(odoo.connector(RATE, **FIXED), order(item()))
    (row,) = odoo.made("account.move")
    assert row.get("taxable_supply_date") == (str(MARCH) if sent else None)
    assert row["delivery_date"] == str(MARCH)
    assert len(odoo.calls(FIELDS)) == asked
