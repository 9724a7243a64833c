"""Which rows of an order are goods: by the place of each parent's price, with `bundles` for a choice (B19, M13)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from shipperone_erp import FulfillmentOrder, OrderItem
from shipperone_erp.domain.history import History
from shipperone_erp.domain.hook_answers import Reservation
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.line_selection import Rule, lost_by, lost_price, sort_out
from shipperone_erp.domain.reservations import Allocated, leaving, reserved_items, reserved_rows, rows_in
from shipperone_erp.domain.serialization import order_text
from shipperone_erp.domain.states import Stage, State

SERVICES = ("virtual", "downloadable", "service")
CHILDREN, PARENTS, HOLD = (Rule(bundles, SERVICES) for bundles in ("children", "parents", "hold"))


def row(number, sku, price=None, parent=None, *, qty="1", kind=None, discount=None, rate=None) -> OrderItem:
    return OrderItem(
        item_id=number, sku=sku, qty=D(qty), row_total_incl_tax=None if price is None else D(price),
        parent_item_id=parent, item_type=kind, discount=None if discount is None else D(discount),
        tax_percent=None if rate is None else D(rate),
    )  # fmt: skip


def order(*rows) -> FulfillmentOrder:
    return FulfillmentOrder("FO-1", "main", rows, "EUR", D("4.99"))


def ids(order_) -> list[int | str]:
    return [item.item_id for item in order_.items]


def bundle(own, mug, tea):
    return row(10, "SET", own), row(11, "MUG", mug, 10), row(12, "TEA", tea, 10)


NESTED = (
    row(1, "HAMPER", "60.00", kind="bundle"),
    row(2, "TEE", "40.00", 1, kind="configurable"), row(3, "TEE", "0.00", 2, kind="simple"),
    row(4, "BOX", "0.00", 1, kind="bundle"), row(5, "MUG", "12.00", 4), row(6, "TEA", "8.00", 4),
)  # fmt: skip


@pytest.mark.case("M13")
@pytest.mark.parametrize(
    ("rules", "rows", "invoiced", "stocked"),
    [
        # the price stands on one side
        (CHILDREN, bundle("0.00", "8.00", "4.00"), [11, 12], [11, 12]),
        (PARENTS, bundle("0.00", "8.00", "4.00"), [11, 12], [11, 12]),
        (PARENTS, bundle(None, "8.00", "4.00"), [11, 12], [11, 12]),
        (CHILDREN, bundle("12.00", "0.00", "0.00"), [10], [11, 12]),
        (PARENTS, bundle("12.00", "0.00", "0.00"), [10], [10]),
        (PARENTS, bundle("12.00", None, None), [10], [10]),
        (CHILDREN, bundle("0.00", "8.00", "0.00"), [11, 12], [11, 12]),  # a free part is goods all the same
        # on both, or on neither: as the tenant says
        (CHILDREN, bundle("12.00", "8.00", "4.00"), [11, 12], [11, 12]),
        (PARENTS, bundle("12.00", "8.00", "4.00"), [10], [10]),
        (CHILDREN, bundle("0.00", "0.00", "0.00"), [11, 12], [11, 12]),
        (PARENTS, bundle(None, None, None), [10], [10]),
        # a variant is one piece of goods on two rows
        (CHILDREN, (row(6, "TEE", "49.20", kind="configurable"), row(7, "TEE", "0.00", 6)), [6], [6]),
        (HOLD, (row(6, "TEE", "49.20", kind="configurable"), row(7, "TEE", "0.00", 6)), [6], [6]),
        (HOLD, (row(6, "TEE", "0.00", kind="configurable"), row(7, "TEE", "49.20", 6)), [7], [7]),
        (HOLD, (row(6, "TEE", None), row(7, "TEE", None, 6)), [6], [6]),
        (HOLD, (row(6, "TEE", "49.20"), row(7, "TEE", "49.20", 6)), [6], [6]),
        (CHILDREN, (row(6, "TEE", "49.20"), row(7, "TEE", "49.20", 6)), [7], [7]),
        (PARENTS, (row(8, "GIFT", "50.00", kind="configurable"), row(9, "GIFT", "0.00", 8, kind="virtual")), [8], []),
        # services inside bundles
        (CHILDREN, (*bundle("0.00", "8.00", "4.00"), row(13, "SETUP", "9.00", 10, kind="service")), [11, 12, 13],
         [11, 12]),
        (PARENTS, (row(1, "CARE", "20.00"), row(2, "A", "0", 1, kind="virtual"), row(3, "B", "0", 1, kind="service")),
         [1], []),
        # parents inside parents
        (CHILDREN, NESTED, [2, 5, 6], [2, 5, 6]),
        (PARENTS, NESTED, [1], [1]),
        (CHILDREN, (replace(NESTED[0], row_total_incl_tax=D(0)), *NESTED[1:]), [2, 5, 6], [2, 5, 6]),
        # parts without their bundle, a row that names itself, kinds of ids
        (PARENTS, (row(11, "MUG", "8.00", 10), row(12, "TEA", "0.00", 10)), [11, 12], [11, 12]),
        (HOLD, (row(11, "MUG", "8.00", 11),), [11], [11]),
        (CHILDREN, (row("10", "SET", "0.00"), row(11, "MUG", "8.00", 10), row(12, "TEA", "4.00", "10")), [11, 12],
         [11, 12]),
        # all kinds in one order
        (CHILDREN, (*bundle("0.00", "8.00", "4.00"), row(6, "TEE", "49.20"), row(7, "TEE", "0.00", 6),
                    row(20, "KIT", "30.00"), row(21, "CUP", "0.00", 20), row(22, "POT", "0.00", 20), row(30, "PEN", "2")),
         [11, 12, 6, 20, 30], [11, 12, 6, 21, 22, 30]),
    ],
)  # fmt: skip
def test_each_parent_is_decided_by_the_place_of_its_price(rules, rows, invoiced, stocked):
    goods = sort_out(order(*rows), rules)
    assert (goods.unclear, goods.incomplete) == (None, None)
    assert ids(goods.invoiced) == invoiced
    assert ids(goods.stocked) == stocked
    assert ids(goods.listed) == [item.item_id for item in rows]
    assert lost_price(goods, "EUR", D(0)) is None
    listed = {item.item_id: item for item in rows}
    for item in goods.invoiced.items:
        before = listed[item.item_id]
        assert (item.row_total_incl_tax, item.tax_percent) == (before.row_total_incl_tax, before.tax_percent)


@pytest.mark.case("M13")
def test_the_row_of_a_configurable_has_the_sku_of_its_variant():
    """The parent is no goods that an ERP knows; its row keeps its price and its tax."""
    rows = row(6, "TEE", "49.20", kind="configurable", rate="20"), row(7, "TEE-M", "0.00", 6, rate="10")
    goods = sort_out(order(*rows), PARENTS)
    (invoiced,), (stocked,) = goods.invoiced.items, goods.stocked.items
    assert (invoiced.item_id, invoiced.sku, invoiced.row_total_incl_tax) == (6, "TEE-M", D("49.20"))
    assert invoiced.tax_percent == D(20)
    assert stocked == invoiced


@pytest.mark.case("B19")
@pytest.mark.parametrize("rows", [bundle("0.00", "8.00", "4.00"), bundle("12.00", "0.00", "0.00"), NESTED])
def test_an_ambiguous_bundle_is_unclear_without_a_setting(rows):
    goods = sort_out(order(*rows), HOLD)
    assert 'Set which of them the ERP keeps in stock: `bundles = "children"` or `bundles = "parents"`' in goods.unclear


def test_rows_that_are_in_each_other_are_held_and_end():
    rows = row(1, "A", "1.00", 2), row(2, "B", "1.00", 1), row(3, "C", "1.00")
    assert "item 1 (A), item 2 (B) are listed as parts of each other" in sort_out(order(*rows), CHILDREN).unclear


@pytest.mark.case("M13")
@pytest.mark.parametrize("rules", [CHILDREN, PARENTS])
def test_prices_on_both_sides_that_differ_are_held_with_the_sums(rules):
    rows = order(*bundle("12.00", "8.00", "3.00"))
    lost = lost_by(rows, rules, (), "EUR", D(0))
    assert "12.00" in lost
    assert "11.00" in lost
    assert "set `bundles" not in lost, "the other side would lose something as well"
    assert lost_by(rows, rules, (), "EUR", D("1.00")) is None


@pytest.mark.case("M13")
def test_a_discount_that_only_one_setting_loses_names_the_other():
    discounted = replace(row(10, "SET", "12.00"), discount=D("2.00"))
    rows = order(discounted, *bundle("12.00", "8.00", "4.00")[1:])
    assert lost_by(rows, CHILDREN, (), "EUR", D(0)).endswith(
        'or set `bundles = "parents"`, with which no amount is lost'
    )
    assert lost_by(rows, PARENTS, (), "EUR", D(0)) is None


@pytest.mark.case("M13")
def test_a_parcel_with_some_parts_is_compared_with_the_whole_bundle_of_the_allocation():
    whole = bundle("12.00", "8.00", "4.00")
    assert lost_by(order(*whole[:2]), CHILDREN, whole, "EUR", D(0)) is None
    assert lost_by(order(*whole[:2]), CHILDREN, bundle("13.00", "8.00", "4.00"), "EUR", D(0)) is not None


@pytest.mark.case("M13")
@pytest.mark.parametrize(
    ("listed", "known", "incomplete"),
    [
        (bundle("12.00", "0.00", "0.00")[2:], bundle("12.00", "0.00", "0.00"), True),
        (bundle("0.00", "8.00", "0.00")[2:], bundle("0.00", "8.00", "0.00"), False),
        (bundle("0.00", "0.00", "0.00")[2:], (), True),  # nothing shows what the bundle costs
        (bundle(None, None, None)[2:], (), False),  # held as price_missing when it is invoiced
        (bundle("0.00", "8.00", "4.00")[:1], bundle("0.00", "8.00", "4.00"), True),
        (bundle("12.00", "8.00", "4.00")[:1], bundle("12.00", "8.00", "4.00"), False),
        (bundle("0.00", "0.00", "0.00")[:1], bundle("0.00", "0.00", "0.00"), False),  # a gift
    ],
)
def test_a_side_that_is_listed_alone_never_loses_the_price_of_the_other(listed, known, incomplete):
    goods = sort_out(order(*listed), CHILDREN, known)
    assert bool(goods.incomplete) is incomplete
    assert ids(goods.invoiced) == [item.item_id for item in listed]


NOW = datetime(2026, 3, 1, tzinfo=UTC)


def job(rows, reserved=(), *, number=1, stage=Stage.ALLOCATION) -> Job:
    listed = order(*rows)
    return Job(
        id=number, tenant="acme", stage=stage, order_id="FO-1", key=f"a-{number}", content="c", fingerprint="f",
        order_json=order_text(listed), item_ids=tuple(item.item_id for item in rows), since=NOW, first_listed_at=NOW,
        accepted_at=NOW, open=False, state=State.DONE, reference="R-1", reserved=reserved,
    )  # fmt: skip


def allocated(made: Job, rules) -> Allocated:
    reservation = Reservation(made.key, "R-1", reserved_items(made, rules))
    return Allocated((reservation,), reserved_rows(made, rules), rows_in([made], always=True), made=(made,))


def leaves(made: Job, listed, rules) -> dict[int | str, D]:
    known = allocated(made, rules)
    goods = sort_out(order(*listed), rules, known.known)
    return {item.item_id: item.qty for item in leaving(goods, known).items}


TEES = row(6, "TEE", "49.20", qty="2", kind="configurable"), row(7, "TEE", "0.00", 6, qty="2")
PAIRS = row(10, "SET", "24.00", qty="2"), row(11, "MUG", "16.00", 10, qty="4"), row(12, "TEA", "8.00", 10, qty="2")


@pytest.mark.case("M13")
@pytest.mark.parametrize(
    ("made", "listed", "rules", "expected"),
    [
        # 0.1.0 reserved by one rule for all bundles, and its ledger does not hold what
        (job(TEES), TEES, CHILDREN, {7: 2}),
        (job(TEES), TEES, PARENTS, {6: 2}),
        (job(bundle("0", "8", "4")), bundle("0", "8", "4"), PARENTS, {10: 1}),
        (job(bundle("12", "0", "0")), bundle("12", "0", "0"), CHILDREN, {11: 1, 12: 1}),
        # what was reserved is recorded, whatever the setting is now
        (job(TEES, (6,)), TEES, CHILDREN, {6: 2}),
        (job(bundle("12", "0", "0"), (11, 12)), bundle("12", "0", "0"), PARENTS, {11: 1, 12: 1}),
        # one side alone is listed to be invoiced
        (job(PAIRS, (11, 12)), PAIRS[:1], CHILDREN, {11: 4, 12: 2}),
        (job(PAIRS, (11, 12)), (replace(PAIRS[0], qty=D(1)),), CHILDREN, {11: 2, 12: 1}),
        (job(PAIRS, (11, 12)), PAIRS[1:2], CHILDREN, {11: 4}),
        (job(TEES, (6,)), (row(7, "TEE", "24.60", 6),), CHILDREN, {6: 1}),
        (job(PAIRS[:1]), PAIRS[1:], CHILDREN, {10: 2}),  # the allocation listed the bundle alone
        # a part that shows its bundle again, and goods beside it
        (job((*PAIRS, row(30, "PEN", "2")), (11, 12, 30)), (PAIRS[0], PAIRS[2], row(30, "PEN", "2")), CHILDREN,
         {12: 2, 30: 1}),
    ],
)  # fmt: skip
def test_exactly_the_reserved_goods_leave_the_stock(made, listed, rules, expected):
    assert leaves(made, listed, rules) == {item_id: D(qty) for item_id, qty in expected.items()}


@pytest.mark.case("M13")
@pytest.mark.parametrize(
    ("allocated", "listed", "part"),
    [
        (PAIRS, PAIRS, False),
        (PAIRS, PAIRS[1:], False),
        (PAIRS, PAIRS[:1], False),
        (PAIRS, (replace(PAIRS[0], qty=D(1)),), True),
        (PAIRS, PAIRS[:2], True),
        (TEES, TEES[:1], False),
        (TEES, TEES[1:], False),
        (TEES, (replace(TEES[1], qty=D(1)),), True),
        ((*TEES, row(30, "PEN", "2")), TEES, True),
        (bundle(None, None, None), bundle("12", "0", "0"), False),  # prices come with the invoice
    ],
)
def test_a_part_is_known_whichever_rows_of_a_bundle_are_listed(allocated, listed, part):
    for rules in (CHILDREN, PARENTS):
        assert History(rules, (), [job(allocated)]).is_part(order(*listed)) is part


@pytest.mark.case("M13")
def test_one_bundle_is_not_invoiced_by_both_of_its_sides():
    whole = bundle("12.00", "8.00", "4.00")
    earlier = job(whole[1:], number=2, stage=Stage.INVOICE)
    history = History(CHILDREN, [earlier], [job(whole)])
    assert history.more_than_allocated(order(whole[0])) == (
        "item 10 (SET): item 11 (MUG), item 12 (TEA) of the same bundle was invoiced already"
    )
    assert History(CHILDREN, [job(whole[1:2], number=2, stage=Stage.INVOICE)], [job(whole)]).more_than_allocated(
        order(whole[0], whole[2])
    ) is None  # fmt: skip
