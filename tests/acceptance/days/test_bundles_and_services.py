"""Days with bundles that are listed twice, and services without stock (B19)."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal as D

import pytest

from operator_actions import perform
from shipperone_erp import Reason
from shipperone_erp.domain.line_selection import sort_out
from shipperone_erp.domain.reasons import Owner
from shipperone_erp.domain.states import EffectKind, Stage, State
from shipperone_erp.kernel.json import loads
from shipperone_erp.sandbox import SandboxItem, SandboxOrder, order_of

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.fixture
def merchant(merchant):
    for sku in ("SET", "LAMP", "VASE"):
        merchant.books.stock(sku, 20)
    return merchant


def confirmed(merchant) -> list[list[int]]:
    """The item ids of each confirmation that ShipperOne took, in their order."""
    bodies = [loads(post.body)["order"]["items"] for post in merchant.sandbox.posts if post.status == 200]
    return [[item["item_id"] for item in items] for items in bodies]


def held_at_last(merchant):
    """The order's invoice that is held; a busy machine sees the next part of an order later."""
    for _ in range(8):
        merchant.once(settle_for=0.5)
        job = merchant.job("FO-1", I)
        if job.state is State.HELD:
            return job
    raise AssertionError(merchant.stuck())


def effects(merchant, order_id, stage) -> list[EffectKind]:
    job = merchant.job(order_id, stage)
    with merchant.ledger() as ledger:
        return [effect.kind for effect in ledger.effects(job.id)]


@pytest.mark.case("B19")
def test_a_bundle_and_its_parts_are_listed_and_nothing_is_set(merchant):
    """It is held before anything is reserved, and says which rows; once the setting is there, it continues."""
    merchant.sandbox.add(order_of("bundle", "FO-1", 10))
    merchant.once(settle_for=0.3)
    held = merchant.job("FO-1", A)
    assert (held.state, held.reason, held.owner) == (State.HELD, Reason.BUNDLE_UNCLEAR, Owner.IT)
    assert "item 10 (SET) is listed with what is in it: item 11 (MUG), item 12 (TEA)" in (held.sentence or "")
    assert effects(merchant, "FO-1", A) == []
    assert merchant.sandbox.posts == []
    merchant.settings["bundles"] = '"children"'
    perform(merchant, "retry", "FO-1")
    merchant.finishes()
    assert confirmed(merchant) == [[10, 11, 12], [10, 11, 12]], "every item is confirmed all the same"
    (booked,) = merchant.books.invoices("FO-1")
    assert (booked.items, booked.total) == ({"11": 2, "12": 1}, D("33.49"))
    assert merchant.books.stock_of("MUG") == (18, 0), "the parts were reserved, and have left"
    assert merchant.books.stock_of("SET") == (20, 0)


@pytest.mark.case("B19")
def test_a_bundle_priced_on_the_parent_is_reserved_as_a_kit(merchant):
    merchant.settings["bundles"] = '"parents"'
    merchant.sandbox.add(order_of("set", "FO-1", 10))
    merchant.finishes()
    assert confirmed(merchant) == [[10, 11, 12], [10, 11, 12]]
    (booked,) = merchant.books.invoices("FO-1")
    assert (booked.items, booked.total) == ({"10": 1}, D("33.49"))
    assert merchant.books.stock_of("SET") == (19, 0)
    assert merchant.books.stock_of("MUG") == (20, 0)


@pytest.mark.case("M13")
def test_a_bundle_priced_on_the_parent_is_reserved_by_its_parts(merchant):
    """Its parts are reserved and leave the stock; it is invoiced where its price stands, which is moved to no other row."""
    merchant.settings["bundles"] = '"children"'
    merchant.sandbox.add(order_of("set", "FO-1", 10))
    merchant.finishes()
    assert confirmed(merchant) == [[10, 11, 12], [10, 11, 12]]
    (booked,) = merchant.books.invoices("FO-1")
    assert (booked.items, booked.total) == ({"10": 1}, D("33.49"))
    assert merchant.books.stock_of("MUG") == (18, 0)
    assert merchant.books.stock_of("TEA") == (19, 0)
    assert merchant.books.stock_of("SET") == (20, 0)


