"""The invoices of an order together: within its total, reached at the end, over all orders of one sales order (B26)."""

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amount_cases import Books, listing, row
from examples import examples
from shipperone_erp import Charge, Reason

pytestmark = pytest.mark.case("M8")

MUG, TEA = row(1, "10.00", "10.00"), row(1, "10.00", "10.00", item=2)
GIFT = Charge("gift_card", D("-5.00"), "payment")
WHOLE = listing(MUG, TEA, shipping="4.99", total="24.99")


def test_parts_that_list_the_total_of_the_whole_order_come_to_it():
    books = Books().allocated(WHOLE)
    first, last = listing(MUG, shipping="4.99", total="24.99"), listing(TEA, total="24.99")
    assert books.problem(first) is None
    assert books.invoiced(first, "14.99").problem(last) is None


def test_parts_that_list_totals_of_their_own_are_explained_by_them():
    books = Books().allocated(WHOLE)
    first, last = listing(MUG, shipping="4.99", total="14.99"), listing(TEA, total="10.00")
    assert books.problem(first) is None
    assert books.invoiced(first, "14.99").problem(last) is None


def test_an_excess_over_the_total_is_held_with_every_part_and_its_sum():
    books = Books().allocated(WHOLE).invoiced(listing(MUG, shipping="4.99", total="24.99"), "14.99")
    found = books.problem(listing(TEA, shipping="2.50", total="24.99"))
    assert found.reason is Reason.AMOUNT_UNEXPLAINED
    assert found.sentence == (
        "with this part the invoices come to 27.49 (invoice 1 14.99, this part 12.50), and the whole order to 24.99: "
        "2.50 too much. Have ShipperOne correct it, or record a credit note by `order credited FO-1`, or accept this sum by "
        "`order approve FO-1 --total 12.50 --note …`"
    )


def test_a_deficit_to_the_total_at_the_last_part_is_held():
    books = Books().allocated(WHOLE).invoiced(listing(MUG, total="24.99"), "10.00")
    sentence = books.sentence(listing(TEA, total="24.99"))
    assert "with this part all that was allocated is invoiced, and the invoices come to 20.00" in sentence
    assert "but the whole order comes to 24.99: 4.99 is missing" in sentence


def test_nothing_is_missing_while_a_part_is_still_to_come():
    three = listing(MUG, TEA, row(1, "5.00", "5.00", item=3), shipping="4.99", total="29.99")
    books = Books().allocated(three).invoiced(listing(MUG, total="29.99"), "10.00")
    assert books.problem(listing(TEA, total="29.99")) is None


def test_without_an_allocation_the_total_only_bounds():
    books = Books().invoiced(listing(MUG, total="24.99"), "10.00")
    assert books.problem(listing(TEA, total="24.99")) is None
    assert "5.01 too much" in books.sentence(listing(TEA, shipping="10.00", total="24.99"))


def test_a_gift_card_is_added_back_once():
    whole = replace(WHOLE, total_incl_tax=D("19.99"), charges=(GIFT,))
    books = Books().allocated(whole)
    first, last = (
        listing(item, shipping=fee, total="19.99", charges=[GIFT]) for item, fee in ((MUG, "4.99"), (TEA, 0))
    )
    assert books.problem(first) is None
    assert books.invoiced(first, "14.99").problem(last) is None
    sentence = books.sentence(replace(last, shipping_amount_incl_tax=D("1.00")))
    assert "and the whole order to 24.99 (its total 19.99 and gift_card 5.00): 1.00 too much" in sentence


def test_a_total_below_the_invoiced_amount_suggests_a_credit_note():
    books = Books().allocated(WHOLE).invoiced(listing(MUG, shipping="4.99", total="24.99"), "14.99")
    sentence = books.sentence(listing(TEA, total="12.00"))
    assert sentence.startswith(
        "the invoices come to 14.99 (invoice 1 14.99) already, and the whole order comes to 12.00 now: a credit note over "
        "2.99 may be due, before more of it is invoiced"
    )


def test_a_recorded_credit_note_is_taken_off():
    books = Books().allocated(WHOLE).invoiced(listing(MUG, shipping="7.49", total="24.99"), "17.49")
    last = listing(TEA, total="24.99")
    assert "27.49 (invoice 1 17.49, this part 10.00), and the whole order to 24.99: 2.50 too much" in books.sentence(
        last
    )
    assert books.credited("2.50").problem(last) is None


