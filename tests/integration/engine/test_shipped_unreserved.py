"""Goods that ShipperOne lists as shipped while their allocation waits for stock: a later reservation would stay."""

from decimal import Decimal as D

import pytest

from shipperone_erp import Reason
from shipperone_erp.domain.reasons import Owner
from shipperone_erp.domain.states import Stage, State
from stage_orders import act, order

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.fixture
def shipped_first(world):
    """FO-1 waits for stock in pending_allocation, and the warehouse has shipped it all the same."""
    world.sandbox.auto_ship = False
    world.sandbox.add(order())
    world.erp.stock("MUG", 0)
    world.once(settle_for=0)
    assert world.job("FO-1", A).reason is Reason.NOT_ENOUGH_STOCK
    world.sandbox.order("FO-1").unshipped = {1: D(2)}
    world.sandbox.ship("FO-1")
    return world


def stock_arrives(world):
    world.erp.ask("UPDATE stock SET on_hand = 10")


def test_shipped_goods_are_not_reserved_once_stock_arrives(shipped_first):
    world = shipped_first
    world.once(settle_for=0)
    assert world.erp.issued("FO-1") == ["1:2"]
    stock_arrives(world)
    world.once()
    job = world.job("FO-1", A)
    assert (job.state, job.reason, job.owner) == (State.HELD, Reason.ERP_STOCK_INCONSISTENT, Owner.WAREHOUSE)
    assert "listed goods of this order as shipped (item 1 (MUG))" in (job.sentence or "")
    assert world.erp.live("FO-1") == 0
    assert world.erp.ask("SELECT reserved FROM stock") == [(0,)]
    state = world.sandbox.order("FO-1")
    state.to_allocate = []
    world.sandbox.ship("FO-1", {})
    world.once()
    world.finishes()
    assert world.job("FO-1", A).state is State.GONE, "it ends once the order has left pending_allocation"
    assert world.erp.live("FO-1") == 0


def test_shipped_and_invoiced_between_two_reads_they_are_not_reserved_either(shipped_first):
    world = shipped_first
    world.settings["stages"] = '["invoice"]'
    world.finishes()
    world.settings["stages"] = '["allocation", "invoice"]'
    stock_arrives(world)
    world.once()
    assert world.job("FO-1", A).reason is Reason.ERP_STOCK_INCONSISTENT
    assert world.erp.live("FO-1") == 0


def test_an_operator_has_other_pieces_reserved_by_retry(shipped_first):
    world = shipped_first
    world.once()
    stock_arrives(world)
    act(world, "retry", "FO-1", A)
    world.once()
    assert world.job("FO-1", A).state is State.DONE
    assert world.erp.live("FO-1") == 1
