"""Operator actions between steps, in the ERP, at ShipperOne or by a command, and how a stage continues."""

import threading
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest

from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import EffectKind, Stage, State
from shipperone_erp.kernel.json import loads
from shipperone_erp.operations import go_live, job_actions
from shipperone_erp.sandbox import Fault, Sandbox
from stage_orders import act, one_mug_less, order, steer, voided_as_shipperone_accepts_it
from world import World

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.mark.case("D7")
def test_a_retry_reads_both_sides_again(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "refused")
    assert world.once().ending is Ending.HELD
    world.sandbox.change(
        "FO-1", lambda raw: {**raw, "shipping_amount_incl_tax": D("5.99"), "total_incl_tax": D("25.99")}
    )
    act(world, "retry", "FO-1", I)
    world.finishes()
    assert loads(world.sandbox.posts[-1].body)["order"]["shipping_amount_incl_tax"] == D("5.99")


def test_unreadable_orders_hide_no_other_and_start_once_they_can_be_read(world):
    world.sandbox.add(order("FO-BAD"))
    world.sandbox.add(order("FO-1", first_id=50))
    world.sandbox.change("FO-BAD", lambda raw: {**raw, "items": [{"id": 1, "sku": "MUG"}]})
    assert world.once().ending is Ending.HELD
    job = world.job("FO-BAD", A)
    assert job.reason is Reason.ORDER_UNREADABLE
    assert "quantity" in (job.sentence or "")
    assert world.erp.issued("FO-1") == ["50:2"]
    world.sandbox.change("FO-BAD", lambda raw: raw)
    world.finishes()
    assert world.erp.issued("FO-BAD") == ["1:2"]


@pytest.mark.case("B3")
def test_an_order_that_moves_up_between_two_pages_of_the_first_read_is_held_for_the_go_live(tmp_path):
    """Somebody confirms the first order by hand meanwhile: a walk over the pages misses the third one."""
    with Sandbox(page_size=2) as sandbox:
        world = World(tmp_path, sandbox)
        world.settings["go_live"] = '"ask"'
        for number in range(5):
            sandbox.add(order(f"FO-{number}", first_id=10 * number + 1))
        sandbox.faults.add(Fault("remove", action="pending_allocation", page=1, times=1))
        for _ in range(2):
            assert world.once().ending is Ending.HELD
        assert sandbox.posts == []
        held = {job.order_id for job in world.jobs() if job.reason is Reason.BEFORE_GO_LIVE and not job.ended}
        assert held == {"FO-1", "FO-2", "FO-3", "FO-4"}


def test_an_order_that_was_confirmed_by_hand_while_it_could_not_be_read_is_not_started(world):
    world.sandbox.add(order(), stage="invoice")
    world.sandbox.change("FO-1", lambda raw: {**raw, "items": [{"id": 1, "sku": "MUG"}]})
    world.once(settle_for=0)
    steer(world, job_actions.resolve, "FO-1", I, outcome="confirmed")
    world.sandbox.change("FO-1", lambda raw: raw)
    for _ in range(6):
        world.once(settle_for=0)
    held = world.job("FO-1", I)
    assert (held.state, held.reason) == (State.HELD, Reason.LISTED_AGAIN)
    assert "could not be read then" in (held.sentence or "")
    assert world.sandbox.posts == []


def test_go_live_previews_the_orders_listed_before(world):
    world.settings["go_live"] = '"ask"'
    world.sandbox.add(order("FO-OLD"))
    assert world.once().ending is Ending.HELD
    assert world.job("FO-OLD", A).reason is Reason.BEFORE_GO_LIVE
    world.sandbox.add(order("FO-NEW", first_id=50))
    world.once()
    assert world.erp.issued() == ["50:2"], "what came later goes on"
    with world.ledger() as ledger:
        go_live.go_live(ledger, "acme", [A, I], world.clock(), from_now=True)
    world.finishes()
    assert world.job("FO-OLD", A).state is State.IGNORED
    assert world.erp.live("FO-OLD") == 0
    act(world, "retry", "FO-OLD")
    world.finishes()
    assert world.erp.issued("FO-OLD") == ["1:2"]


