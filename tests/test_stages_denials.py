"""ShipperOne answers a confirmation with 200 and a no: nothing is issued on it, and the queue decides."""

import pytest

from shipperone_erp.model.work import Stage, State
from shipperone_erp.sandbox import Fault
from stage_orders import order

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.mark.parametrize("words", ["false", '{"success": false}', '{"error": "locked"}', "<title>Shop</title>"])
def test_a_no_with_status_200_issues_no_invoice(world, words):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("denied", action="invoice", payload=words))
    world.once(settle_for=2)
    assert (world.erp.issued(), world.sandbox.order("FO-1").invoices) == ([], [])
    assert world.job("FO-1", I).state is not State.DONE


@pytest.mark.parametrize("action", ["allocate", "invoice"])
def test_a_no_that_the_queue_disproves_is_no_refusal(world, action):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("done_denied", action=action, times=1))
    world.finishes()
    assert world.job("FO-1", A if action == "allocate" else I).inferred
    assert (world.erp.live("FO-1"), world.erp.issued("FO-1")) == (1, ["1:2"])
    assert [post.path.rsplit("/", 1)[-1] for post in world.sandbox.posts] == ["allocate", "invoice"]


@pytest.mark.parametrize("action", ["allocate", "invoice"])
def test_one_no_that_the_queue_confirms_is_sent_again(world, action):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("denied", action=action, times=1))
    world.finishes(settle_for=15)
    assert not world.job("FO-1", A if action == "allocate" else I).inferred
    assert (world.sandbox.order("FO-1").allocations, len(world.sandbox.order("FO-1").invoices)) == (1, 1)
    assert (world.erp.live("FO-1"), world.erp.issued("FO-1")) == (1, ["1:2"])
