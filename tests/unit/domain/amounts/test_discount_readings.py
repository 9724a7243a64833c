"""How a row's discount counts: in the row, off the row, off the row before tax; proven, set, or held as one finding."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from shipperone_erp import FulfillmentOrder, OrderItem, Reason
from shipperone_erp.domain.amounts.discount_readings import open_readings, settled, together
from shipperone_erp.domain.amounts.expected_totals import figures, line
from shipperone_erp.domain.invoice_checks.stated_amounts import problem
from shipperone_erp.domain.reasons import Owner
from tenants import tenant


def item(number=1, row="20.00", discount=None, *, price=None, qty="1", rate=None) -> OrderItem:
    return OrderItem(
        item_id=number, sku=f"S{number}", qty=D(qty), row_total_incl_tax=None if row is None else D(row),
        price_incl_tax=None if price is None else D(price), discount=None if discount is None else D(discount),
        tax_percent=None if rate is None else D(rate),
    )  # fmt: skip


def order(*items, total=None, shipping="4.99", currency="EUR") -> FulfillmentOrder:
    return FulfillmentOrder("FO-1", "main", items, currency, D(shipping), None if total is None else D(total))


@pytest.mark.case("M11")
@pytest.mark.parametrize(
    ("row", "discount", "rate", "currency", "in_row", "off_row", "off_row_net"),
    [
        ("120.00", "10.00", "20", "EUR", "120.00", "110.00", "108.00"),
        ("120.00", "-10.00", "20", "EUR", "120.00", "110.00", "108.00"),
        ("120", "10", "20", "EUR", "120", "110", "108"),
        ("19.99", "1.65", "21", "EUR", "19.99", "18.34", "17.99"),  # 16.52 - 1.65 = 14.87, and 3.12 of tax
        ("9.99", "1.00", "0", "EUR", "9.99", "8.99", "8.99"),
        ("1.15", "0.10", "19", "EUR", "1.15", "1.05", "1.04"),  # 0.97 - 0.10 = 0.87, and 0.17 of tax
        ("12000", "1000", "10", "JPY", "12000", "11000", "10900"),
        ("9990", "786.61", "27", "HUF", "9990", "9203", "8991"),  # 7866.14 - 786.61 = 7079.53
        ("5.625", "0.500", "5", "KWD", "5.625", "5.125", "5.100"),
        ("20.00", "0.00", "20", "EUR", "20.00", "20.00", "20.00"),
        ("20.00", None, "20", "EUR", "20.00", "20.00", "20.00"),
    ],
)
def test_the_amount_of_a_row_by_each_reading(row, discount, rate, currency, in_row, off_row, off_row_net):
    one = item(row=row, discount=discount, rate=rate)
    readings = {reading: line(one, currency, reading) for reading in ("in_row", "off_row", "off_row_net")}
    assert readings == {"in_row": D(in_row), "off_row": D(off_row), "off_row_net": D(off_row_net)}


@pytest.mark.case("M11")
def test_a_discount_before_tax_is_worked_out_line_by_line():
    """One of two items has a discount: only its line is less. 108.00 + 60.00 + 4.99."""
    both = order(item(1, "120.00", "10.00", rate="20"), item(2, "60.00", rate="20"), total="172.99")
    assert settled(both, "EUR", None) == "off_row_net"
    assert figures(both, "EUR", "off_row_net").lines == {1: D("108.00"), 2: D("60.00")}
    assert problem(both, tenant(currency="EUR"), part=False, earlier=()) is None


@pytest.mark.case("M11")
def test_a_discount_before_tax_without_a_rate_is_held_and_not_guessed():
    listed = order(item(discount="2.00"))
    found = problem(listed, tenant(currency="EUR", discount="off_row_net"), part=False, earlier=())
    assert (found.reason, found.owner) == (Reason.AMOUNT_UNEXPLAINED, Owner.IT)
    assert "the tax_percent of item 1 (S1)" in found.sentence


@pytest.mark.case("M9")
@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (order(item()), "in_row"),
        (order(item(discount="0.00")), "in_row"),
        (order(item(discount="2.00"), total="24.99"), "in_row"),
        (order(item(discount="2.00"), total="22.99"), "off_row"),
        (order(item(discount="-2.00"), total="22.99"), "off_row"),
        (order(item(row="120.00", discount="10.00", rate="20"), total="112.99"), "off_row_net"),
        (order(item(discount="2.00", rate="0"), total="22.99"), "off_row"),  # off_row_net is the same amount
        (order(item(discount="2.00")), None),
        (order(item(discount="2.00", price="20.00")), None),  # a price may be after the discount as well
        (order(item(row="18.00", discount="2.00", price="20.00")), "in_row"),
        (order(item(row="18.00", discount="2.00", price="20")), "in_row"),
        (order(item(row="117.60", discount="2.00", price="20.00", qty="6", rate="20")), "in_row"),  # 2.40 with tax
        (order(item(row="18.00", discount="2.00", price="10.00", qty="2"), item(2, "9.00", "1.00")), "in_row"),
        (order(item(row="9.99", discount="0.01", price="3.3333", qty="3")), "in_row"),
        (order(item(row="9.98", discount="0.01", price="3.33", qty="3")), None),  # nearer than the price is written
        (order(item(row="18.00", discount="2.00", price="20.00"), total="20.99"), None),  # row and total contradict
        (order(item(row=None, discount="2.00", price="10.00", qty="2"), total="22.99"), "off_row"),
        (order(item(row=None, discount="2.00", price="9.00", qty="2"), total="22.99"), "in_row"),
        (order(item(discount="100", row="1000"), total="1390", shipping="490", currency="JPY"), "off_row"),
    ],
)
def test_a_discount_counts_as_the_order_proves_it(listed, expected):
    assert settled(listed, listed.currency, None) == expected
    for rule in ("in_row", "off_row", "off_row_net"):
        assert settled(listed, listed.currency, rule) == rule, "what the tenant sets is not questioned"


@pytest.mark.case("M9")
def test_two_readings_within_the_tolerance_prove_nothing():
    listed = order(item(discount="0.01"), total="24.99")
    assert settled(listed, "EUR", None) == "in_row", "it is exactly that"
    near = order(item(row="20.00", discount="0.02"), total="24.98")
    assert settled(near, "EUR", None, tolerance=D("0.01")) is None
    assert problem(near, tenant(currency="EUR", tolerance=D("0.01")), part=False, earlier=()) is not None


WHOLE = order(item(1, "20.00", "2.00"), item(2, "20.00", "2.00"), total="40.99")


@pytest.mark.case("M9")
def test_a_part_counts_as_the_allocation_of_the_order_proves_it():
    """Rows before their discount, in two parcels that list the whole order's total: 22.99 and 18.00."""
    first = replace(WHOLE, items=WHOLE.items[:1])
    second = replace(WHOLE, items=WHOLE.items[1:], shipping_amount_incl_tax=D(0))
    for part, comes_to in ((first, "22.99"), (second, "18.00")):
        reading = settled(part, "EUR", None, part=True, allocated=[WHOLE])
        assert reading == "off_row"
        assert figures(part, "EUR", reading).invoice_total == D(comes_to)
        assert settled(part, "EUR", None, part=True) is None, "without the allocation nothing proves it"


