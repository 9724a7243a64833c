"""Orders that were listed before the go-live, or ignored, are never started by a changed or interrupted listing."""

from dataclasses import replace

import pytest

from job_rows import varied
from planning import NOW, decide, listing, order, scope, started
from shipperone_erp import Reason
from shipperone_erp.domain.decisions import NoAction, Start, StartHeld, Supersede
from shipperone_erp.domain.listing import UnreadableOrder
from shipperone_erp.domain.planner import plan
from shipperone_erp.domain.planner_input import PlannerInput
from shipperone_erp.domain.states import Stage, State


def unreadable(order_id: str | None = "FO-1") -> UnreadableOrder:
    return UnreadableOrder(order_id=order_id, sentence="item 1 has no SKU", raw="{}")


def before_go_live(read):
    decision = decide(read, live=False)
    assert isinstance(decision, StartHeld)
    assert decision.job.reason is Reason.BEFORE_GO_LIVE
    return decision.job


def left_the_queue(job):
    return job.undo_begins(State.GONE).ended_as(State.GONE, "it left the queue")


@pytest.mark.case("B3")
def test_an_unreadable_order_of_before_the_go_live_does_not_start_once_it_can_be_read():
    held = before_go_live(listing(unreadable=[unreadable()]))
    assert "item 1 has no SKU" in (held.sentence or "")
    readable = decide(listing(order()), held)
    assert isinstance(readable, Supersede)
    assert isinstance(readable.successor, StartHeld)
    assert readable.successor.job.reason is Reason.BEFORE_GO_LIVE

    released = held.taken_up(NOW)
    assert isinstance(decide(listing(order()), released).successor, Start), "an operator has released it"


@pytest.mark.case("B3")
@pytest.mark.parametrize("of", [listing(order()), listing(unreadable=[unreadable()])])
def test_an_order_of_before_the_go_live_that_leaves_and_returns_is_held_again(of):
    gone = left_the_queue(before_go_live(of))
    again = decide(listing(order()), gone)
    assert isinstance(again, StartHeld)
    assert again.job.reason is Reason.BEFORE_GO_LIVE
    released = again.job.retried(NOW)
    successor = decide(listing(order()), gone, released)
    assert isinstance(successor, Supersede)
    assert isinstance(successor.successor, Start)


def test_another_part_of_an_order_that_was_handled_by_hand_before_the_go_live_starts():
    gone = left_the_queue(before_go_live(listing(order())))
    assert isinstance(decide(listing(order("FO-1", 1, first_id=7)), gone), Start)


def test_an_order_that_was_released_and_left_the_queue_starts_when_it_returns():
    released = before_go_live(listing(order())).taken_up(NOW)
    assert isinstance(decide(listing(order()), left_the_queue(released)), Start)


ELSEWHERE = replace(order("FO-1", 2), warehouse_code="outlet")


@pytest.mark.parametrize(
    ("stage", "changed"),
    [
        *((stage, changed) for stage in Stage for changed in (order("FO-1", 1), order("FO-1", 2, 5))),
        (Stage.ALLOCATION, ELSEWHERE),
    ],
)
def test_another_listing_of_an_ignored_order_is_held_and_not_started(stage, changed):
    ignored = started(order("FO-1", 2), stage).ignored(NOW)
    held = decide(listing(changed), ignored, stage=stage)
    assert isinstance(held, StartHeld)
    assert held.job.reason is Reason.ITEMS_CHANGED
    assert ignored.key in (held.job.sentence or "")

    once_more = decide(listing(order("FO-1", 2, 3)), ignored, held.job, stage=stage)
    assert isinstance(once_more, Supersede)
    assert isinstance(once_more.successor, StartHeld), "nobody has released it yet"
    assert once_more.successor.job.reason is Reason.ITEMS_CHANGED

    retried = decide(listing(changed), ignored, held.job.retried(NOW), stage=stage)
    assert isinstance(retried, Supersede)
    assert isinstance(retried.successor, Start), "an operator has released it"
    assert isinstance(decide(listing(changed), ignored, held.job.ignored(NOW), stage=stage), NoAction)


def test_other_items_of_an_ignored_order_start():
    ignored = started(order("FO-1", 2), Stage.INVOICE).ignored(NOW)
    assert isinstance(decide(listing(order("FO-1", 2, first_id=5)), ignored, stage=Stage.INVOICE), Start)


def test_an_ignored_order_stays_ignored_when_the_store_moves_to_another_address():
    ignored = started(order()).ignored(NOW)
    moved = scope(base_url="https://shop.acme.example")
    (decision,) = plan(moved, listing(order()), PlannerInput(jobs=(ignored,)), NOW)
    assert isinstance(decision, NoAction)


@pytest.mark.parametrize("read", [listing(order()), listing(unreadable=[unreadable()])])
def test_an_order_that_was_ignored_while_it_could_not_be_read_stays_ignored(read):
    held = decide(listing(unreadable=[unreadable()]))
    assert held.job.reason is Reason.ORDER_UNREADABLE
    assert isinstance(decide(read, held.job.ignored(NOW)), NoAction)


def test_an_ignored_order_is_compared_without_its_text_where_its_digest_is_the_same():
    ignored = varied(started(order()).ignored(NOW), order_json="{")
    assert isinstance(decide(listing(order()), ignored), NoAction)
