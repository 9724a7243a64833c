"""Operators' decisions: approving drafts, releasing unshipped orders, another ERP, a number that is used twice."""

import json
import re
from datetime import timedelta

import pytest

from merchant import OnSql, order
from shipperone_erp import Owner, Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import EffectKind, Stage, State
from shipperone_erp.sandbox import Fault

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


def output(merchant, *arguments, code=0):
    """What the command says on stdout (or on stderr, where it is to fail)."""
    done = merchant.command(*arguments)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def issue_by_hand(merchant, key, number):
    """A person makes the draft (or, without drafts, the invoice) of that key fiscal in the ERP."""
    if isinstance(merchant.books, OnSql):
        merchant.books.ask("UPDATE invoices SET state = 'issued', number = ? WHERE job_key = ?", number, key)
    else:
        merchant.erp.ask(
            "INSERT OR REPLACE INTO invoices VALUES (?, 'FO-1', 'issued', ?, '1:2', '24.99', '4.99', NULL, NULL)",
            key,
            number,
        )


# --- approving


@pytest.mark.case("B3")
def test_nothing_is_sent_before_an_operator_approves_the_draft(merchant):
    merchant.settings["approve"] = '["invoice"]'
    merchant.sandbox.add(order())
    assert merchant.once().ending is Ending.HELD
    job = merchant.job("FO-1", I)
    assert (job.state, job.reason, job.owner) == (State.HELD, Reason.AWAITING_APPROVAL, Owner.ACCOUNTANT)
    assert "of 24.99 EUR waits for `order approve FO-1`" in (job.sentence or "")
    assert merchant.sandbox.order("FO-1").invoices == []
    assert "`order approve` ends the pause" in output(merchant, "order", "retry", "FO-1", "--stage", "invoice", code=2)
    output(merchant, "order", "approve", "FO-1", "--note", "looks right")
    merchant.finishes()
    assert len(merchant.books.invoices("FO-1")) == len(merchant.sandbox.order("FO-1").invoices) == 1
    with merchant.ledger() as ledger:
        assert [(act.action, act.note) for act in ledger.actions(job.id)] == [("approve", "looks right")]
    assert "nothing of order FO-1 can be approved" in output(merchant, "order", "approve", "FO-1", code=2)


@pytest.mark.case("B3")
def test_an_approval_is_of_this_very_draft(merchant):
    merchant.settings["approve"] = '["invoice"]'
    merchant.sandbox.add(order())
    merchant.once()
    first = merchant.job("FO-1", I)
    output(merchant, "order", "approve", "FO-1")
    merchant.sandbox.change("FO-1", lambda raw: {**raw, "shipping_amount_incl_tax": 3, "total_incl_tax": 23})
    merchant.once()
    second = merchant.job("FO-1", I)
    assert (second.state, second.reason) == (State.HELD, Reason.AWAITING_APPROVAL), "the order changed: another draft"
    assert second.id != first.id

    output(merchant, "order", "approve", "FO-1")
    output(merchant, "order", "retry", "FO-1", "--stage", "invoice", code=2)
    if isinstance(merchant.books, OnSql):
        merchant.books.ask("UPDATE invoices SET total_micro = total_micro + 1 WHERE state = 'draft'")
        merchant.settings["tolerance"] = '"0.01"'
        merchant.once()
        again = merchant.job("FO-1", I)
        assert again.reason is Reason.AWAITING_APPROVAL, "somebody has written into the draft since it was approved"
        assert merchant.sandbox.order("FO-1").invoices == []
        output(merchant, "order", "retry", "FO-1", "--stage", "invoice", "--rebuild")
        merchant.once()
        assert merchant.job("FO-1", I).reason is Reason.AWAITING_APPROVAL
        output(merchant, "order", "approve", "FO-1")
    merchant.finishes()
    (booked,) = merchant.books.invoices("FO-1")
    assert (booked.total, booked.shipping) == (23, 3)
    assert merchant.books.drafts() == 0


