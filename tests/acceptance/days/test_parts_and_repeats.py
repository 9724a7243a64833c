"""Days on which an order ships in parts, and on which the same is listed again (B11)."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from merchant import order
from operator_actions import perform, until_held
from shipperone_erp import Reason
from shipperone_erp.domain.reasons import Owner
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.sandbox import order_of

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


def invoiced(merchant) -> list[dict[str, D]]:
    return [booked.items for booked in merchant.books.invoices("FO-1")]


@pytest.mark.case("B11")
def test_four_pieces_ship_as_two_and_two(merchant):
    """The second part is the same items in the same quantity: a person says that it is a true second shipment."""
    merchant.sandbox.add(order_of("equal_parts", "FO-1", 1))
    held = until_held(merchant, "FO-1", I)
    assert (held.reason, held.owner) == (Reason.LISTED_AGAIN, Owner.SHIPPERONE)
    assert "2 of MUG (item 1)" in (held.sentence or "")
    assert invoiced(merchant) == [{"1": 2}]
    assert merchant.books.stock_of("MUG") == (18, 2)
    assert merchant.command("order", "repeat", "FO-1", "--note", "the second parcel").returncode == 0
    merchant.finishes()
    assert invoiced(merchant) == [{"1": 2}, {"1": 2}]
    assert merchant.books.stock_of("MUG") == (16, 0)
    assert merchant.sandbox.queue("invoice") == []


@pytest.mark.case("B11")
def test_a_repeated_job_stays_repeated_after_a_restart_from_the_listing(merchant):
    """The shop corrects the fee of the repeated part while it is held for another cause: nobody asks a second time."""
    merchant.sandbox.add(order_of("equal_parts", "FO-1", 1))
    until_held(merchant, "FO-1", I)
    perform(merchant, "repeat", "FO-1")
    merchant.sandbox.change("FO-1", lambda raw: {**raw, "currency": "USD"})
    merchant.once(settle_for=0.3)
    assert merchant.job("FO-1", I).reason is Reason.CURRENCY_DIFFERS
    perform(merchant, "retry", "FO-1")
    merchant.once(settle_for=0.3)
    assert merchant.job("FO-1", I).reason is Reason.CURRENCY_DIFFERS
    merchant.sandbox.change("FO-1", lambda raw: raw)
    merchant.finishes()
    assert invoiced(merchant) == [{"1": 2}, {"1": 2}]


@pytest.mark.case("B11")
def test_five_are_done_and_then_three_are_listed(merchant):
    merchant.sandbox.add(order("FO-1", ("MUG", 5, "10.00")))
    merchant.finishes()
    merchant.sandbox.add(order("FO-1", ("MUG", 3, "10.00")), stage="invoice")
    merchant.once(settle_for=0.3)
    held = merchant.job("FO-1", I)
    assert (held.state, held.reason, held.owner) == (State.HELD, Reason.MORE_THAN_ORDERED, Owner.SHIPPERONE)
    assert "item 1 (MUG): 5 allocated, 5 invoiced already, and 3 more are listed" in (held.sentence or "")
    assert invoiced(merchant) == [{"1": 5}]
    merchant.sandbox.cancel("FO-1")
    merchant.once(settle_for=2)
    merchant.finishes()
    assert invoiced(merchant) == [{"1": 5}]


@pytest.mark.case("B11")
def test_invoiced_goods_that_are_listed_again_under_another_item_id_are_held(merchant):
    merchant.sandbox.add(order("FO-1"))
    merchant.finishes()
    merchant.sandbox.add(order("FO-1", first_id=9), stage="invoice")
    held = until_held(merchant, "FO-1", I)
    assert (held.reason, held.owner) == (Reason.MORE_THAN_ORDERED, Owner.SHIPPERONE)
    assert "item 9 (MUG) was never allocated under this id: 2 of the SKU are allocated, 2 are invoiced" in held.sentence
    assert invoiced(merchant) == [{"1": 2}]


@pytest.mark.case("B11")
def test_goods_that_are_to_be_allocated_again_under_other_item_ids_are_not_reserved_twice(merchant):
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order("FO-1"))
    merchant.finishes()
    merchant.sandbox.add(order("FO-1", first_id=9))
    held = until_held(merchant, "FO-1", A)
    assert held.reason is Reason.LISTED_AGAIN
    assert "ShipperOne confirmed 2 of MUG (item 1) under other item ids as" in held.sentence
    assert merchant.books.stock_of("MUG") == (20, 2)
    perform(merchant, "repeat", "FO-1")
    merchant.finishes()
    assert merchant.books.stock_of("MUG") == (20, 4)


@pytest.mark.case("B11")
def test_parts_under_other_ids_than_the_allocations_are_invoiced_up_to_what_was_allocated(merchant):
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order("FO-1", ("MUG", 3, "10.00")))
    merchant.finishes()
    for item_id, pieces in ((91, 2), (92, 1)):
        merchant.sandbox.add(order("FO-1", ("MUG", pieces, "10.00"), first_id=item_id), stage="invoice")
        merchant.finishes()
    assert invoiced(merchant) == [{"91": 2}, {"92": 1}]
    merchant.sandbox.add(order("FO-1", ("MUG", 1, "10.00"), first_id=93), stage="invoice")
    assert until_held(merchant, "FO-1", I).reason is Reason.MORE_THAN_ORDERED


@pytest.mark.case("B11")
def test_listed_again_is_not_repeated_past_what_was_allocated(merchant):
    """ShipperOne still lists what is done, and a person says `order repeat` by mistake: two were allocated, not four."""
    merchant.sandbox.add(order("FO-1"))
    merchant.finishes()
    merchant.sandbox.add(order("FO-1"), stage="invoice")
    until_held(merchant, "FO-1", I)
    perform(merchant, "repeat", "FO-1")
    merchant.once(settle_for=0.3)
    held = merchant.job("FO-1", I)
    assert (held.state, held.reason) == (State.HELD, Reason.MORE_THAN_ORDERED)
    assert invoiced(merchant) == [{"1": 2}]
    perform(merchant, "retry", "FO-1")
    merchant.once(settle_for=0.3)
    assert merchant.job("FO-1", I).reason is Reason.MORE_THAN_ORDERED


@pytest.mark.case("B11")
def test_a_true_second_shipment_is_allocated_and_invoiced_again(merchant):
    """The partner lost the parcel; ShipperOne lists the same order in both queues once more, each is repeated."""
    merchant.sandbox.add(order("FO-1"))
    merchant.finishes()
    merchant.sandbox.add(order("FO-1"))
    assert until_held(merchant, "FO-1", A).reason is Reason.LISTED_AGAIN
    assert merchant.books.stock_of("MUG") == (18, 0), "nothing is reserved a second time by itself"
    perform(merchant, "repeat", "FO-1", A)
    assert until_held(merchant, "FO-1", I).reason is Reason.LISTED_AGAIN
    assert merchant.books.stock_of("MUG") == (18, 2)
    perform(merchant, "repeat", "FO-1", I)
    merchant.finishes()
    assert invoiced(merchant) == [{"1": 2}, {"1": 2}]
    assert merchant.books.stock_of("MUG") == (16, 0)
    keys = [job.key for job in merchant.jobs("FO-1")]
    assert len(set(keys)) == 4
    assert sum(key.endswith("-n2") for key in keys) == 2


@pytest.mark.case("B11")
def test_a_part_of_a_bundle_ships_twice(merchant):
    """Four mugs of two sets leave as two and two: what is repeated is the part, whatever row the bundle has."""
    merchant.settings["bundles"] = '"children"'
    made = order_of("bundle", "FO-1", 1)
    sets = (
        replace(made.items[0], qty=D(2)),
        replace(made.items[1], qty=D(4), row_total_incl_tax=D("48.00")),
        replace(made.items[2], qty=D(1)),
    )
    parts = ({1: D(1), 2: D(2), 3: D(1)}, {1: D(1), 2: D(2)})
    merchant.sandbox.add(replace(made, items=sets, total_incl_tax=D("57.49"), parts=parts))
    held = until_held(merchant, "FO-1", I)
    assert held.reason is Reason.LISTED_AGAIN
    assert "2 of MUG (item 2)" in (held.sentence or "")
    assert "SET" not in (held.sentence or "")
    perform(merchant, "repeat", "FO-1")
    merchant.finishes()
    assert invoiced(merchant) == [{"2": 2, "3": 1}, {"2": 2}]
    assert merchant.books.stock_of("MUG") == (16, 0)
