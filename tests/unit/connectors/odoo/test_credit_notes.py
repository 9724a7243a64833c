"""What of an invoice a credit note in part takes back: dearest pieces first, nothing twice, and parts that add up."""

from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest

from fake_odoo import FakeOdoo, order
from shipperone_erp import OrderItem, Party, Reason, Refused
from shipperone_erp_odoo import CreditNote
from shipperone_erp_odoo.credit_notes import parts
from shipperone_erp_odoo.invoice_plan import KNOWN, SHIPPING, WHOLE
from shipperone_erp_odoo.lookups import language
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.parties import LANGUAGE, buyer

MUG, TEA = KNOWN + 10, KNOWN + 20


def row(sequence: int, quantity: float, price: float) -> dict[str, Any]:
    return {"sequence": sequence, "quantity": quantity, "price_unit": price, "product_uom_id": [1, "Units"]}


ROWS = [row(MUG, 2, 3.33), row(MUG + 1, 1, 3.34), row(TEA, 2, 3.5), row(SHIPPING, 1, 4.99)]


@pytest.fixture
def odoo() -> Odoo:
    return FakeOdoo({}).connector()._odoo


def asked(items: dict[int, int] | None = None, shipping: str = "0") -> CreditNote:
    wanted = {item: D(pieces) for item, pieces in (items or {}).items()}
    return CreditNote("c-1", "account.move 57", date(2026, 3, 31), "sent back", wanted, D(shipping))


def amount(rows: list[dict[str, Any]]) -> D:
    return sum((D(str(one["quantity"])) * D(str(one["price_unit"])) for one in rows), D(0))


def test_parts_of_a_line_with_two_prices_add_up_to_it(odoo):
    first = parts(odoo, ROWS, {}, asked({1: 1}))
    assert [(one["sequence"], one["quantity"]) for one in first] == [(MUG + 1, 1)]
    rest = parts(odoo, ROWS, {MUG + 1: D(1)}, asked({1: 2}))
    assert [(one["sequence"], one["quantity"]) for one in rest] == [(MUG, 2)]
    assert amount(first) + amount(rest) == D("10.00")


def test_shipping_is_credited_by_amount_and_once(odoo):
    assert amount(parts(odoo, ROWS, {}, asked({2: 1}, "2.00"))) == D("5.50")
    with pytest.raises(Refused, match=r"1\.00 more than the rest of the shipping amount") as refused:
        parts(odoo, ROWS, {SHIPPING: D(1)}, asked(shipping="1.00"))
    assert (refused.value.reason, refused.value.owner) == (Reason.ALREADY_IN_ERP, "accountant")
    with pytest.raises(Refused, match=r"0\.01 more"):
        parts(odoo, ROWS, {}, asked(shipping="5.00"))


@pytest.mark.parametrize(("credited", "left"), [({}, 3), ({MUG: D(2)}, 1), ({MUG: D(2), MUG + 1: D(1)}, 0)])
def test_more_than_is_left_is_refused_with_what_is_left(odoo, credited, left):
    with pytest.raises(Refused, match=rf"^{left} of item 1 .* are not credited yet, but 4 were requested") as refused:
        parts(odoo, ROWS, credited, asked({1: 4}))
    assert refused.value.reason == Reason.ALREADY_IN_ERP


@pytest.mark.parametrize("rows", [[], [row(TEA + WHOLE, 1, 7.01)]])
def test_an_item_whose_pieces_are_not_on_the_invoice_is_credited_by_hand(odoo, rows):
    with pytest.raises(Refused, match="do not state how many pieces of item 2"):
        parts(odoo, rows, {}, asked({2: 1}))


ACTIVE = {"res.lang/search_read": [
    {"code": "en_US", "iso_code": "en"}, {"code": "sk_SK", "iso_code": "sk"}, {"code": "de_AT", "iso_code": "de_AT"},
]}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [("sk", "sk_SK"), ("sk-SK", "sk_SK"), ("SK_sk", "sk_SK"), ("de", "de_AT"), ("de-DE", "de_AT"), ("en", "en_US"),
     ("hu", None), ("hu_HU", None)],
)  # fmt: skip
def test_a_language_is_one_that_is_active_in_odoo(text, code):
    assert language(FakeOdoo(ACTIVE).connector()._odoo, text) == code


def test_the_buyers_language_is_where_the_order_lists_it():
    item = OrderItem(item_id=1, sku="MUG", qty=D(1))
    party = Party(name="Anna", extra={"locale": "sk_SK"})
    assert buyer(order(item, billing=party)).extra[LANGUAGE] == "sk_SK"
    assert buyer(order(item, customer=party)).extra[LANGUAGE] == "sk_SK"
    assert buyer(order(item, extra={"store_language": "de"})).extra[LANGUAGE] == "de"
    assert LANGUAGE not in buyer(order(item, extra={"language": " "})).extra