def test_fiscal_first_and_approve_exclude_each_other(merchant):
    merchant.settings |= {"fiscal_first": "true", "approve": '["invoice"]'}
    assert "before it can be approved" in output(merchant, "config", "check", code=78)


# --- B12: reserved, never shipped


@pytest.fixture
def forgotten(merchant):
    """Reserved, confirmed, and nobody ships it for three weeks."""
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order())
    merchant.finishes()
    merchant.clock.ahead = timedelta(days=13)
    merchant.finishes()
    assert merchant.job("FO-1", A).state is State.DONE
    merchant.clock.ahead = timedelta(days=21)
    return merchant


@pytest.mark.case("B12")
def test_reserved_and_never_shipped_is_shown_and_heals_when_it_ships(forgotten):
    assert forgotten.once().ending is Ending.HELD
    job = forgotten.job("FO-1", A)
    assert (job.state, job.reason, job.owner) == (State.HELD, Reason.RESERVED_NOT_SHIPPED, Owner.WAREHOUSE)
    assert "nothing was shipped within 14d" in (job.sentence or "")
    rows = json.loads(output(forgotten, "status", "--json"))
    assert [row["reserved_not_shipped"] for row in rows] == [1, 0]
    assert "acme: 1 reserved, and not shipped within ship_within" in output(forgotten, "status")
    (listed,) = json.loads(output(forgotten, "orders", "--reason", "reserved_not_shipped", "--json"))
    assert (listed["order_id"], listed["stage"]) == ("FO-1", "allocation")
    assert "`order release --note" in output(forgotten, "order", "retry", "FO-1", code=2)
    assert forgotten.books.reserved("FO-1") == 1

    forgotten.sandbox.ship("FO-1")
    forgotten.finishes()
    assert forgotten.job("FO-1", A).state is State.DONE
    assert len(forgotten.books.invoices("FO-1")) == 1


@pytest.mark.case("B12")
def test_an_operators_release_increments_the_revision(forgotten):
    forgotten.once()
    before = forgotten.job("FO-1", A)
    forgotten.sandbox.cancel("FO-1")
    assert forgotten.command("order", "release", "FO-1").returncode == 2, "a note must be given"
    output(forgotten, "order", "release", "FO-1", "--note", "cancelled by phone")
    assert forgotten.books.reserved("FO-1") == 1, "the command calls no hook"
    forgotten.finishes()
    job = forgotten.job("FO-1", A)
    assert (job.state, job.id) == (State.GONE, before.id)
    assert re.fullmatch("released by .*: cancelled by phone", job.sentence or "")
    assert (forgotten.books.reserved("FO-1"), forgotten.books.stock_of("MUG")) == (0, (20, 0))
    with forgotten.ledger() as ledger:
        assert [(act.action, act.note) for act in ledger.actions(job.id)] == [("release", "cancelled by phone")]
        assert [effect.kind for effect in ledger.effects(job.id)][-1] is EffectKind.RELEASE
    assert "nothing of order FO-1 can be released" in output(
        forgotten, "order", "release", "FO-1", "--note", "x", code=2
    )

    forgotten.sandbox.add(order())
    forgotten.finishes()
    again = forgotten.job("FO-1", A)
    assert (again.generation, again.state, again.key) == (2, State.DONE, f"{before.key}-g2")
    assert forgotten.books.reserved("FO-1") == 1


@pytest.mark.case("B12")
@pytest.mark.parametrize("queue", ["pending_allocation", "pending_invoice"])
def test_a_reservation_of_a_listed_order_is_not_released(forgotten, queue):
    forgotten.once()
    if queue == "pending_invoice":
        forgotten.sandbox.ship("FO-1")
    else:
        forgotten.sandbox.add(order())
    refused = output(forgotten, "order", "release", "FO-1", "--note", "lost", code=2)
    assert f"order FO-1 is listed in {queue}: its reservation is not released" in refused
    assert (forgotten.job("FO-1", A).ending, forgotten.books.reserved("FO-1")) == (None, 1)


