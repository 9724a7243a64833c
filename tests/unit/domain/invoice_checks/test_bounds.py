"""Parts of one item: which rows count; together they stay within the allocated amount and reach it (B26)."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amount_cases import Books, listing, row
from examples import examples
from shipperone_erp import Reason
from shipperone_erp.domain.invoice_checks.split_lines import agrees, spread

HALF_A_CENT, HALF_A_YEN = D("0.005"), D("0.5")


@pytest.mark.parametrize(
    ("total", "qty", "price", "discount", "rate", "half"),
    [
        ("40.00", 4, "10.00", 0, None, HALF_A_CENT),
        ("10.00", 3, "3.3333", 0, None, HALF_A_CENT),
        ("18.00", 2, "10.00", "2.00", None, HALF_A_CENT),
        ("20.00", 2, "10.00", "2.00", None, HALF_A_CENT),
        ("12.10", 1, "10.00", 0, 21, HALF_A_CENT),
        ("36.30", 3, "10.00", 0, 21, HALF_A_CENT),
        ("107.60", 1, "100.00", "10.33", 20, HALF_A_CENT),
        ("0.00", 5, "0.00", 0, None, HALF_A_CENT),
        ("10.01", 1, "10.00", 0, None, HALF_A_CENT),
        ("500", 2, "249.75", 0, None, HALF_A_YEN),
        ("9.90", 3, "3.3", 0, None, HALF_A_CENT),
        ("10.00", 3, "3.3", 0, None, HALF_A_CENT),
    ],
    ids=lambda value: str(value),
)
def test_a_row_agrees_with_its_price_within_what_rounding_explains(total, qty, price, discount, rate, half):
    assert agrees(D(total), D(qty), D(price), D(discount), None if rate is None else D(rate), half)


@pytest.mark.parametrize(
    ("total", "qty", "price", "discount", "rate", "half"),
    [
        ("10.02", 3, "3.3333", 0, None, HALF_A_CENT),
        ("19.00", 2, "10.00", "2.00", None, HALF_A_CENT),
        ("12.10", 1, "10.00", 0, None, HALF_A_CENT),
        ("10.02", 1, "10.00", 0, None, HALF_A_CENT),
        ("40.00", 1, "10.00", 0, None, HALF_A_CENT),
        ("502", 2, "249.75", 0, None, HALF_A_YEN),
    ],
)
def test_a_row_that_rounding_does_not_explain_does_not_agree(total, qty, price, discount, rate, half):
    assert not agrees(D(total), D(qty), D(price), D(discount), None if rate is None else D(rate), half)


FOUR = listing(row(4, "40.00", "10.00"), shipping="4.99", total="44.99")


def test_one_piece_with_the_row_of_all_four_is_held_before_anything_is_built():
    found = Books().allocated(FOUR).problem(listing(row(1, "40.00", "10.00"), shipping="4.99", total="44.99"))
    assert (found.reason, found.owner) == (Reason.AMOUNT_UNEXPLAINED, "accountant")
    assert found.sentence == (
        "item 1 (MUG): 1 of 4 is listed with a row total of 40.00, but 1 x 10.00 is 10.00, and 40.00 is the row of all "
        "4. Have ShipperOne list the amounts of this part only, or accept this sum by `order approve FO-1 --total "
        "44.99 --note …`"
    )


def test_one_and_three_with_rows_of_their_own_are_both_right():
    books = Books().allocated(FOUR)
    first, rest = (
        listing(row(1, "10.00", "10.00"), shipping="4.99", total="44.99"),
        listing(row(3, "30.00", "10.00"), total="44.99"),
    )
    assert books.problem(first) is None
    assert books.invoiced(first).problem(rest) is None


def test_a_first_part_that_was_invoiced_too_high_before_is_named_with_the_excess():
    books = Books().allocated(FOUR).invoiced(listing(row(1, "40.00", "10.00"), shipping="4.99", total="44.99"), "44.99")
    sentence = books.sentence(listing(row(3, "30.00", "10.00"), total="44.99"))
    assert "come to 70.00 (invoice 1 40.00, this part 30.00), and 40.00 was allocated: 30.00 too much" in sentence
    assert (
        "invoice 1 states 40.00 for 1 of it, 30.00 more than 1 x 10.00: a credit note over 30.00 may be due" in sentence
    )
    assert books.credited("30.00").problem(listing(row(3, "30.00", "10.00"), total="44.99")) is None


@pytest.mark.parametrize(
    "rows",
    [("3.33", "3.33", "3.34"), ("3.33", "3.33", "3.33"), ("3.33", "3.34", "3.33")],
    ids=["the residue on the last", "no residue", "the residue in the middle"],
)
@pytest.mark.parametrize("price", ["3.33", "3.3333"])
def test_ten_euros_in_three_pieces_ship_one_by_one(rows, price):
    books = Books().allocated(listing(row(3, "10.00", price), total="10.00"))
    for amount in rows:
        part = listing(row(1, amount, price), total="10.00")
        assert books.problem(part) is None, books.sentence(part)
        books.invoiced(part)


def test_a_residue_on_the_first_piece_counts_where_the_price_does_not_exclude_it():
    first = listing(row(1, "3.34", "3.33"), total="10.00")
    assert Books().allocated(listing(row(3, "10.00", "3.33"), total="10.00")).problem(first) is None
    exact = listing(row(1, "3.34", "3.3333"), total="10.00")
    assert "1 x 3.3333 is 3.33" in Books().allocated(listing(row(3, "10.00", "3.3333"), total="10.00")).sentence(exact)


def test_twenty_euros_in_three_pieces_never_become_twenty_and_a_cent():
    books = Books().allocated(listing(row(3, "20.00", "6.6667"), total="20.00"))
    part = listing(row(1, "6.67", "6.6667"), total="20.00")
    books.invoiced(part).invoiced(part)
    assert "come to 20.01 (invoice 1 6.67, invoice 2 6.67, this part 6.67), and 20.00 was allocated: 0.01 too much" in (
        books.sentence(part)
    )
    assert books.problem(listing(row(1, "6.66", "6.6667"), total="20.00")) is None


def test_without_a_price_a_row_counts_at_the_allocated_quantity_only():
    books = Books().allocated(listing(row(4, "40.00"), row(2, "9.00", item=2)))
    assert books.problem(listing(row(2, "9.00", item=2))) is None
    assert "item 1 (MUG): 1 of 4 is listed with a row total of 10.00 and without a price" in books.sentence(
        listing(row(1, "10.00"))
    )


def test_an_unsplit_row_is_accepted_at_any_price():
    books = Books().allocated(listing(row(3, "25.00", "10.00"), shipping="4.99", total="29.99"))
    assert books.problem(listing(row(3, "25.00", "10.00"), shipping="4.99", total="29.99")) is None


def test_the_last_piece_reaches_the_row():
    books = Books().allocated(FOUR).invoiced(listing(row(1, "10.00", "10.00"), shipping="4.99", total="44.99"))
    sentence = books.sentence(listing(row(3, "27.00", "9.00"), total="44.99"))
    assert "with its last piece the rows of its parts come to 37.00 (invoice 1 10.00, this part 27.00)" in sentence
    assert "and 40.00 was allocated: 3.00 is missing" in sentence


OFF_ROW = {"discount": "off_row"}
DISCOUNTED = listing(row(4, "40.00", "10.00", discount="2.00"), shipping="4.99", total="42.99")


def test_the_discount_of_the_whole_row_on_a_part_of_it_is_held_before_the_first_is_built():
    sentence = (
        Books(**OFF_ROW)
        .allocated(DISCOUNTED)
        .sentence(listing(row(1, "10.00", "10.00", discount="2.00"), shipping="4.99", total="42.99"))
    )
    assert (
        "1 of 4 is listed with the discount 2.00 of the whole row, of which 0.50 is the share of this part" in sentence
    )


@pytest.mark.parametrize(
    "shares", [("0.50", "1.50"), ("0.00", "2.00"), ("1.00", "1.00"), (None, "2.00"), ("0.50", "1.51")]
)
def test_parts_whose_discounts_come_to_that_of_the_row_are_right(shares):
    books = Books(**OFF_ROW).allocated(DISCOUNTED)
    first = listing(row(1, "10.00", "10.00", discount=shares[0]), shipping="4.99", total="42.99")
    last = listing(row(3, "30.00", "10.00", discount=shares[1]), total="42.99")
    assert books.problem(first) is None, books.sentence(first)
    assert books.invoiced(first).problem(last) is None, books.sentence(last)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        ("2.00", "is taken off once, not with every part"),
        ("1.52", "is taken off once, not with every part"),
        ("1.00", "0.50 is not taken off"),
    ],
)
def test_a_discount_that_is_taken_off_twice_or_not_wholly_is_held(share, words):
    books = Books(**OFF_ROW).allocated(DISCOUNTED)
    books.invoiced(listing(row(1, "10.00", "10.00", discount="0.50"), shipping="4.99", total="42.99"))
    assert words in books.sentence(listing(row(3, "30.00", "10.00", discount=share), total="42.99"))


def test_a_discount_of_a_cent_on_two_pieces_is_on_one_of_them():
    books = Books(**OFF_ROW).allocated(listing(row(2, "20.00", "10.00", discount="0.01"), total="19.99"))
    first = listing(row(1, "10.00", "10.00", discount="0.01"), total="19.99")
    assert books.problem(first) is None
    assert books.invoiced(first).problem(listing(row(1, "10.00", "10.00", discount="0.00"), total="19.99")) is None


def test_the_price_of_the_allocation_serves_a_part_that_lists_none():
    books = Books().allocated(FOUR)
    assert books.problem(listing(row(1, "10.00"), shipping="4.99", total="44.99")) is None
    assert "but 1 x 10.00 is 10.00" in books.sentence(listing(row(1, "40.00"), shipping="4.99", total="44.99"))


def test_a_second_shipment_that_was_allocated_again_is_bounded_by_both_allocations():
    two = listing(row(2, "20.00", "10.00"), shipping="4.99", total="24.99")
    books = Books().allocated(two).invoiced(two).allocated(two, occurrence=2)
    books.settings = books.settings.model_copy(update={"shipping_on_parts": "as_listed"})
    assert books.problem(two) is None
    assert "come to 60.00" in books.invoiced(two).sentence(two)


def test_a_second_piece_of_a_split_line_that_was_allocated_by_a_repeat_is_no_second_order():
    first = listing(row(2, "20.00", "10.00"), shipping="4.99", total="44.99")
    second = listing(row(2, "20.00", "10.00"), total="44.99")
    books = Books().allocated(first).allocated(second, occurrence=2).invoiced(first)
    assert books.problem(second) is None, books.sentence(second)
    dear = listing(row(2, "20.00", "10.00"), shipping="44.99", total="44.99")
    assert "44.99 too much" in books.sentence(dear)


def test_a_part_whose_own_price_is_the_price_of_the_whole_row_is_held_at_once():
    books = Books().allocated(FOUR)
    sentence = books.sentence(listing(row(1, "40.00", "40.00"), shipping="4.99", total="44.99"))
    assert "the rows of 1 of 4 pieces come to 40.00" in sentence
    assert "their share of the 40.00 that was allocated is 10.00" in sentence


TWO_MUGS_AND_A_TEA = listing(row(2, "20.00", "10.00"), row(1, "30.00", "30.00", item=2), total="50.00")


def test_a_credit_note_for_one_item_makes_no_room_for_a_dearer_piece_of_another():
    books = Books().allocated(TWO_MUGS_AND_A_TEA)
    books.invoiced(listing(row(1, "10.00", "10.00"), row(1, "30.00", "30.00", item=2), total="40.00")).credited("30.00")
    dear = listing(row(1, "40.00", "40.00"), total="40.00")
    assert "the rows of its parts come to 50.00 (invoice 1 10.00, this part 40.00), and 20.00 was allocated" in (
        books.sentence(dear)
    )
    assert books.problem(listing(row(1, "10.00", "10.00"), total="10.00")) is None


def test_one_credit_note_is_used_by_one_item_only():
    books = Books().allocated(listing(row(2, "20.00", "10.00"), row(2, "20.00", "10.00", item=2), total="40.00"))
    books.invoiced(listing(row(1, "20.00", "10.00"), row(1, "20.00", "10.00", item=2), total="40.00")).credited("10.00")
    rest = listing(row(1, "10.00", "10.00"), row(1, "10.00", "10.00", item=2), total="20.00")
    sentence = books.sentence(rest)
    assert sentence.startswith("item 2 (TEA): the rows of its parts come to 30.00 (invoice 1 20.00, this part 10.00)")
    assert "a credit note over 10.00 may be due" in sentence
    assert books.credited("10.00").problem(rest) is None


def test_a_credit_note_over_exactly_one_rows_excess_is_of_that_row():
    books = Books().allocated(listing(row(2, "20.00", "10.00"), row(2, "10.00", "5.00", item=2), total="30.00"))
    books.invoiced(listing(row(1, "20.00", "10.00"), row(1, "10.00", "5.00", item=2), total="30.00")).credited("5.00")
    assert books.problem(listing(row(1, "5.00", "5.00", item=2), total="5.00")) is None
    assert "10.00 too much" in books.sentence(listing(row(1, "10.00", "10.00"), total="10.00"))


def test_the_surplus_of_an_earlier_part_is_measured_with_tax_for_prices_without_tax():
    books = Books().allocated(listing(row(4, "48.40", "10.00", rate="21"), total="48.40"))
    books.invoiced(listing(row(1, "48.40", "10.00", rate="21"), total="48.40"))
    rest = listing(row(3, "36.30", "10.00", rate="21"), total="48.40")
    assert "invoice 1 states 48.40 for 1 of it, 36.30 more than its share of 12.10" in books.sentence(rest)
    assert "2.10 is missing" in books.credited("38.40").sentence(rest), "more was credited than was too much"


def test_a_part_that_was_dear_by_its_own_price_is_credited_by_its_share_of_the_row():
    books = Books().allocated(FOUR).invoiced(listing(row(1, "40.00", "40.00"), shipping="4.99", total="44.99"), "44.99")
    rest = listing(row(3, "30.00", "10.00"), total="44.99")
    assert "30.00 more than its share of 10.00: a credit note over 30.00 may be due" in books.sentence(rest)
    assert books.credited("30.00").problem(rest) is None


def test_the_rest_of_a_row_without_a_price_includes_the_credit_note():
    books = Books().allocated(listing(row(4, "40.00"), total="40.00")).invoiced(listing(row(1, "40.00"), total="40.00"))
    assert books.credited("30.00").problem(listing(row(3, "30.00"), total="40.00")) is None


@examples(200)
@given(st.lists(st.integers(1, 500)), st.lists(st.integers(0, 500)))
def test_credit_notes_take_no_more_off_than_each_row_has_too_much_and_none_is_used_twice(notes, excesses):
    taken = spread(map(D, notes), list(map(D, excesses)))
    assert all(0 <= off <= excess for off, excess in zip(taken, excesses, strict=True))
    assert sum(taken) == min(sum(notes), sum(excesses)), "and all of it that fits is used"