@pytest.mark.case("B19")
def test_both_sides_are_priced_and_differ(merchant):
    """30.00 and 28.50: whichever is left out, money is lost, so that the accountant is shown the sums."""
    merchant.settings["bundles"] = '"children"'
    made = order_of("bundle", "FO-1", 10)
    merchant.sandbox.add(replace(made, items=(replace(made.items[0], row_total_incl_tax=D("30.00")), *made.items[1:])))
    merchant.once(settle_for=0.3)
    held = merchant.job("FO-1", I)
    assert (held.state, held.reason, held.owner) == (State.HELD, Reason.BUNDLE_UNCLEAR, Owner.ACCOUNTANT)
    assert "item 10 (SET) has a price of 30.00 and is left out" in (held.sentence or "")
    assert "item 11 (MUG), item 12 (TEA)) has 28.50" in (held.sentence or "")
    assert "set `bundles`" not in (held.sentence or ""), "the other setting would lose it too"
    assert merchant.books.invoices() == []
    assert merchant.books.drafts() == 0


def shop_of_all_kinds() -> SandboxOrder:
    """A configurable, a bundle priced by its parts, one priced by itself, and a voucher that is a configurable."""
    bundle, fixed = order_of("bundle", "FO-1", 10), order_of("set", "FO-1", 20)
    both = replace(bundle.items[0], row_total_incl_tax=D("28.50"))
    items = (
        SandboxItem(id=6, sku="TEE", qty=D(2), row_total_incl_tax=D("49.20"), item_type="configurable"),
        SandboxItem(id=7, sku="TEE", qty=D(2), row_total_incl_tax=D(0), item_type="simple", parent_item_id=6),
        SandboxItem(id=8, sku="GIFT-50", row_total_incl_tax=D("50.00"), item_type="configurable"),
        SandboxItem(id=9, sku="GIFT-50", row_total_incl_tax=D(0), item_type="virtual", parent_item_id=8),
        both, *bundle.items[1:], *fixed.items,
    )  # fmt: skip
    return SandboxOrder(order_id="FO-1", items=items, total_incl_tax=D("161.19"))


@pytest.mark.case("M13")
def test_every_kind_of_parent_in_one_order(merchant):
    """49.20 for the tees, 50.00 for the voucher, 28.50 for each set and 4.99: no price is lost or counted twice."""
    merchant.settings["bundles"] = '"children"'
    merchant.books.stock("TEE", 20)
    merchant.sandbox.add(shop_of_all_kinds())
    merchant.finishes()
    (booked,) = merchant.books.invoices("FO-1")
    assert (booked.items, booked.total) == ({"6": 2, "8": 1, "11": 2, "12": 1, "20": 1}, D("161.19"))
    assert merchant.books.stock_of("TEE") == (18, 0), "reserved once, and gone"
    assert merchant.books.stock_of("MUG") == (16, 0)
    assert merchant.books.stock_of("TEA") == (18, 0)
    assert merchant.books.stock_of("SET") == (20, 0)
    assert confirmed(merchant) == [[6, 7, 8, 9, 10, 11, 12, 20, 21, 22]] * 2, "every item is confirmed"


@pytest.mark.case("M13")
def test_a_variant_needs_no_setting(merchant):
    """It is one piece of goods on two rows: which of them is named makes no difference."""
    merchant.books.stock("TEE", 20)
    merchant.sandbox.add(replace(shop_of_all_kinds(), items=shop_of_all_kinds().items[:4], total_incl_tax=D("104.19")))
    merchant.finishes()
    (booked,) = merchant.books.invoices("FO-1")
    assert (booked.items, booked.total) == ({"6": 2, "8": 1}, D("104.19"))
    assert merchant.books.stock_of("TEE") == (18, 0)


@pytest.mark.case("M13")
def test_only_the_bundle_is_listed_to_be_invoiced(merchant):
    """Its parts were reserved: they leave the stock with it, all of them."""
    merchant.settings["bundles"] = '"children"'
    made = order_of("bundle", "FO-1", 10)
    both = replace(made.items[0], row_total_incl_tax=D("28.50"))
    merchant.sandbox.add(replace(made, items=(both, *made.items[1:]), parts=({10: D(1)},)))
    assert held_at_last(merchant).reason is Reason.MORE_THAN_ORDERED, (
        "its parts are listed afterwards, and are not again"
    )
    (booked,) = merchant.books.invoices("FO-1")
    assert (booked.items, booked.total) == ({"10": 1}, D("33.49"))
    assert merchant.books.stock_of("MUG") == (18, 0)
    assert merchant.books.stock_of("TEA") == (19, 0)
    assert merchant.books.stock_of("SET") == (20, 0)


