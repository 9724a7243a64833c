"""Days on which an invoice is issued and its goods cannot leave the ERP's stock (B9)."""

import json

import pytest

from merchant import order
from operator_actions import perform
from shipperone_erp import Reason
from shipperone_erp.domain.reasons import Owner
from shipperone_erp.domain.states import Stage, State

I = Stage.INVOICE  # noqa: E741


@pytest.mark.case("B9")
def test_issued_and_the_goods_are_not_there_when_they_are_to_leave(merchant):
    """The invoice does not wait for them; it stands first in the list, and goes on by itself once they are there."""
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order("FO-1", ("MUG", 2, "10.00")))
    merchant.sandbox.add(order("FO-2", ("TEA", 1, "4.50"), first_id=20))
    merchant.finishes()
    merchant.books.lose("MUG")
    merchant.sandbox.ship("FO-1")
    merchant.once(settle_for=0.2)
    job = merchant.job("FO-1", I)
    assert (job.state, job.reason, job.owner) == (State.HELD, Reason.ISSUED_NOT_DELIVERED, Owner.WAREHOUSE)
    assert job.next_attempt_at is not None, "tried again by itself"
    assert job.accepted
    assert len(merchant.books.invoices("FO-1")) == 1
    assert merchant.sandbox.order("FO-1").invoices, "ShipperOne has it: nothing is delayed"
    listed = json.loads(merchant.command("orders", "--json").stdout)
    assert (listed[0]["order_id"], listed[0]["reason"], listed[0]["state"]) == ("FO-1", "issued_not_delivered", "held")
    assert "the goods are not delivered in the ERP" in listed[0]["sentence"]
    merchant.books.find("MUG", 2)
    merchant.finishes(settle_for=12)
    assert merchant.job("FO-1", I).state is State.DONE
    assert merchant.books.delivered("FO-1") == 1
    assert len(merchant.books.invoices("FO-1")) == 1


@pytest.fixture
def allocated_by_hand(merchant):
    """Reserved and allocated before this ledger knew of it, and shipped now."""
    merchant.sandbox.add(order("FO-1", ("MUG", 2, "10.00")), stage="invoice")
    return merchant


@pytest.mark.case("B9")
def test_a_tenant_that_only_invoices_needs_no_setting(allocated_by_hand):
    merchant = allocated_by_hand
    merchant.settings["stages"] = '["invoice"]'
    merchant.finishes()
    assert len(merchant.books.invoices("FO-1")) == 1
    assert merchant.books.stock_of("MUG") == (18, 0), "the goods left, and nothing that others have reserved"


@pytest.mark.case("B9")
def test_without_a_reservation_an_operator_books_the_goods_out(allocated_by_hand):
    merchant = allocated_by_hand
    merchant.settings["without_reservation"] = '"hold"'
    merchant.once(settle_for=0.3)
    job = merchant.job("FO-1", I)
    assert (job.state, job.reason, job.owner) == (State.HELD, Reason.ISSUED_NOT_DELIVERED, Owner.WAREHOUSE)
    assert "no live reservation of item 1 (MUG) is known" in (job.sentence or "")
    assert len(merchant.books.invoices("FO-1")) == 1, "the invoice does not wait for it"
    done = merchant.command("order", "resolve", "FO-1", "--outcome", "cancelled")
    assert done.returncode == 2
    assert "only `--outcome confirmed` is possible" in done.stderr
    assert merchant.command("order", "resolve", "FO-1", "--outcome", "confirmed", "--note", "by hand").returncode == 0
    merchant.finishes()
    assert merchant.job("FO-1", I).state is State.DONE
    assert merchant.books.delivered("FO-1") == 0
    assert "finished by hand" in merchant.command("order", "show", "FO-1").stdout


@pytest.mark.case("B9")
def test_another_rule_and_a_retry_deliver_it_after_all(allocated_by_hand):
    merchant = allocated_by_hand
    merchant.settings["without_reservation"] = '"hold"'
    merchant.once(settle_for=0.3)
    merchant.settings["without_reservation"] = '"deliver"'
    perform(merchant, "retry", "FO-1")
    merchant.finishes()
    assert merchant.books.stock_of("MUG") == (18, 0)
    assert len(merchant.books.invoices("FO-1")) == 1


@pytest.mark.case("B9")
def test_a_tenant_with_invoices_only_changes_no_stock_and_doctor_reports_it(allocated_by_hand):
    merchant = allocated_by_hand
    merchant.settings["without_reservation"] = '"invoice_only"'
    merchant.finishes()
    assert merchant.books.stock_of("MUG") == (20, 0)
    assert merchant.books.delivered("FO-1") == 0
    printed = merchant.command("order", "show", "FO-1").stdout
    assert (
        'not delivered: no live reservation of item 1 (MUG) is known, and `without_reservation = "invoice_only"`'
        in printed
    )


@pytest.mark.case("B9")
@pytest.mark.parametrize("rule", ["hold", "invoice_only"])
def test_goods_reserved_here_are_delivered_under_every_setting(merchant, rule):
    merchant.settings["without_reservation"] = f'"{rule}"'
    merchant.sandbox.add(order("FO-1"))
    merchant.finishes()
    assert merchant.books.stock_of("MUG") == (18, 0)