def test_go_live_all_releases_them(world):
    world.settings["go_live"] = '"ask"'
    world.sandbox.add(order())
    world.once()
    with world.ledger() as ledger:
        go_live.go_live(ledger, "acme", [A, I], world.clock(), from_now=False)
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"]


def test_a_vanished_order_gives_its_reservation_back(world):
    world.erp.stock("MUG", 9)
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="1", times=99))
    world.once(settle_for=0)
    assert world.erp.live("FO-1") == 1
    world.sandbox.cancel("FO-1")
    world.once(settle_for=0)
    assert world.erp.live("FO-1") == 1, "one read is not enough"
    world.once(settle_for=0)
    assert world.erp.live("FO-1") == 0
    assert world.erp.ask("SELECT reserved FROM stock") == [(0,)]
    assert world.job("FO-1", A).state is State.GONE


def test_a_vanished_order_that_had_come_due_does_not_hurry_the_reads(world):
    """It is kept for `gone_grace`, and nothing about it changes sooner however often the queue is read."""
    world.settings["gone_grace"] = '"2h"'
    world.erp_settings["transfers_take_time"] = "true"
    far = replace(order(), items=(replace(order().items[0], warehouse_code="outlet"),))
    world.sandbox.add(far)
    world.once(settle_for=0.1)
    assert world.job("FO-1", A).reason is Reason.WAITING_FOR_TRANSFER
    world.sandbox.cancel("FO-1")
    before = world.sandbox.requests.total()
    world.once(settle_for=3)
    assert world.sandbox.requests.total() - before <= 6
    assert world.erp.live("FO-1") == 1


@pytest.mark.case("Q4")
def test_a_read_that_proves_nothing_lets_nothing_go(world):
    for number in range(130):
        world.sandbox.add(order(f"FO-{number:03}", first_id=number * 10))
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="60", times=999))
    world.once(settle_for=0)
    world.sandbox.cancel("FO-001")
    page_two = world.sandbox.faults.add(Fault("html_502", action="pending_allocation", page=2))
    for _ in range(3):
        world.once(settle_for=0)
    assert page_two.hits > 3
    assert world.job("FO-001", A).state is not State.GONE
    assert world.erp.live("FO-001") == 1


@pytest.mark.case("D1")
def test_ignored_and_retried_an_unknown_outcome_is_still_settled(world):
    world.settings["settle"] = '"3s"'
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("lost_answer", action="invoice", times=1))
    world.once(settle_for=1)
    assert world.job("FO-1", I).lost_at is not None
    steer(world, job_actions.ignore, "FO-1", I)
    steer(world, job_actions.retry, "FO-1", I)
    world.finishes()
    assert len(world.sandbox.order("FO-1").invoices) == 1
    assert world.erp.issued("FO-1") == ["1:2"]


def test_an_open_order_that_becomes_unreadable_is_held_until_it_is_readable(world):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("503", action="allocate", times=1, retry_after="0"))
    world.once(settle_for=0)
    world.sandbox.change("FO-1", lambda raw: {**raw, "items": [{"id": 1, "sku": "MUG"}]})
    assert world.once(settle_for=0.5).ending is Ending.HELD
    held = world.job("FO-1", A)
    assert (held.state, held.reason, held.reference is not None) == (State.HELD, Reason.ORDER_UNREADABLE, True)
    steer(world, job_actions.retry, "FO-1", A)
    assert world.once(settle_for=0.5).ending is Ending.HELD
    world.sandbox.change("FO-1", lambda raw: raw)
    world.finishes()
    assert world.erp.effects("reserve_stock") == 1


def test_an_unreadable_order_that_is_retried_in_vain_is_held_again(world):
    world.sandbox.add(order())
    world.sandbox.change("FO-1", lambda raw: {**raw, "items": [{"id": 1, "sku": "MUG"}]})
    assert world.once(settle_for=0.2).ending is Ending.HELD
    steer(world, job_actions.retry, "FO-1", A)
    assert world.once(settle_for=0.2).ending is Ending.HELD
    world.sandbox.change("FO-1", lambda raw: raw)
    world.finishes()