@pytest.mark.case("M13")
def test_a_bundle_whose_parts_were_invoiced_is_not_invoiced_as_well(merchant):
    merchant.settings["bundles"] = '"children"'
    made = order_of("bundle", "FO-1", 10)
    both = replace(made.items[0], row_total_incl_tax=D("28.50"))
    merchant.sandbox.add(replace(made, items=(both, *made.items[1:]), parts=({11: D(2), 12: D(1)}, {10: D(1)})))
    held = held_at_last(merchant)
    assert held.reason is Reason.MORE_THAN_ORDERED
    assert "item 11 (MUG), item 12 (TEA) of the same bundle was invoiced already" in (held.sentence or "")
    assert [booked.total for booked in merchant.books.invoices("FO-1")] == [D("33.49")]


@pytest.mark.case("M13")
@pytest.mark.parametrize("bundles", ["children", "parents"])
def test_reservations_of_version_0_1_are_found_and_delivered(merchant, monkeypatch, bundles):
    """It reserved every row in a parent, or every parent; its ledger does not hold which."""
    merchant.settings["bundles"] = f'"{bundles}"'
    merchant.settings["stages"] = '["allocation"]'
    merchant.books.stock("TEE", 20)
    made = order_of("set", "FO-1", 10)
    tees = shop_of_all_kinds().items[:2]
    merchant.sandbox.add(replace(made, items=(*tees, *made.items), total_incl_tax=D("82.69")))

    def by_one_rule(order, rules, known=()):
        parents = {item.parent_item_id for item in order.items}
        kept = [
            item for item in order.items
            if (item.item_id not in parents if bundles == "children" else item.parent_item_id is None)
        ]  # fmt: skip
        return replace(sort_out(order, rules, known), stocked=replace(order, items=tuple(kept)))

    with monkeypatch.context() as patched:
        patched.setattr("shipperone_erp.workflow.execution.sort_out", by_one_rule)
        merchant.once(settle_for=0.3)
    with closing(sqlite3.connect(merchant.folder / "ledger.db")) as db, db:
        assert db.execute("UPDATE jobs SET reserved = '[]'").rowcount == 1
    kept = {"MUG": (20, 2), "SET": (20, 0)} if bundles == "children" else {"MUG": (20, 0), "SET": (20, 1)}
    assert {sku: merchant.books.stock_of(sku) for sku in kept} == kept
    del merchant.settings["stages"]
    merchant.finishes()
    (booked,) = merchant.books.invoices("FO-1")
    assert (booked.items, booked.total) == ({"6": 2, "10": 1}, D("82.69"))
    assert merchant.books.stock_of("TEE") == (18, 0)
    gone = {"MUG": (18, 0), "SET": (20, 0)} if bundles == "children" else {"MUG": (20, 0), "SET": (19, 0)}
    assert {sku: merchant.books.stock_of(sku) for sku in gone} == gone


@pytest.mark.case("B19")
@pytest.mark.parametrize(("bundles", "items"), [("children", {"11": 2, "12": 1}), ("parents", {"10": 1})])
def test_rows_priced_on_parent_and_children_that_agree_are_accepted(merchant, bundles, items):
    """The total is that of one side: whichever is left out, no price is lost."""
    merchant.settings["bundles"] = f'"{bundles}"'
    made = order_of("bundle", "FO-1", 10)
    both = replace(made.items[0], price_incl_tax=D("28.50"), row_total_incl_tax=D("28.50"))
    merchant.sandbox.add(replace(made, items=(both, *made.items[1:])))
    merchant.finishes()
    (booked,) = merchant.books.invoices("FO-1")
    assert (booked.items, booked.total) == (items, D("33.49"))


@pytest.mark.case("B19")
def test_a_bundle_ships_in_parts_and_each_part_shows_the_bundle(merchant):
    """The bundle's own row comes with every part. It is not goods, so neither part is more than was allocated."""
    merchant.settings["bundles"] = '"children"'
    made = order_of("bundle", "FO-1", 10)
    pair = replace(made.items[0], qty=D(2), row_total_incl_tax=D("0.00"))
    parts = ({10: D(1), 11: D(2)}, {10: D(1), 12: D(1)})
    merchant.sandbox.add(replace(made, items=(pair, *made.items[1:]), parts=parts))
    merchant.finishes()
    assert [booked.items for booked in merchant.books.invoices("FO-1")] == [{"11": 2}, {"12": 1}]
    assert confirmed(merchant)[1:] == [[10, 11], [10, 12]]


