"""Answers that were lost, late, refused or none, on both sides: nothing twice, and every order continues."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.sandbox import Fault
from stage_orders import order

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.mark.case("D1")
def test_shipperone_takes_the_invoice_and_the_answer_is_lost(any_world):
    any_world.sandbox.add(order())
    lost = any_world.sandbox.faults.add(Fault("lost_answer", action="invoice", times=1))
    any_world.finishes()
    assert lost.hits == 1
    assert any_world.erp.issued("FO-1") == ["1:2"]
    assert len(any_world.sandbox.order("FO-1").invoices) == 1
    assert any_world.job("FO-1", I).inferred


@pytest.mark.case("D1")
def test_the_call_was_lost_on_its_way_there_and_is_sent_again(world):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("dropped", action="invoice", times=1))
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"]
    assert not world.job("FO-1", I).inferred
    assert [post.status for post in world.sandbox.posts if post.path.endswith("/invoice")] == [0, 200]


@pytest.mark.case("D1")
def test_an_allocation_whose_answer_was_lost(world):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("lost_answer", action="allocate", times=1))
    world.finishes()
    assert world.sandbox.order("FO-1").allocations == 1
    assert world.erp.live("FO-1") == 1


@pytest.mark.case("D1")
@pytest.mark.parametrize("action", ["allocate", "invoice"])
def test_the_first_call_comes_after_the_second_was_on_its_way(world, action):
    """Its asker was given up, two reads said that it had no effect, and then it has one all the same."""
    world.sandbox.add(order())
    world.erp.stock("MUG", 9)
    shop = world.sandbox._shop

    def late(post):
        shop.allocate("FO-1", [1]) if action == "allocate" else shop.invoice("FO-1", [1], D("4.99"))

    world.sandbox.faults.add(Fault("dropped", action=action, times=1))
    world.sandbox.faults.add(Fault("call", action=action, times=1, every=2, payload=late))
    world.finishes(settle_for=20)
    job = world.job("FO-1", A if action == "allocate" else I)
    assert (job.state, job.inferred) == (State.DONE, True)
    assert (world.erp.live("FO-1"), world.erp.issued("FO-1")) == (1, ["1:2"])
    assert world.erp.effects("release_stock") == world.erp.effects("discard_invoice") == 0
    assert world.erp.ask("SELECT on_hand, reserved FROM stock") == [(7, 0)]


@pytest.mark.case("D1")
def test_in_doubt_hold_holds_the_job(world):
    world.settings["in_doubt"] = '"hold"'
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("lost_answer", action="invoice", times=1))
    assert world.once().ending is Ending.HELD
    job = world.job("FO-1", I)
    assert job.reason is Reason.OUTCOME_UNKNOWN
    assert world.erp.issued() == []


@pytest.mark.case("H3")
@pytest.mark.parametrize("kind", ["cut", "html_200", "redirect", "html_502", "500"])
def test_an_answer_that_is_none_is_unknown_and_settled_by_the_queue(world, kind):
    world.sandbox.add(order())
    fault = world.sandbox.faults.add(Fault(kind, action="invoice", times=1))
    world.finishes(settle_for=15)
    assert fault.hits == 1
    assert len(world.sandbox.order("FO-1").invoices) == 1
    assert world.erp.issued("FO-1") == ["1:2"]


@pytest.mark.case("H5")
@pytest.mark.parametrize("retry_after", ["1", "date1"])
@pytest.mark.parametrize("kind", ["429", "503"])
def test_a_pause_requested_by_shipperone_counts_no_attempt(world, kind, retry_after):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault(kind, action="allocate", times=1, retry_after=retry_after))
    world.finishes()
    assert world.job("FO-1", A).attempts == 0
    assert world.erp.issued("FO-1") == ["1:2"]


@pytest.mark.case("H4")
def test_a_refused_token_pauses_the_tenant_and_fails_no_order(world):
    world.sandbox.add(order())
    world.sandbox.revoke("another")
    assert world.once().ending is Ending.PLATFORM
    assert world.jobs() == []
    world.environment["ACME_TOKEN"] = "another"
    world.finishes()


@pytest.mark.case("H4")
def test_a_token_that_is_revoked_in_the_middle(world):
    world.sandbox.add(order())
    world.sandbox.faults.add(
        Fault("call", action="invoice", times=1, payload=lambda post: world.sandbox.revoke("another"))
    )
    ended = world.once()
    assert ended.ending is Ending.PLATFORM
    assert "401" in ended.sentence
    assert world.job("FO-1", I).state is not State.HELD
    world.environment["ACME_TOKEN"] = "another"
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"]


@pytest.mark.case("D3")
def test_a_hook_that_fails_twice_causes_one_post(world):
    world.sandbox.add(order())
    world.erp.script("issue_invoice", "transient", times=2)
    world.finishes(settle_for=15)
    assert len(world.sandbox.posts) == 2
    assert world.erp.effects("issue_invoice") == 1


@pytest.mark.case("D2")
def test_a_hook_whose_answer_was_lost_is_called_again_with_the_same_key(any_world):
    any_world.sandbox.add(order())
    for hook in ("reserve_stock", "build_invoice", "issue_invoice", "deliver"):
        any_world.erp.script(hook, "unknown_after")
    any_world.finishes(settle_for=20)
    assert any_world.erp.live("FO-1") == 1
    assert any_world.erp.issued("FO-1") == ["1:2"]
    assert any_world.erp.delivered() <= 1


@pytest.mark.case("D1")
def test_one_lost_answer_is_settled_by_the_queue_however_long_the_order_waited_before(world):
    world.erp.stock("MUG", 0)
    world.sandbox.add(order())
    world.once(settle_for=1)
    assert world.job("FO-1", A).attempts >= 3
    world.erp.stock("MUG", 9)
    world.sandbox.faults.add(Fault("lost_answer", action="allocate", times=1))
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"]


def test_an_accepted_invoice_is_issued_while_shipperone_is_unavailable(world):
    world.sandbox.add(order())
    world.erp.script("issue_invoice", "transient", times=1)
    world.once(settle_for=0.3)
    job = world.job("FO-1", I)
    assert job.accepted
    assert job.state is not State.DONE
    world.sandbox.revoke("another")
    world.clock.ahead += timedelta(minutes=1)
    assert world.once(settle_for=0).ending is Ending.PLATFORM
    assert world.erp.issued("FO-1") == ["1:2"]
    assert world.erp.delivered("FO-1") == 1
