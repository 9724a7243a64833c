"""The lines of an invoice: for any quantity and any amount they come to it to the cent."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_settings import product, settings
from shipperone_erp import FulfillmentOrder, OrderItem, Reason, Refused
from shipperone_erp_odoo.invoice_plan import SHIPPING, draft_lines, gross, item_of, sequence_of
from shipperone_erp_odoo.lookups import Tax

HIGH, LOW = Tax(1, "23 %", D(23), True), Tax(2, "5 %", D(5), True)


def order(*items: OrderItem, shipping: str = "0") -> FulfillmentOrder:
    return FulfillmentOrder("FO-1", "main", items, "EUR", D(shipping))


def item(item_id: int, qty: D, total: D, **more: object) -> OrderItem:
    return OrderItem(item_id=item_id, sku="MUG", qty=qty, line_total_incl_tax=total, **more)


def test_an_invoice_line_names_its_own_item_or_none():
    ids = {0: 0, 1: 1, "7": 7, 99_999_999: 99_999_999, 10**9: None, "007": None, "a-1": None, "\u0663": None}
    found = sequence_of(order(*(item(one, D(1), D(1)) for one in ids)))
    assert {one.item_id: item_of(sequence) for sequence, one in found.items()} == ids
    assert all(sequence < SHIPPING for sequence in found)


CENTS = st.integers(-5_000_000, 5_000_000).map(lambda cents: D(cents).scaleb(-2))


@pytest.mark.case("M2")
@given(st.integers(1, 999), CENTS)
def test_whole_pieces_come_to_their_total_in_at_most_two_lines(qty, total):
    lines = draft_lines(order(item(1, D(qty), total)), {"MUG": product()}, {"1": HIGH}, settings())
    assert sum(line.quantity * line.price for line in lines) == total
    assert sum(line.quantity for line in lines) == qty
    assert len(lines) <= 2
    assert all(line.price == line.price.quantize(D("0.01")) and line.quantity > 0 for line in lines)
    assert max(line.price for line in lines) - min(line.price for line in lines) <= D("0.01")


@given(st.decimals("0.001", "99", places=3), CENTS)
def test_a_fraction_of_a_piece_comes_to_its_total(qty, total):
    lines = draft_lines(order(item(1, qty, total)), {"MUG": product()}, {"1": HIGH}, settings())
    assert sum(line.quantity * line.price for line in lines) == total


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 99999)), min_size=2, max_size=6), st.integers(1, 9999))
def test_proportional_shipping_comes_to_its_amount(rows, cents):
    items = [item(n, D(qty), D(total).scaleb(-2)) for n, (qty, total) in enumerate(rows)]
    taxes = {str(n): HIGH if n % 2 else LOW for n in range(len(items))}
    what = order(*items, shipping=str(D(cents).scaleb(-2)))
    known = {"MUG": product(), "SHIP": product("SHIP")}
    lines = draft_lines(what, known, taxes, settings(shipping_tax="proportional"))
    assert sum(line.price for line in lines if line.sequence >= SHIPPING) == D(cents).scaleb(-2)


@pytest.mark.case("B18")
def test_an_explicit_nothing_is_kept_and_an_absent_price_is_held():
    lines = draft_lines(order(item(1, D(2), D(0))), {"MUG": product()}, {"1": HIGH}, settings())
    assert [(line.quantity, line.price) for line in lines] == [(2, 0)]
    with pytest.raises(Refused) as refused:
        gross(OrderItem(item_id=1, sku="MUG", qty=D(1)))
    assert refused.value.reason == Reason.PRICE_MISSING


@pytest.mark.case("B20")
def test_a_currency_without_decimals_is_split_by_whole_units():
    lines = draft_lines(order(item(1, D(3), D(1000))), {"MUG": product()}, {"1": HIGH}, settings(), D(1))
    assert [(line.quantity, line.price) for line in lines] == [(2, 333), (1, 334)]


@pytest.mark.case("P8")
def test_boxes_and_pieces():
    """P8: factor 12, 6 ordered: refused with a sentence; an unknown factor too."""
    assert product(pieces=D(12)).quantity(D(24)) == 2
    assert product(pieces=D(12)).quantity(D(6)) == D("0.5")
    for pieces, wanted in ((D(12), D(7)), (None, D(6))):
        with pytest.raises(Refused, match="Dozens") as refused:
            product(pieces=pieces).quantity(wanted)
        assert refused.value.reason == Reason.UNIT_UNCLEAR


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"url": "erp.example"}, "https://"),
        ({"url": "https://a:b@erp.example"}, "are separate settings"),
        ({"api_key": None}, "api_key is needed"),
        ({"protocol": "jsonrpc"}, "user is needed"),
        ({"protocol": "json2", "api_key": None, "user": "a", "password": "b"}, "not a password"),
        ({"customers": "fixed"}, "needs customer"),
        ({"units": {"Box": 0}}, "above zero"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_cure(wrong, expected):
    with pytest.raises(ValueError, match=expected):
        settings(**wrong)
