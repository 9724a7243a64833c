"""A restored ledger of an ERP that issues at once: an equal part that the copy does not know of was invoiced before."""

import shutil
from decimal import Decimal as D

import pytest

from shipperone_erp import Reason
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.operations import ledger_admin
from stage_orders import act, order

I = Stage.INVOICE  # noqa: E741


def copy_and_restore(world, goes_on):
    """The ledger is copied, business goes on, and the copy takes the ledger's place."""
    shutil.copy(world.folder / "ledger.db", world.folder / "copy.db")
    goes_on()
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (world.folder / name).unlink(missing_ok=True)
    shutil.copy(world.folder / "copy.db", world.folder / "ledger.db")
    with world.ledger() as ledger:
        ledger_admin.restored(ledger, world.clock(), "the disk failed")


def allocate_four_mugs(world):
    """FO-1 is allocated; the ERP issues each invoice at once."""
    world.settings["fiscal_first"] = "true"
    world.erp_settings["fiscal"] = "true"
    world.sandbox.auto_ship = False
    world.sandbox.add(order("FO-1", ("MUG", 4, "40.00")))
    world.finishes()


@pytest.fixture
def yesterday(world):
    """Four mugs of FO-1 are allocated, the ledger is copied, and two of them are shipped and invoiced since."""
    allocate_four_mugs(world)

    def goes_on():
        world.sandbox.ship("FO-1", {1: 2})
        world.finishes()
        assert world.erp.issued("FO-1") == ["1:2"]

    copy_and_restore(world, goes_on)
    return world


def test_the_next_equal_part_is_not_confirmed_with_the_invoice_of_the_one_before(yesterday):
    world = yesterday
    world.sandbox.ship("FO-1", {1: 2})
    world.once()
    held = world.job("FO-1", I)
    assert (held.state, held.reason) == (State.HELD, Reason.OUTCOME_UNKNOWN)
    assert len(world.sandbox.order("FO-1").invoices) == 1, "nothing was sent"
    assert held.key in (held.sentence or "")
    done = world.command("order", "resolve", "FO-1", "--outcome", "confirmed", "--note", "1001 is of the first part")
    assert done.returncode == 0, done.stderr
    for _ in range(4):
        world.once(settle_for=1)
    assert world.job("FO-1", I).reason is Reason.LISTED_AGAIN
    act(world, "repeat", "FO-1", I)
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2", "1:2"]
    assert [items for items, _ in world.sandbox.order("FO-1").invoices] == [{1: D(2)}, {1: D(2)}]


def test_a_part_that_has_no_invoice_is_invoiced_after_a_retry(yesterday):
    world = yesterday
    world.erp.ask("DELETE FROM invoices")
    world.sandbox.ship("FO-1", {1: 2})
    world.once()
    assert world.job("FO-1", I).reason is Reason.OUTCOME_UNKNOWN
    act(world, "retry", "FO-1", I)
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"]


def test_an_invoice_that_shipperone_has_not_accepted_is_confirmed_after_a_retry(yesterday):
    world = yesterday
    state = world.sandbox.order("FO-1")
    state.invoices.clear()
    state.to_invoice = {1: D(2)}
    world.sandbox.ship("FO-1", {})
    world.once()
    act(world, "retry", "FO-1", I)
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"], "the very invoice, and no second one"
    assert len(state.invoices) == 1


def test_a_part_whose_job_is_in_the_copy_is_not_taken_for_the_next_one(world):
    allocate_four_mugs(world)
    world.sandbox.ship("FO-1", {1: 2})
    world.erp.script("build_invoice", "transient", times=1)
    world.once(settle_for=0)
    assert world.job("FO-1", I).step is Step.NEW
    copy_and_restore(world, lambda: world.finishes())
    world.sandbox.ship("FO-1", {1: 2})
    world.once()
    assert world.job("FO-1", I).reason is Reason.OUTCOME_UNKNOWN
    assert len(world.sandbox.order("FO-1").invoices) == 1


def test_orders_that_were_allocated_since_are_invoiced_without_a_question(yesterday):
    world = yesterday
    world.sandbox.add(order("FO-2", ("TEA", 2, "9.00"), first_id=50))
    world.once()
    world.sandbox.ship("FO-2", {50: 1})
    world.once()
    assert world.erp.issued("FO-2") == ["50:1"]
