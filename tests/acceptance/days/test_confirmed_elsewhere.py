"""B4: somebody else confirms this store's orders: a person by hand, or a second installation with a ledger of its own.

Its goods are to be shipped, so what is reserved for them stays reserved.
"""

from datetime import timedelta

import pytest

from merchant import order
from shipperone_erp import Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.sandbox import Fault

A = Stage.ALLOCATION


def confirmed_by_another(merchant, order_id="FO-1"):
    """As `Sandbox` answers a POST that is not ours."""
    items = [item.id for item in merchant.sandbox.order(order_id).order.items]
    status, _ = merchant.sandbox._shop.allocate(order_id, items)
    assert status == 200


def reserved(merchant, *faults):
    """Reserved by us, and not confirmed yet."""
    merchant.settings["gone_grace"] = '"2h"'
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order())
    merchant.sandbox.faults.add(Fault("503", action="allocate", retry_after="1"))
    merchant.once(settle_for=0.5)
    merchant.sandbox.faults.clear()
    for fault in faults:
        merchant.sandbox.faults.add(fault)
    assert merchant.books.reserved("FO-1") == 1


def hours_pass(merchant, *hours):
    for ahead in hours:
        merchant.clock.ahead = timedelta(hours=ahead)
        merchant.once(settle_for=0.5)


@pytest.mark.case("B4")
def test_what_waits_to_be_shipped_stays_reserved_and_is_delivered_from_its_reservation(merchant, caplog):
    reserved(merchant)
    confirmed_by_another(merchant)
    hours_pass(merchant, 0, 1, 3, 20)
    job = merchant.job("FO-1", A)
    assert (job.state, job.inferred, merchant.books.reserved("FO-1")) == (State.DONE, True, 1)
    assert "a second installation serves this store" in caplog.text
    merchant.sandbox.ship("FO-1")
    merchant.finishes()
    assert (len(merchant.books.invoices("FO-1")), merchant.books.stock_of("MUG")[1]) == (1, 0)


@pytest.mark.case("D10")
def test_two_installations_with_a_ledger_each_reserve_and_invoice_once(merchant):
    """The copy confirms what the original has reserved; either may then have the invoice accepted."""
    reserved(merchant)
    original = dict(merchant.runtime_settings)
    merchant.runtime_settings["ledger"] = '"sqlite:///copy.db"'
    merchant.once(settle_for=0.5)
    assert merchant.sandbox.order("FO-1").allocations == 1
    merchant.runtime_settings = original
    hours_pass(merchant, 0, 1, 3)
    assert (merchant.books.reserved("FO-1"), merchant.books.stock_of("MUG")) == (1, (20, 2))
    merchant.sandbox.ship("FO-1")
    merchant.finishes()
    merchant.runtime_settings["ledger"] = '"sqlite:///copy.db"'
    hours_pass(merchant, 4, 8)
    assert [invoice.order_id for invoice in merchant.books.invoices()] == ["FO-1"]
    assert (len(merchant.sandbox.order("FO-1").invoices), merchant.books.stock_of("MUG")) == (1, (18, 0))


@pytest.mark.case("B4")
def test_it_is_noticed_however_late_it_is_confirmed(merchant):
    """It left the queue and came back into the flow within `gone_grace`: the look right before the release counts."""
    reserved(merchant)
    merchant.sandbox.faults.add(Fault("500", action="pending_shipment", times=1))
    confirmed_by_another(merchant)
    hours_pass(merchant, 0, 1)
    assert merchant.job("FO-1", A).state is State.WAITING
    hours_pass(merchant, 3)
    assert (merchant.job("FO-1", A).state, merchant.books.reserved("FO-1")) == (State.DONE, 1)


@pytest.mark.case("B4")
def test_another_part_of_the_order_proves_nothing(merchant):
    reserved(merchant)
    confirmed_by_another(merchant)
    merchant.sandbox._shop.order("FO-1").unshipped = {"another item": 1}
    merchant.sandbox.change("FO-1", lambda raw: {**raw, "items": [{**raw["items"][0], "id": 999}]} if raw["items"] else
                            {**raw, "items": [{"id": 999, "sku": "MUG", "qty": 1}]})  # fmt: skip
    hours_pass(merchant, 0, 3)
    assert (merchant.job("FO-1", A).state, merchant.books.reserved("FO-1")) == (State.GONE, 0)


@pytest.mark.case("B4")
def test_refused_while_it_left_the_queue_it_is_held_where_the_token_may_not_see_what_ships(merchant):
    """A second installation was faster: without that queue, nothing tells this from a cancelled order."""
    reserved(merchant, Fault("echo", action="pending_shipment"))
    merchant.sandbox.faults.add(
        Fault("call", action="allocate", times=1, payload=lambda post: confirmed_by_another(merchant))
    )
    hours_pass(merchant, 0.1, 1, 3, 6)
    job = merchant.job("FO-1", A)
    assert (job.state, job.reason, merchant.books.reserved("FO-1")) == (State.HELD, Reason.ORDER_GONE, 1)
    assert "a second installation" in job.sentence
    done = merchant.command("order", "resolve", "FO-1", "--outcome", "confirmed", "--note", "the old server did it")
    assert done.returncode == 0, done.stderr
    merchant.sandbox.ship("FO-1")
    merchant.finishes()
    assert (len(merchant.books.invoices("FO-1")), merchant.books.stock_of("MUG")[1]) == (1, 0)


@pytest.mark.case("B4")
def test_nothing_is_released_while_the_queue_of_what_ships_cannot_be_read(merchant):
    reserved(merchant, Fault("500", action="pending_shipment"))
    merchant.sandbox.cancel("FO-1")
    hours_pass(merchant, 0, 1, 3, 20)
    assert (merchant.job("FO-1", A).state, merchant.books.reserved("FO-1")) == (State.WAITING, 1)
    merchant.sandbox.faults.clear()
    hours_pass(merchant, 21)
    assert (merchant.job("FO-1", A).state, merchant.books.reserved("FO-1")) == (State.GONE, 0)


@pytest.mark.case("B12")
def test_an_operator_does_not_release_what_waits_to_be_shipped(merchant):
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order())
    merchant.finishes()
    done = merchant.command("order", "release", "FO-1", "--note", "forgotten?")
    assert done.returncode == 0, done.stderr
    merchant.once(settle_for=0.5)
    job = merchant.job("FO-1", A)
    assert (job.state, job.reason, merchant.books.reserved("FO-1")) == (State.HELD, Reason.RESERVED_NOT_SHIPPED, 1)
    assert "pending_shipment lists the order" in job.sentence