@pytest.mark.case("B19")
def test_the_bundles_row_is_listed_alone_at_last(merchant):
    """The ledger knows from the allocation that it is a bundle: it is not taken for goods of its own."""
    merchant.settings["bundles"] = '"children"'
    made = order_of("bundle", "FO-1", 10)
    merchant.sandbox.add(replace(made, parts=({11: D(2), 12: D(1)}, {10: D(1)})))
    held = held_at_last(merchant)
    assert held.reason is Reason.BUNDLE_UNCLEAR
    assert len(merchant.books.invoices("FO-1")) == 1
    assert merchant.books.stock_of("SET") == (20, 0)


@pytest.mark.case("B19")
def test_a_part_of_a_bundle_without_the_bundle(merchant):
    merchant.settings["bundles"] = '"parents"'
    made = order_of("set", "FO-1", 10)
    merchant.sandbox.add(replace(made, parts=({10: D(1), 11: D(2)}, {12: D(1)})))
    held = held_at_last(merchant)
    assert held.reason is Reason.BUNDLE_UNCLEAR
    assert "item 12 (TEA) belongs to item 10, which is not listed with it" in (held.sentence or "")
    assert [booked.items for booked in merchant.books.invoices("FO-1")] == [{"10": 1}]


@pytest.mark.case("B19")
def test_a_cancelled_bundle_gives_back_what_was_reserved(merchant):
    """It waits for a transfer when it is cancelled: its parts are released, and nothing was ever taken of the bundle."""
    merchant.settings["bundles"] = '"children"'
    made = order_of("bundle", "FO-1", 10)
    elsewhere = [replace(item, warehouse_code="outlet") for item in made.items[1:2]]
    merchant.books.stock("MUG", 5, "outlet")
    merchant.sandbox.add(replace(made, items=(made.items[0], *elsewhere, made.items[2])))
    merchant.once(settle_for=0.3)
    assert merchant.books.stock_of("MUG", "outlet") == (5, 2)
    merchant.sandbox.cancel("FO-1")
    merchant.once(settle_for=2)
    merchant.once(settle_for=2)
    assert merchant.job("FO-1", A).state is State.GONE
    assert merchant.books.stock_of("MUG", "outlet") == (5, 0)
    assert merchant.books.stock_of("SET") == (20, 0)
    assert merchant.books.stock_of("TEA") == (20, 0)


@pytest.mark.case("B19")
def test_a_service_is_invoiced_and_neither_reserved_nor_delivered(merchant):
    merchant.sandbox.add(order_of("service", "FO-1", 10))
    merchant.finishes()
    assert confirmed(merchant) == [[10, 11], [10, 11]]
    (booked,) = merchant.books.invoices("FO-1")
    assert booked.items == {"10": 1, "11": 1}
    assert merchant.books.stock_of("LAMP") == (19, 0)
    assert merchant.books.delivered("FO-1") == 1


@pytest.mark.case("B19")
def test_an_order_of_services_only_reserves_no_stock(merchant):
    """It is allocated without the ERP; the story says so, and names no reservation."""
    merchant.sandbox.add(order_of("services_only", "FO-1", 10))
    merchant.finishes()
    allocated, invoiced = merchant.job("FO-1", A), merchant.job("FO-1", I)
    assert effects(merchant, "FO-1", A) == [EffectKind.CONFIRM]
    assert (allocated.state, allocated.reference) == (State.DONE, None)
    assert "none of its items is kept in stock" in (allocated.sentence or "")
    assert EffectKind.DELIVER not in effects(merchant, "FO-1", I)
    assert "nothing to deliver" in (invoiced.sentence or "")
    assert merchant.books.reserved("FO-1") == 0
    assert [booked.items for booked in merchant.books.invoices("FO-1")] == [{"10": 1}]
    printed = merchant.command("order", "show", "FO-1", "--stage", "allocation")
    assert "none of its items is kept in stock: allocated without the ERP" in printed.stdout


@pytest.mark.case("B19")
def test_services_have_another_name_in_this_shop(merchant):
    merchant.settings["services"] = '["Assembly"]'
    merchant.books.stock("ASSEMBLY", 0)
    made = order_of("service", "FO-1", 10)
    merchant.sandbox.add(replace(made, items=(made.items[0], replace(made.items[1], item_type="assembly"))))
    merchant.finishes()
    assert merchant.books.stock_of("LAMP") == (19, 0)