@pytest.mark.case("M9")
def test_the_whole_orders_total_never_proves_a_part():
    """20.00 + 4.99 is the whole order's total by coincidence: 18.00 + 2.00 + 4.99, as the allocation shows."""
    whole = order(item(1, "20.00", "2.00"), item(2, "2.00"), total="24.99")
    part = replace(whole, items=whole.items[:1])
    assert settled(part, "EUR", None, part=True, allocated=[whole]) == "off_row"
    earlier = replace(whole, items=whole.items[1:])
    assert settled(part, "EUR", None, part=True, earlier=[earlier]) is None


@pytest.mark.case("M9")
def test_a_part_with_a_total_of_its_own_proves_itself():
    part = order(item(1, "20.00", "2.00"), total="22.99")
    assert settled(part, "EUR", None, part=True, allocated=[order(item(1, "20.00", "2.00"), item(2))]) == "off_row"


@pytest.mark.case("M9")
def test_an_allocation_that_proves_two_readings_does_not_choose_between_them_for_a_part():
    """At 0 % both are one amount; the part is listed at 20 %, where they are two."""
    whole = order(item(1, "20.00", "2.00", rate="0"), total="22.99")
    assert open_readings(whole, "EUR") == {"off_row", "off_row_net"}
    part = order(item(1, "20.00", "2.00", rate="20"))
    assert settled(part, "EUR", None, part=True, allocated=[whole]) is None


@pytest.mark.case("M9")
def test_an_undecided_discount_is_held_with_the_sums_of_each_reading():
    listed = order(item(row="120.00", discount="10.00", rate="20"))
    found = problem(listed, tenant(currency="EUR"), part=False, earlier=())
    assert (found.reason, found.owner) == (Reason.AMOUNT_UNEXPLAINED, Owner.ACCOUNTANT)
    assert [(each.field, each.ours, each.theirs) for each in found.differences] == [
        ('discount = "in_row"', "124.99", None),
        ('discount = "off_row"', "114.99", None),
        ('discount = "off_row_net"', "112.99", None),
    ]
    assert "10.00 on item 1 (S1), and it is not proven whether its rows are before or after" in found.sentence
    for rule in ("in_row", "off_row", "off_row_net"):
        assert problem(listed, tenant(currency="EUR", discount=rule), part=False, earlier=()) is None
    sentence = together([found.differences, found.differences])
    assert sentence.startswith("2 order(s) are held, since it is not proven whether their rows are before or after")
    assert sentence.endswith(
        'come to 249.98 by `discount = "in_row"`, 229.98 by `discount = "off_row"`, 225.98 by `discount = "off_row_net"`'
    )


@pytest.mark.case("M9")
def test_a_total_that_fits_no_reading_is_a_remainder_of_that_order_alone():
    found = problem(order(item(discount="2.00"), total="19.99"), tenant(currency="EUR"), part=False, earlier=())
    assert "is not explained" in found.sentence
    assert found.differences == ()


def test_a_discount_in_the_row_may_be_finer_than_the_currency_since_no_invoice_states_it():
    listed = order(item(row="18.00", discount="2.0033", price="20.0033"))
    assert problem(listed, tenant(currency="EUR"), part=False, earlier=()) is None
    found = problem(listed, tenant(currency="EUR", discount="off_row"), part=False, earlier=())
    assert "the discount of item 1 (S1) is 2.0033" in found.sentence