@pytest.mark.case("B12")
def test_the_service_looks_again_before_it_gives_back(forgotten):
    forgotten.once()
    output(forgotten, "order", "release", "FO-1", "--note", "lost")
    forgotten.sandbox.ship("FO-1")
    forgotten.sandbox.faults.add(Fault("429", action="invoice", retry_after="1"))
    forgotten.once(settle_for=1)
    job = forgotten.job("FO-1", A)
    assert (job.state, job.ending) in ((State.DONE, None), (State.HELD, None)), job
    with forgotten.ledger() as ledger:
        assert EffectKind.RELEASE not in {effect.kind for effect in ledger.effects(job.id)}
    forgotten.sandbox.faults.clear()
    forgotten.finishes()
    assert (len(forgotten.books.invoices("FO-1")), forgotten.books.delivered("FO-1")) == (1, 1)


@pytest.mark.case("B12")
def test_a_queue_that_cannot_be_read_proves_nothing(forgotten):
    forgotten.once()
    forgotten.sandbox.cancel("FO-1")
    forgotten.sandbox.faults.add(Fault("html_502", action="pending_invoice"))
    assert "both queues must be read first" in output(forgotten, "order", "release", "FO-1", "--note", "lost", code=4)
    forgotten.sandbox.faults.clear()
    output(forgotten, "order", "release", "FO-1", "--note", "lost")
    forgotten.sandbox.faults.add(Fault("html_502", action="pending_invoice"))
    forgotten.once(settle_for=1)
    assert forgotten.books.reserved("FO-1") == 1
    forgotten.sandbox.faults.clear()
    forgotten.finishes()
    assert forgotten.books.reserved("FO-1") == 0


@pytest.mark.case("B12")
def test_shipped_and_not_invoiced_for_long_is_overdue(merchant, caplog):
    merchant.settings["approve"] = '["invoice"]'
    merchant.sandbox.add(order())
    merchant.once()
    assert [row["overdue"] for row in json.loads(output(merchant, "status", "--json"))] == [0, 0]
    merchant.settings["invoice_within"] = '"0s"'
    with caplog.at_level("WARNING", "shipperone_erp.run"):
        merchant.once()
    logged = [record.getMessage() for record in caplog.records if "is not invoiced within" in record.getMessage()]
    assert logged == ["acme invoice FO-1 has shipped and is not invoiced within 0s (awaiting_approval)"]
    assert [row["overdue"] for row in json.loads(output(merchant, "status", "--json"))] == [0, 1]
    assert "acme: 1 shipped, and not invoiced within invoice_within" in output(merchant, "status")


# --- B5, B8, B21


@pytest.mark.case("B5")
def test_the_erp_is_restored_and_gives_a_number_a_second_time(merchant):
    merchant.sandbox.add(order("FO-1"))
    merchant.finishes()
    assert merchant.job("FO-1", I).number == "1"
    ask = merchant.books.ask if isinstance(merchant.books, OnSql) else merchant.erp.ask
    for table in ("invoice_lines", "invoices") if isinstance(merchant.books, OnSql) else ("invoices",):
        ask(f"DELETE FROM {table}")
    if isinstance(merchant.books, OnSql):
        ask("UPDATE counters SET last = 0")
    merchant.sandbox.add(order("FO-2", first_id=10))
    assert merchant.once().ending is Ending.HELD
    held = merchant.job("FO-2", I)
    assert (held.state, held.reason, held.owner) == (State.HELD, Reason.NUMBER_REUSED, Owner.ACCOUNTANT)
    assert "the invoice of order FO-2 has the number 1, and so has that of order FO-1 (i-FO-1-" in (held.sentence or "")
    assert (held.accepted, len(merchant.sandbox.order("FO-2").invoices)) == (True, 1)
    assert merchant.books.delivered("FO-2") == 0
    output(merchant, "order", "retry", "FO-2", "--stage", "invoice", "--note", "renumbered")
    merchant.finishes()
    assert merchant.books.delivered("FO-2") == 1


