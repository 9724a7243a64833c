"""Days on which the ERP takes no invoice of the day of supply: the day of supply and the date of issue are two facts."""

import csv
import json
import signal
from datetime import date, timedelta

import pytest

from merchant import Merchant, OnSql, order
from places import page_file
from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import EffectKind, Stage, State, Step
from shipperone_erp.sandbox import Fault

I = Stage.INVOICE  # noqa: E741


def say(world, *arguments, code=0):
    done = world.command("order", *arguments)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def booked(world):
    """Every issued invoice as (order, day of supply, date of issue), by number."""
    sql = "SELECT order_id, tax_date, issue_date FROM invoices WHERE state = 'issued' ORDER BY number"
    return world.erp.ask(sql)


def days(world) -> tuple[str, str, str]:
    """The day before yesterday, yesterday, today."""
    today = world.clock().date()
    return str(today - timedelta(days=2)), str(today - timedelta(days=1)), str(today)


@pytest.fixture
def by_number(world):
    """An ERP that numbers strictly by date, in which an invoice of today is issued; yesterday's parcel comes after."""
    world.settings["connector"] = '"counting_lists"'
    world.erp_settings["numbers_by_date"] = "true"
    _, yesterday, today = days(world)
    world.sandbox.add(order("FO-1", shipped_at=f"{today}T00:00:00Z"), stage="invoice")
    world.finishes()
    world.sandbox.add(order("FO-2", first_id=20, shipped_at=f"{yesterday}T10:00:00Z"), stage="invoice")
    return world


@pytest.mark.case("B29")
def test_an_earlier_dated_parcel_is_refused_before_its_confirmation(by_number):
    world, (_, yesterday, today) = by_number, days(by_number)
    assert world.once(settle_for=0.3).ending is Ending.HELD
    held = world.job("FO-2", I)
    assert (held.state, held.reason, held.accepted) == (State.HELD, Reason.ERP_PERIOD_LOCKED, False)
    assert world.sandbox.order("FO-2").invoices == [], "nothing was sent"

    tomorrow = str(world.clock().date() + timedelta(days=1))
    assert "is not between the day of supply" in say(
        world, "retry", "FO-2", "--issue-date", tomorrow, "--note", "x", code=2
    )
    assert "is not between the day of supply" in say(
        world, "retry", "FO-2", "--issue-date", days(world)[0], "--note", "x", code=2
    )
    assert "needs --note" in say(world, "retry", "FO-2", "--issue-date", today, code=2)
    assert "neither --rebuild" in say(world, "retry", "FO-2", "--issue-date", today, "--rebuild", "--note", "x", code=2)
    printed = say(world, "retry", "FO-2", "--issue-date", today, "--note", "numbers follow the dates")
    assert f"will be issued with another date, {today}" in printed
    world.finishes()
    assert booked(world) == [("FO-1", today, None), ("FO-2", yesterday, today)]
    assert len(world.sandbox.order("FO-2").invoices) == 1
    assert "can be dated so" in say(world, "retry", "FO-2", "--issue-date", today, "--note", "x", code=2)


@pytest.mark.case("B29")
def test_both_dates_and_who_set_them_are_kept_and_listed(by_number, tmp_path):
    world, (_, yesterday, today) = by_number, days(by_number)
    world.once(settle_for=0.3)
    say(world, "retry", "FO-2", "--issue-date", today, "--note", "numbers follow the dates")
    world.finishes()
    job = world.job("FO-2", I)
    assert (job.tax_date, job.issue_date) == (date.fromisoformat(yesterday), date.fromisoformat(today))
    with world.ledger() as ledger:
        (act,) = ledger.actions(job.id)
        dates = [effect.request for effect in ledger.effects(job.id) if effect.kind is EffectKind.ISSUE]
    assert (act.action, act.note) == (f"retry --issue-date {today}", "numbers follow the dates")
    assert act.actor
    assert dates == [f"tax_date {yesterday}, issue_date {today}"]
    story = world.command("order", "show", "FO-2").stdout
    assert f"day of supply {yesterday}, date of issue {today} (set by an operator)" in story
    acts = [line for line in story.splitlines() if f"retry --issue-date {today}" in line]
    assert any("numbers follow the dates" in line for line in acts), story
    done = world.command("reconcile", "acme", "--json", "--csv", str(tmp_path / "month.csv"))
    (row,) = [row for row in json.loads(done.stdout) if row["order_id"] == "FO-2"]
    assert (row["finding"], row["tax_date"], row["issue_date"]) == ("date_set", yesterday, today)
    assert f"{act.actor}: retry --issue-date {today}: numbers follow the dates" in row["sentence"]
    with (tmp_path / "month.csv").open(encoding="utf-8-sig") as file:
        (line,) = [line for line in csv.DictReader(file) if line["order_id"] == "FO-2"]
    assert (line["tax_date"], line["issue_date"]) == (yesterday, today)
    assert done.returncode == 0, "it is reported, and no action is needed"