def test_the_newest_total_counts():
    """The shop takes the tea's price down before it ships: 24.99 becomes 22.99, and the parts come to that."""
    books = Books().allocated(WHOLE).invoiced(listing(MUG, shipping="4.99", total="24.99"), "14.99")
    assert books.problem(listing(row(1, "8.00", "8.00", item=2), total="22.99")) is None
    assert "2.00 too much" in books.sentence(listing(TEA, total="22.99"))


def test_an_allocation_with_a_total_counts_where_the_shipment_lists_none():
    fee = replace(WHOLE, total_incl_tax=D("26.99"))
    sentence = Books().allocated(fee).sentence(listing(MUG, TEA, shipping="4.99"))
    assert "come to 24.99 (this part 24.99), but the whole order comes to 26.99: 2.00 is missing" in sentence


@pytest.mark.parametrize("fees", [("4.99", "4.99"), ("4.99", "0.00"), ("0.00", "4.99"), ("4.99", "2.00")])
def test_with_shipping_listed_per_part_it_is_no_excess(fees):
    books = Books(shipping_on_parts="as_listed").allocated(WHOLE)
    first, last = (listing(item, shipping=fee, total="24.99") for item, fee in zip((MUG, TEA), fees, strict=True))
    assert books.problem(first) is None, books.sentence(first)
    assert books.invoiced(first).problem(last) is None, books.sentence(last)


def test_goods_are_bounded_all_the_same_where_each_part_owes_its_shipping():
    books = Books(shipping_on_parts="as_listed").allocated(WHOLE).invoiced(listing(MUG, shipping="4.99", total="24.99"))
    dear = row(1, "13.00", "13.00", item=2)
    both = books.sentence(listing(dear, shipping="4.99", total="24.99"))
    assert "the whole order to 24.99, with the shipping and charges of each part 29.98: 3.00 too much" in both
    once = Books(shipping_on_parts="as_listed").allocated(WHOLE).invoiced(listing(MUG, total="24.99"))
    assert "the whole order to 24.99: 3.00 too much" in once.sentence(listing(dear, shipping="4.99", total="24.99"))


@pytest.mark.parametrize(
    ("earlier", "bound"),
    [("0", ""), ("4.99", ", with the shipping and charges of each part 29.98")],
    ids=["shipping once", "shipping on each part"],
)
def test_the_shipping_of_each_part_is_named_only_where_it_raises_the_bound(earlier, bound):
    whole, first, last = (
        replace(listing(*items, shipping=shipping, total="19.99"), charges=(GIFT,))
        for items, shipping in (
            ((MUG, TEA), "4.99"),
            ((MUG,), earlier),
            ((row(1, "13.00", "13.00", item=2),), "4.99"),
        )
    )
    sentence = Books(shipping_on_parts="as_listed").allocated(whole).invoiced(first).sentence(last)
    assert f"the whole order to 24.99 (its total 19.99 and gift_card 5.00){bound}: 3.00 too much" in sentence


def test_yen_in_three_parts_may_miss_one_by_rounding():
    whole = replace(listing(row(3, "1000", "333.33"), total="1000"), currency="JPY")
    books = Books(currency="JPY").allocated(whole)
    part = replace(listing(row(1, "333", "333.33"), total="1000"), currency="JPY")
    for _ in range(3):
        assert books.problem(part) is None, books.sentence(part)
        books.invoiced(part)
    fifty = replace(listing(row(3, "1050", "350"), total="1050"), currency="JPY")
    books = Books(currency="JPY").allocated(fifty).invoiced(part).invoiced(part)
    assert "1050 was allocated: 51 is missing" in books.sentence(part)


def test_the_total_is_left_out_where_it_is_of_nothing():
    books = Books(order_total="ignore").allocated(WHOLE)
    assert books.problem(replace(WHOLE, total_incl_tax=D("99.00"))) is None
    assert books.problem(listing(MUG, shipping="4.99", total="3.00")) is None


def test_an_approved_sum_is_that_sum_and_no_other():
    books = Books().allocated(WHOLE)
    odd = replace(WHOLE, total_incl_tax=D("30.00"))
    assert books.problem(odd).reason is Reason.AMOUNT_UNEXPLAINED
    assert books.problem(odd, approved="24.99") is None
    assert books.problem(odd, approved="25.00").reason is Reason.AMOUNT_UNEXPLAINED
    too_fine = replace(odd, shipping_amount_incl_tax=D("4.995"))
    assert "an invoice cannot state it" in books.problem(too_fine, approved="24.995").sentence


