"""Where ShipperOne states a parcel, and which pages an order may be linked to. Asks Odoo nothing."""

import pytest
from pydantic import ValidationError

from odoo_settings import settings
from shipperone_erp import FulfillmentOrder
from shipperone_erp_odoo.delivery_details import stated_at

EXTRA = {
    "parcel": {"number": " T-1 ", "weight": None, "parts": ["T-1"]},
    "tracking": 4711,
    "insured": True,
    "empty": " ",
}


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("parcel.number", "T-1"), ("tracking", "4711"), ("parcel", None), ("parcel.weight", None),
        ("parcel.parts", None), ("parcel.number.more", None), ("insured", None), ("empty", None), ("nowhere", None),
        (None, None),
    ],
)  # fmt: skip
def test_the_value_at_a_place_is_a_text_or_none(place, text):
    assert stated_at(FulfillmentOrder("FO-1", "main", (), extra=EXTRA), place) == text


def test_a_link_is_a_web_address_of_the_order_and_of_nothing_else():
    assert settings(order_link="https://shop.example/{order_id}?n={order_number}").order_link
    for wrong in (
        "shop.example/{order_id}",
        "https://shop.example/{token}",
        "javascript:{order_id}",
        "https://x.example/{0}",
    ):
        with pytest.raises(ValidationError, match="order_link"):
            settings(order_link=wrong)