@pytest.mark.case("B29")
def test_a_period_that_is_locked_after_shipperone_accepted_has_a_cure(world):
    """The approval is asked again, and it is of these dates."""
    world.settings["approve"] = '["invoice"]'
    two_days_ago, _, today = days(world)
    world.sandbox.add(order(shipped_at=f"{two_days_ago}T10:00:00Z"), stage="invoice")
    world.once(settle_for=0.3)
    world.erp.script("issue_invoice", "locked", times=99, detail=two_days_ago)
    say(world, "approve", "FO-1")
    world.once(settle_for=0.3)
    accepted = world.job("FO-1", I)
    assert (accepted.reason, accepted.accepted) == (Reason.ERP_PERIOD_LOCKED, True)
    assert booked(world) == []
    say(world, "retry", "FO-1", "--issue-date", today, "--note", "closed by the tax office")
    world.once(settle_for=0.3)
    waits = world.job("FO-1", I)
    assert (waits.reason, booked(world)) == (Reason.AWAITING_APPROVAL, [])
    assert f"date of issue {today} waits for `order approve FO-1`" in (waits.sentence or "")
    say(world, "approve", "FO-1")
    world.finishes()
    assert booked(world) == [("FO-1", two_days_ago, today)]
    assert len(world.sandbox.order("FO-1").invoices) == 1, "ShipperOne was asked once"


@pytest.mark.case("B29")
def test_a_draft_of_a_period_that_was_locked_meanwhile_is_built_anew(world):
    world.settings["approve"] = '["invoice"]'
    two_days_ago, _, today = days(world)
    world.sandbox.add(order(shipped_at=f"{two_days_ago}T10:00:00Z"), stage="invoice")
    world.once(settle_for=0.3)
    world.erp.script("build_invoice", "locked", times=99, detail=two_days_ago)
    say(world, "approve", "FO-1")
    world.once(settle_for=0.3)
    assert world.job("FO-1", I).reason is Reason.ERP_PERIOD_LOCKED
    say(world, "retry", "FO-1", "--issue-date", today, "--note", "closed")
    world.once(settle_for=0.3)
    job = world.job("FO-1", I)
    assert (job.reason, job.generation) == (Reason.AWAITING_APPROVAL, 2), "another document, and another approval"
    say(world, "approve", "FO-1")
    world.finishes()
    assert booked(world) == [("FO-1", two_days_ago, today)]
    assert world.erp.drafts() == 0


@pytest.mark.case("B29")
@pytest.mark.parametrize("step", [Step.NEW, Step.BUILDING, Step.CONFIRMING, Step.ISSUING])
def test_killed_at_any_step_there_is_one_invoice_with_the_date_that_was_set(by_number, step):
    """The process ends inside of the hook that follows; another date is set between two attempts."""
    world, (_, yesterday, today) = by_number, days(by_number)
    world.once(settle_for=0.3)
    say(world, "retry", "FO-2", "--issue-date", today, "--note", "numbers follow the dates")
    if step is Step.CONFIRMING:
        world.sandbox.faults.add(Fault("lost_answer", action="invoice", times=1))
    elif step is not Step.NEW:
        hook = "build_invoice" if step is Step.BUILDING else "issue_invoice"
        world.erp.script(hook, "kill", order="FO-2", times=1)
        done = world.command("run", "--once")
        assert done.returncode == -signal.SIGKILL, done.stderr
    world.finishes()
    assert booked(world) == [("FO-1", today, None), ("FO-2", yesterday, today)]
    assert (len(world.sandbox.order("FO-2").invoices), world.erp.drafts()) == (1, 0)
    assert world.erp.ask("SELECT COUNT(*) FROM invoices WHERE order_id = 'FO-2'") == [(1,)]