def test_shipping_that_the_first_part_carried_is_found_again_in_the_own_total_of_the_second():
    """Part 1 lists the order's total, part 2 its own, with another shipping fee in it."""
    books = Books().allocated(WHOLE).invoiced(listing(MUG, shipping="4.99", total="24.99"), "14.99")
    sentence = books.sentence(listing(TEA, shipping="3.00", total="13.00"))
    assert "come to 27.99 (invoice 1 14.99, this part 13.00), and the whole order to 24.99: 3.00 too much" in sentence
    assert books.problem(listing(TEA, total="10.00")) is None


def test_parts_that_each_come_to_their_own_total_are_right_though_the_allocation_listed_less():
    books = Books().allocated(WHOLE).invoiced(listing(MUG, shipping="4.99", total="14.99"), "14.99")
    assert books.problem(listing(TEA, shipping="3.00", total="13.00")) is None


COUPON = Charge("coupon", D("-5.00"), "line")
HALF_THE_COUPON = Charge("coupon", D("-2.50"), "line")


@pytest.mark.parametrize("total", ["15.00", "7.50"], ids=["the order's total", "its own total"])
def test_a_coupon_in_equal_shares_is_not_the_first_parts_listed_again(total):
    books = Books().allocated(listing(MUG, TEA, total="15.00", charges=[COUPON]))
    first, last = (listing(item, total=total, charges=[HALF_THE_COUPON]) for item in (MUG, TEA))
    assert books.problem(first) is None
    assert books.invoiced(first, "7.50").problem(last) is None, books.sentence(last)


def test_a_third_share_beyond_the_coupon_is_one_listed_again():
    three = (MUG, TEA, row(1, "10.00", "10.00", item=3))
    books = Books().allocated(listing(*three, total="25.00", charges=[COUPON]))
    for item in three[:2]:
        books.invoiced(listing(item, total="7.50", charges=[HALF_THE_COUPON]), "7.50")
    found = books.problem(listing(three[2], total="7.50", charges=[HALF_THE_COUPON]))
    assert found.reason is Reason.SHIPPING_REPEATED
    assert "invoice 1 of an earlier part of this order already included the charge coupon of -2.50" in found.sentence


def test_shares_without_an_allocation_and_the_whole_coupon_with_each_part_are_listed_again():
    half = listing(MUG, total="7.50", charges=[HALF_THE_COUPON])
    unknown = Books().invoiced(half, "7.50")
    assert unknown.problem(listing(TEA, total="7.50", charges=[HALF_THE_COUPON])).reason is Reason.SHIPPING_REPEATED
    books = Books().allocated(listing(MUG, TEA, total="15.00", charges=[COUPON]))
    books.invoiced(listing(MUG, total="15.00", charges=[COUPON]), "5.00")
    assert books.problem(listing(TEA, total="15.00", charges=[COUPON])).reason is Reason.SHIPPING_REPEATED


def test_the_noise_of_a_float_does_not_hide_that_shipping_is_listed_again():
    noisy = D("4.9900000000000002")
    first, last = (replace(listing(item), shipping_amount_incl_tax=noisy) for item in (MUG, TEA))
    assert Books().invoiced(first, "14.99").problem(last).reason is Reason.SHIPPING_REPEATED