def test_a_requested_rebuild_runs_once_the_lost_answer_is_settled(world):
    world.settings["settle"] = '"2s"'
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("dropped", action="invoice", times=1))
    world.once(settle_for=1)
    assert world.job("FO-1", I).lost_at is not None
    steer(world, job_actions.retry, "FO-1", I, rebuild=True)
    world.finishes()
    assert world.job("FO-1", I).generation == 2
    assert world.erp.issued("FO-1") == ["1:2"]


def test_a_refused_release_is_repeated_only_after_an_operators_retry(world):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="1", times=99))
    world.erp.script("release_stock", "refused", times=99)
    world.once(settle_for=0)
    world.sandbox.change("FO-1", lambda raw: {**raw, "shipping_amount_incl_tax": D("7.00"), "total_incl_tax": D(27)})
    for _ in range(4):
        assert world.once(settle_for=0).ending in (Ending.HELD, Ending.PLATFORM)
    with world.ledger() as ledger:
        kinds = [effect.kind for effect in ledger.effects(world.jobs("FO-1", A)[0].id)]
    assert kinds.count(EffectKind.RELEASE) == 1
    world.erp.ask("DELETE FROM script")
    world.sandbox.faults.clear()
    steer(world, job_actions.retry, "FO-1", A)
    world.finishes()
    assert world.erp.live("FO-1") == 1


def test_an_ignored_reservation_is_not_joined_by_a_second_one_when_the_order_changes(world):
    world.sandbox.add(order("FO-1", ("MUG", 2, "10.00"), ("TEA", 1, "4.50")))
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="60", times=99))
    world.once(settle_for=0)
    assert world.erp.live("FO-1") == 1
    steer(world, job_actions.ignore, "FO-1", A)
    world.sandbox.change("FO-1", one_mug_less)
    world.once(settle_for=0)
    assert world.erp.live("FO-1") == 1
    world.sandbox.faults.clear()
    steer(world, job_actions.retry, "FO-1", A)
    world.once(settle_for=2)
    assert world.erp.live("FO-1") == 1
    assert world.erp.effects("release_stock") == 1


def test_an_order_ignored_while_the_service_is_busy_stays_ignored(world):
    world.settings |= {"concurrency": "1", "stock_retry": '"0.05s"'}
    world.erp.stock("MUG", 0)
    for number in range(8):
        world.sandbox.add(order(f"FO-{number}", first_id=10 * number + 1))
    world.once(settle_for=0)
    world.erp.stock("MUG", 99)
    world.erp.script("reserve_stock", "hang_then", times=99, detail="0.6")
    world.clock.ahead += timedelta(seconds=0.1)
    running = threading.Thread(target=lambda: world.once(settle_for=0))
    running.start()
    while world.erp.effects("reserve_stock") == 0:
        time.sleep(0.02)
    waiting = [job for job in world.jobs(stage=A) if job.state is State.WAITING]
    last = max(waiting, key=lambda job: job.order_id)
    steer(world, job_actions.ignore, last.order_id, A)
    running.join()
    assert world.job(last.order_id, A).state is State.IGNORED
    assert world.erp.live(last.order_id) == 0


@pytest.mark.case("D7")
def test_a_draft_that_was_corrected_in_the_erp_is_read_again_by_retry(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "cent_off", times=99)
    assert world.once(settle_for=3).ending is Ending.HELD
    held = world.job("FO-1", I)
    world.erp.ask("DELETE FROM script")
    steer(world, job_actions.retry, "FO-1", I)
    world.finishes()
    assert world.job("FO-1", I).key == held.key, "the corrected draft was thrown away"


def test_an_accepted_document_that_was_built_anew_and_differs_is_read_again_with_every_try(world):
    voided_as_shipperone_accepts_it(world)
    world.once(settle_for=0.2)
    world.erp.script("build_invoice", "cent_off", times=1)
    world.finishes(settle_for=15)
    assert world.erp.issued("FO-1") == ["1:2"]


def test_a_refused_rebuild_of_an_accepted_job_is_retried_automatically(world):
    voided_as_shipperone_accepts_it(world)
    world.once(settle_for=0.2)
    world.erp.script("build_invoice", "refused", times=1, detail="erp_period_locked")
    world.finishes(settle_for=15)
    assert world.erp.issued("FO-1") == ["1:2"]