# --- generic_sql


@pytest.fixture
def strict(tmp_path, sandbox):
    """The SQLite recipe with the query of the page for an ERP that numbers strictly by date."""
    made = Merchant(tmp_path, sandbox, OnSql)
    made.books.stock("MUG", 20)
    page = page_file("generic-sql.md").read_text(encoding="utf-8")
    made.more += page.partition("<!-- strict numbering -->\n```toml\n")[2].partition("```")[0]
    return made


@pytest.mark.case("B29")
def test_generic_sql_keeps_the_day_of_supply_beside_the_date_of_issue(strict):
    _, yesterday, today = days(strict)
    strict.sandbox.add(order("FO-1", shipped_at=f"{today}T00:00:00Z"), stage="invoice")
    strict.finishes()
    strict.sandbox.add(order("FO-2", first_id=20, shipped_at=f"{yesterday}T10:00:00Z"), stage="invoice")
    strict.once(settle_for=0.3)
    held = strict.job("FO-2", I)
    assert (held.reason, held.accepted) == (Reason.ERP_PERIOD_LOCKED, False)
    assert f"invoice 1 of {today} is issued: none can be dated before it" in (held.sentence or "")
    say(strict, "retry", "FO-2", "--issue-date", today, "--note", "numbers follow the dates")
    strict.finishes()
    assert strict.books.ask("SELECT number, tax_date, issue_date FROM invoices ORDER BY number") == [
        (1, today, None), (2, yesterday, today),
    ]  # fmt: skip
    invoice = strict.job("FO-2", I).invoice
    assert str(invoice.date) == today


# --- the day of supply


@pytest.mark.case("B31")
def test_the_true_day_of_supply_is_set_by_a_command_of_its_own(world):
    world.settings["approve"] = '["invoice"]'
    _, yesterday, today = days(world)
    world.sandbox.add(order(shipped_at="2099-01-01T10:00:00Z"), stage="invoice")
    world.once(settle_for=0.3)
    assert world.job("FO-1", I).reason is Reason.DATE_IMPLAUSIBLE
    assert "can be dated so" in say(world, "retry", "FO-1", "--issue-date", today, "--note", "x", code=2)
    tomorrow = str(world.clock().date() + timedelta(days=1))
    assert "is in the future" in say(world, "supply-date", "FO-1", "--date", tomorrow, "--note", "x", code=2)
    assert "more than ten years" in say(world, "supply-date", "FO-1", "--date", "1926-11-28", "--note", "x", code=2)
    assert "needs --note" in say(world, "supply-date", "FO-1", "--date", yesterday, "--note", " ", code=2)
    say(world, "supply-date", "FO-1", "--date", yesterday, "--note", "the courier's papers")
    world.once(settle_for=0.3)
    waits = world.job("FO-1", I)
    assert waits.reason is Reason.AWAITING_APPROVAL
    assert f"day of supply {yesterday} waits for" in (waits.sentence or "")
    say(world, "approve", "FO-1")
    world.finishes()
    assert booked(world) == [("FO-1", yesterday, None)]
    story = world.command("order", "show", "FO-1").stdout
    assert f"day of supply {yesterday} (set by an operator)" in story
    assert any(f"supply-date {yesterday}" in line and "the courier's papers" in line for line in story.splitlines())
    assert "can be dated so" in say(world, "supply-date", "FO-1", "--date", today, "--note", "x", code=2)


@pytest.mark.case("B31")
def test_no_other_day_of_supply_is_changed(by_number):
    by_number.once(settle_for=0.3)
    _, _, today = days(by_number)
    assert by_number.job("FO-2", I).reason is Reason.ERP_PERIOD_LOCKED
    assert "can be dated so" in say(by_number, "supply-date", "FO-2", "--date", today, "--note", "x", code=2)
