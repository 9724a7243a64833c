"""Which contact an order is invoiced to where little is known of the buyer. Asks Odoo nothing."""

import pytest

from odoo_settings import settings
from shipperone_erp import FulfillmentOrder, Party
from shipperone_erp_odoo.buyers import _match
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.parties import buyer

PLACE = {"street": "Main street 1", "postcode": "81101", "city": "Bratislava"}
ACME = {
    "id": 9, "name": "Acme", "vat": False, "email": False, "is_company": True, "parent_id": False, "street": False,
    "city": False, "zip": False, "country_id": False, "company_registry": False,
}  # fmt: skip


def made(order: str, **more: str) -> object:
    found = _match(Odoo(settings()), buyer(FulfillmentOrder(order, "main", (), billing=Party(**more))), [ACME])
    return found if isinstance(found, int) else found.draft.xid


@pytest.mark.parametrize(
    ("party", "same"),
    [
        ({"company": "Acme"}, False), ({"company": "Acme", "email": "a@example.com"}, False),
        ({"company": "Acme", "company_id": "36421928"}, True), ({"company": "Acme", "vat_id": "SK2022749619"}, True),
        ({"company": "Acme", **PLACE}, True), ({"name": "Jan Novak"}, False), ({"name": "Jan Novak", **PLACE}, True),
        ({"name": "Jan Novak", "email": "jan@example.com"}, True),
    ],
)  # fmt: skip
def test_two_orders_of_one_name_alone_are_two_buyers(party, same):
    assert (made("FO-1", **party) == made("FO-2", **party)) is same
    assert made("FO-1", **party) == made("FO-1", **party), "an order that is built again has its buyer"
    assert made("FO-1", **party) != ACME["id"], "nobody in Odoo is found by the name alone"