@examples(150)
@given(st.integers(2, 4), st.integers(-400, 400), st.integers(1, 900), st.booleans(), st.booleans())
def test_shipping_and_a_charge_in_shares_are_never_held_and_come_to_what_was_allocated(
    parts, charge, shipping, own_totals, equal
):
    """`equal`: each part carries the same, else the first one takes what is left over by the division."""
    if equal:
        charge, shipping = charge * parts, shipping * parts
    shares = [tuple(whole // parts + (whole % parts if n == 0 else 0) for whole in (charge, shipping))
              for n in range(parts)]  # fmt: skip
    rows = [row(1, "20.00", "20.00", item=1) for _ in range(parts)]
    whole = 2000 * parts + charge + shipping
    named = lambda cents: [Charge("fee", D(cents) / 100, "line")] if cents else []  # noqa: E731
    allocated = listing(
        row(parts, f"{20 * parts}.00", "20.00"), shipping=_money(shipping), total=_money(whole), charges=named(charge)
    )
    books, invoiced = Books().allocated(allocated), 0
    for item, (fee, of_shipping) in zip(rows, shares, strict=True):
        comes_to = 2000 + fee + of_shipping
        part = listing(
            item, shipping=_money(of_shipping), total=_money(comes_to if own_totals else whole), charges=named(fee)
        )
        found = books.problem(part)
        assert found is None, found
        books.invoiced(part, _money(comes_to))
        invoiced += comes_to
    assert invoiced == whole


# several fulfillment orders of one sales order

ONE = listing(MUG, shipping="4.99", order_id="FO-1", number="S-1")
TWO = listing(TEA, shipping="4.99", order_id="FO-2", number="S-1")


def test_the_shipping_of_a_sales_order_is_charged_once():
    books = Books().allocated(ONE).allocated(TWO).invoiced(ONE, "14.99")
    found = books.problem(TWO)
    assert found.reason is Reason.SHIPPING_REPEATED
    assert found.sentence.startswith(
        "invoice 1 of order FO-1 of the same sales order S-1 already included the shipping of 4.99: "
    )
    assert books.problem(replace(TWO, order_number="S-2")) is None
    assert books.problem(replace(TWO, order_number=None)) is None


def test_another_store_with_the_same_number_is_another_sales_order():
    books = Books().invoiced(ONE, "14.99")
    books.jobs[0] = replace(books.jobs[0], content="another store")
    assert books.problem(TWO) is None


def test_two_orders_whose_allocations_come_to_the_sales_orders_total_are_bounded_by_it():
    one, two = replace(ONE, total_incl_tax=D("24.99")), replace(TWO, total_incl_tax=D("24.99"))
    books = Books().allocated(one).allocated(two)
    assert books.problem(one) is None
    free = replace(two, shipping_amount_incl_tax=D(0))
    assert books.invoiced(one, "14.99").problem(free) is None
    sentence = books.sentence(replace(two, shipping_amount_incl_tax=D("1.00")))
    assert "25.99 (invoice 1 of FO-1 14.99, this part 11.00), and sales order S-1 to 24.99: 1.00 too much" in sentence


def test_a_total_that_may_be_the_sales_orders_is_held_with_the_setting_to_use():
    one = replace(ONE, total_incl_tax=D("24.99"))
    assert (
        Books()
        .allocated(one)
        .sentence(one)
        .endswith('; `order_total = "sales_order"` if it is the total of the whole sales order S-1')
    )
    assert Books(order_total="sales_order").allocated(one).problem(one) is None


def in_shares(order, shipping, total="25.00"):
    return replace(order, shipping_amount_incl_tax=D(shipping), total_incl_tax=D(total))


def test_equal_shares_of_a_sales_orders_shipping_are_right_where_its_total_holds_both():
    one, two = in_shares(ONE, "2.50"), in_shares(TWO, "2.50")
    books = Books().allocated(one).allocated(two)
    assert books.problem(one) is None
    assert books.invoiced(one, "12.50").problem(two) is None, books.sentence(two)
    once = Books().allocated(in_shares(ONE, "2.50", "22.50")).allocated(in_shares(TWO, "2.50", "22.50"))
    once.invoiced(in_shares(ONE, "2.50", "22.50"), "12.50")
    assert once.problem(in_shares(TWO, "2.50", "22.50")).reason is Reason.SHIPPING_REPEATED


def test_the_shipping_of_another_order_of_the_sale_is_one_again_though_the_own_allocation_lists_it():
    books = Books().allocated(ONE).allocated(TWO).invoiced(TWO, "14.99")
    assert books.problem(ONE).reason is Reason.SHIPPING_REPEATED


@pytest.mark.parametrize("first", ["in shares", "at once"])
def test_shipping_that_one_order_of_a_sale_carried_in_shares_and_the_other_at_once_is_listed_again(first):
    two_mugs = replace(ONE, items=(row(2, "20.00", "10.00"),))
    share = replace(ONE, shipping_amount_incl_tax=D("2.50"))
    whole = replace(TWO, shipping_amount_incl_tax=D("5.00"))
    books = Books().allocated(replace(two_mugs, shipping_amount_incl_tax=D("5.00"))).allocated(whole)
    if first == "in shares":
        books.invoiced(share, "12.50")
        assert books.problem(share) is None
        found = books.invoiced(share, "12.50").problem(whole)
        assert "invoice 1 and invoice 2 of order FO-1 of the same sales order S-1" in found.sentence
    else:
        books.invoiced(whole, "15.00").invoiced(share, "12.50")
        found = books.problem(share)
    assert found.reason is Reason.SHIPPING_REPEATED
    assert "already included the shipping of 5.00" in found.sentence


def test_an_order_with_its_own_total_is_bounded_beside_one_that_lists_the_sales_orders():
    one, two = replace(ONE, total_incl_tax=D("24.99")), replace(TWO, total_incl_tax=D("24.99"))
    books = Books().allocated(one).allocated(two).invoiced(one, "14.99")
    own = replace(TWO, shipping_amount_incl_tax=D("3.00"), total_incl_tax=D("13.00"))
    assert "27.99 (invoice 1 of FO-1 14.99, this part 13.00), and sales order S-1 to 24.99: 3.00 too much" in (
        books.sentence(own)
    )
    free = replace(TWO, shipping_amount_incl_tax=D(0), total_incl_tax=D("10.00"))
    assert books.problem(free) is None


CENTS = st.integers(1, 5000)


@st.composite
def orders(draw):
    """An order of one to three items with a discount and shipping, by what an honest shop would list of it."""
    lines = draw(st.lists(st.tuples(st.integers(1, 4), CENTS, st.integers(0, 3)), min_size=1, max_size=3))
    shipping = draw(CENTS)
    return lines, shipping


@st.composite
def splits(draw, quantity):
    """How many pieces of an item each of three parcels holds."""
    first = draw(st.integers(0, quantity))
    second = draw(st.integers(0, quantity - first))
    return first, second, quantity - first - second


def _money(cents: int) -> str:
    return f"{D(cents) / 100:.2f}"


@examples(200)
@given(orders(), st.data(), st.booleans(), st.sampled_from([0, 1, 2]))
def test_parts_that_are_listed_honestly_are_never_held_and_come_to_the_total(order, data, own_totals, shipping_on):
    lines, shipping = order
    rule = "off_row"
    discounts = [min(price * qty, off * qty) for qty, price, off in lines]
    whole = sum(price * qty for qty, price, _ in lines) - sum(discounts) + shipping
    rows = [row(qty, _money(price * qty), _money(price), item=n, discount=_money(off))
            for n, ((qty, price, _), off) in enumerate(zip(lines, discounts, strict=True), 1)]  # fmt: skip
    books = Books(discount=rule).allocated(listing(*rows, shipping=_money(shipping), total=_money(whole)))
    shares = [data.draw(splits(qty)) for qty, _, _ in lines]
    parcels = [n for n in range(3) if any(share[n] for share in shares)]
    invoiced = 0
    for parcel in parcels:
        fee = shipping if parcel == parcels[min(shipping_on, len(parcels) - 1)] else 0
        part, comes_to = [], fee
        for n, ((qty, price, _), off, share) in enumerate(zip(lines, discounts, shares, strict=True), 1):
            if share[parcel]:
                less = off * share[parcel] // qty
                comes_to += price * share[parcel] - less
                part.append(
                    row(share[parcel], _money(price * share[parcel]), _money(price), item=n, discount=_money(less))
                )
        listed = listing(*part, shipping=_money(fee), total=_money(comes_to if own_totals else whole))
        found = books.problem(listed)
        assert found is None, found
        books.invoiced(listed, _money(comes_to))
        invoiced += comes_to
    assert invoiced == whole


@examples(300)
@given(orders(), st.data())
def test_for_any_listing_the_invoices_never_exceed_the_whole_orders_total(order, data):
    """Rows and shipping come as they like, and pieces as far as they are not invoiced (more is held elsewhere)."""
    lines, shipping = order
    whole = sum(price * qty for qty, price, _ in lines) + shipping
    rows = [row(qty, _money(price * qty), _money(price), item=n) for n, (qty, price, _) in enumerate(lines, 1)]
    books = Books().allocated(listing(*rows, shipping=_money(shipping), total=_money(whole)))
    invoiced, left = 0, [qty for qty, _, _ in lines]
    for _ in range(4):
        part, comes_to = [], data.draw(st.sampled_from([0, shipping, shipping // 2]))
        fee, listed_now = comes_to, []
        for n, (qty, price, _) in enumerate(lines, 1):
            pieces = data.draw(st.integers(0, left[n - 1]))
            listed_now.append(pieces)
            amount = data.draw(st.sampled_from([price * pieces, price * qty, price, price * pieces + 1]))
            if pieces:
                part.append(row(pieces, _money(amount), data.draw(st.sampled_from([_money(price), None])), item=n))
                comes_to += amount
        if part:
            listed = listing(*part, shipping=_money(fee), total=_money(whole))
            if books.problem(listed) is None:
                books.invoiced(listed, _money(comes_to))
                invoiced += comes_to
                left = [before - now for before, now in zip(left, listed_now, strict=True)]
    assert invoiced <= whole