@pytest.mark.case("B8")
def test_another_erp_and_what_names_documents_of_the_one_before(merchant):
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order("FO-1"))
    merchant.sandbox.faults.add(Fault("503", action="allocate", retry_after="1"))
    merchant.once(settle_for=0.5)
    old = merchant.job("FO-1", A)
    assert old.reference is not None
    assert f"in the ERP ({old.erp}): {old.reference}" in output(merchant, "order", "show", "FO-1")

    merchant.sandbox.faults.clear()
    merchant.move_to_another_erp()
    assert merchant.command("run", "--once").returncode == 78
    refused = output(merchant, "ledger", "adopt", "acme", code=2)
    assert "1 unfinished order(s) name documents of the previous ERP or shop" in refused
    assert old.key in refused
    printed = output(merchant, "ledger", "adopt", "acme", "--drop-references", "--note", "new server")
    assert "1 order(s) are held as erp_changed:" in printed
    assert old.key in printed

    merchant.once(settle_for=1)
    held = merchant.job("FO-1", A)
    assert (held.state, held.reason, held.reference) == (State.HELD, Reason.ERP_CHANGED, None)
    assert f"{old.reference} is in {old.erp}, which is no longer the tenant's ERP" in (held.sentence or "")
    assert merchant.sandbox.posts[-1].status == 503
    output(merchant, "order", "retry", "FO-1")
    merchant.finishes()
    done = merchant.job("FO-1", A)
    assert (done.state, done.key) == (State.DONE, old.key)
    assert done.erp != old.erp
    assert merchant.books.reserved("FO-1") == 1, "in the ERP of now"
    assert merchant.sandbox.order("FO-1").allocations == 1


@pytest.mark.case("B21")
def test_drafts_are_cancelled_automatically_and_issued_invoices_are_held(merchant):
    merchant.sandbox.add(order())
    merchant.sandbox.faults.add(Fault("503", action="invoice", retry_after="1"))
    merchant.once(settle_for=0.5)
    first = merchant.job("FO-1", I)
    merchant.sandbox.change("FO-1", lambda raw: {**raw, "shipping_amount_incl_tax": 3, "total_incl_tax": 23})
    merchant.once(settle_for=0.5)
    second = merchant.job("FO-1", I)
    assert second.key == f"{first.key}-g2"
    assert merchant.books.invoices() == []
    assert merchant.books.drafts() == isinstance(merchant.books, OnSql), "the draft of before is cancelled"

    issue_by_hand(merchant, second.key, 77)
    merchant.sandbox.change("FO-1", lambda raw: {**raw, "shipping_amount_incl_tax": 2, "total_incl_tax": 22})
    merchant.sandbox.faults.clear()
    merchant.once(settle_for=1)
    if isinstance(merchant.books, OnSql):
        held = merchant.job("FO-1", I)
        assert (held.state, held.reason, held.owner) == (State.HELD, Reason.ISSUED_NOT_CONFIRMED, Owner.ACCOUNTANT)
        assert "invoice 77 is already issued" in (held.sentence or "")
        assert merchant.sandbox.order("FO-1").invoices == []
        assert [booked.number for booked in merchant.books.invoices()] == ["77"]
    else:
        assert [booked.number for booked in merchant.books.invoices()].count("77") == 1, "and it is not credited"


@pytest.mark.case("B21")
def test_doctor_warns_of_fiscal_first_and_of_a_connector_that_cannot_discard(merchant):
    merchant.settings["connector"] = '"counting_bare"'
    merchant.erp_settings, merchant.more = {"database": f'"{merchant.erp.file}"', "fiscal": "true"}, ""
    merchant.settings["fiscal_first"] = "true"
    lines = json.loads(merchant.command("doctor", "--json").stdout)
    warned = " ".join(line["sentence"] for line in lines if line["verdict"] == "WARN")
    assert "an invoice is issued before ShipperOne has accepted it" in warned
    assert "the connector does not discard drafts" in warned
    assert "the connector does not release stock" in warned
