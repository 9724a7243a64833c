"""Days on which ShipperOne lists a date that cannot be true, or another one than before (B31)."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from merchant import order
from shipperone_erp import Owner, Reason
from shipperone_erp.domain.keys import fingerprint
from shipperone_erp.domain.serialization import order_text
from shipperone_erp.domain.states import EffectKind, Stage, State, Step
from shipperone_erp.operations import job_actions
from shipperone_erp.sandbox import Fault
from world import World

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


def listing(merchant, order_id="FO-1", **fields):
    """From now on ShipperOne lists the order with these fields."""
    merchant.sandbox.change(order_id, lambda raw: {**raw, **fields})


def shipped(merchant, value, **fields):
    """An order without an allocation that ShipperOne lists as shipped then."""
    merchant.sandbox.add(order("FO-1", **fields), stage="invoice")
    listing(merchant, shipped_at=value)


def effects(merchant, job) -> list[EffectKind]:
    with merchant.ledger() as ledger:
        return [effect.kind for effect in ledger.effects(job.id)]


def rewritten(world: World, order_id: str, stage: Stage, *, shipped_at=None, ordered_at=None, **columns):
    """The job as an earlier release wrote it, which read these dates into its order."""
    job = world.job(order_id, stage)
    was = replace(job.order, shipped_at=shipped_at, ordered_at=ordered_at)
    values = {"order_json": order_text(was), "fingerprint": fingerprint(was), **columns}
    with closing(sqlite3.connect(world.folder / "ledger.db")) as db, db:
        names = ", ".join(f"{name} = ?" for name in values)
        db.execute(f"UPDATE jobs SET {names} WHERE id = ?", (*values.values(), job.id))
    return world.job(order_id, stage)


@pytest.mark.case("M10")
def test_milliseconds_are_the_day_that_they_count(merchant):
    now = merchant.clock()
    shipped(merchant, int(now.timestamp() * 1000))
    merchant.finishes()
    assert merchant.tax_dates() == [str(now.date())]


@pytest.mark.case("M10")
@pytest.mark.parametrize("zone", ["Europe/Bratislava", "America/New_York"])
def test_an_empty_date_is_absent_and_the_first_listing_counts(merchant, zone):
    merchant.settings["timezone"] = f'"{zone}"'
    merchant.at("2026-04-01T12:00:00+00:00")
    shipped(merchant, "0001-01-01T00:00:00Z")
    merchant.finishes()
    assert merchant.tax_dates() == ["2026-04-01"]


@pytest.mark.case("M10")
@pytest.mark.parametrize("listed", ["2099-01-01T10:00:00Z", "31.3.2026", 4070912400000, "9999-12-31T23:59:59-05:00"])
def test_a_day_that_cannot_be_true_holds_the_invoice_with_the_value_as_listed(merchant, listed):
    merchant.at("2026-04-01T12:00:00+00:00")
    shipped(merchant, listed)
    merchant.once(settle_for=0.3)
    job = merchant.job("FO-1", I)
    assert (job.state, job.reason, job.owner) == (State.HELD, Reason.DATE_IMPLAUSIBLE, Owner.ACCOUNTANT)
    assert str(listed) in (job.sentence or "")
    assert effects(merchant, job) == [], "nothing was built"
    listing(merchant, shipped_at="2026-03-31T10:00:00Z")
    merchant.finishes()
    assert merchant.tax_dates() == ["2026-03-31"], "it continues by itself once the date is corrected"
    assert merchant.job("FO-1", I).id == job.id


@pytest.mark.case("M10")
def test_a_parcel_that_left_before_its_goods_were_allocated_is_held(merchant):
    merchant.at("2026-04-10T12:00:00+00:00")
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order())
    merchant.finishes()
    listing(merchant, shipped_at="2026-04-08T10:00:00Z")
    merchant.sandbox.ship("FO-1")
    merchant.once(settle_for=0.3)
    job = merchant.job("FO-1", I)
    assert job.reason is Reason.DATE_IMPLAUSIBLE
    assert "more than a day before its allocation was accepted (2026-04-10" in (job.sentence or "")
    listing(merchant, shipped_at="2026-04-09T13:00:00Z")
    merchant.finishes()
    assert merchant.tax_dates() == ["2026-04-09"]


@pytest.mark.case("M10")
def test_an_old_parcel_is_held_until_the_tenant_allows_its_age(merchant):
    merchant.at("2026-04-10T12:00:00+00:00")
    shipped(merchant, "2024-12-31T10:00:00Z")
    merchant.once(settle_for=0.3)
    assert "more than 366d before it was first listed" in (merchant.job("FO-1", I).sentence or "")
    merchant.settings["oldest_date"] = '"730d"'
    merchant.finishes()
    assert merchant.tax_dates() == ["2024-12-31"]


@pytest.mark.case("M10")
def test_no_other_date_holds_an_order_in_either_stage(merchant):
    merchant.settings["tax_date"] = '"first_listed"'
    merchant.at("2026-04-10T12:00:00+00:00")
    merchant.sandbox.add(order())
    listing(merchant, ordered_at="soon", shipped_at="2099-01-01T10:00:00Z")
    merchant.finishes()
    assert merchant.tax_dates() == ["2026-04-10"]


@pytest.mark.case("M10")
def test_times_without_an_offset_are_the_tenants(merchant):
    merchant.settings |= {"timezone": '"America/New_York"', "dates_without_zone": '"tenant"'}
    merchant.at("2026-04-01T12:00:00+00:00")
    shipped(merchant, "2026-03-31 22:30:00")
    merchant.finishes()
    assert merchant.tax_dates() == ["2026-03-31"]


@pytest.mark.case("M10")
def test_doctor_reports_dates_that_hold_and_dates_that_count_as_absent(merchant):
    shipped(merchant, "2099-01-01T10:00:00Z", ordered_at="soon")
    rows = json.loads(merchant.command("doctor", "--json").stdout)
    cures = {row["sentence"]: row["cure"] for row in rows if row["check"] == "dates of invoice"}
    assert "1 of 1 order(s) list an impossible ordered_at (first: order FO-1, 'soon')" in " ".join(cures)
    assert "1 of 1 order(s) would be held, date_implausible" in cures
    assert "2099-01-01T10:00:00Z" in cures["1 of 1 order(s) would be held, date_implausible"]
    dry = merchant.command("run", "--dry-run").stdout
    assert "would be held, date_implausible" in dry


# --- another date is listed


@pytest.mark.case("M10")
def test_another_date_releases_no_reservation(world):
    world.erp.stock("MUG", 9)
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="1"))
    world.once(settle_for=0.3)
    job = world.job("FO-1", A)
    assert job.step is Step.RESERVED
    listing(world, ordered_at="2026-03-02T10:00:00Z")
    world.sandbox.faults.clear()
    world.finishes()
    assert [one.id for one in world.jobs("FO-1", A)] == [job.id]
    assert world.job("FO-1", A).order.ordered_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert (world.erp.live("FO-1"), world.erp.effects("release_stock")) == (1, 0)


@pytest.mark.case("M10")
def test_a_corrected_day_of_shipping_is_the_day_of_the_invoice(world):
    """The draft of the wrong day is discarded; an approval of it does not count for the next one."""
    world.settings["approve"] = '["invoice"]'
    world.sandbox.add(order(shipped_at=str(world.clock() - timedelta(hours=30))), stage="invoice")
    world.once(settle_for=0.3)
    before = world.job("FO-1", I)
    assert before.reason is Reason.AWAITING_APPROVAL
    now = world.clock()
    listing(world, shipped_at=now.isoformat())
    world.command("order", "approve", "FO-1")
    world.once(settle_for=0.3)
    again = world.job("FO-1", I)
    assert (again.reason, again.id, again.generation) == (Reason.AWAITING_APPROVAL, before.id, 2)
    world.command("order", "approve", "FO-1")
    world.finishes()
    assert world.erp.ask("SELECT state, tax_date FROM invoices ORDER BY state") == [
        ("issued", str(now.date())), ("voided", str((now - timedelta(hours=30)).date())),
    ]  # fmt: skip


# --- a ledger of an earlier release, which read dates otherwise


@pytest.mark.case("M10")
def test_after_the_update_a_reservation_and_a_draft_stay(world):
    """0.1.0 read an empty date as a day of the year 1: the listing reads otherwise, and is the same."""
    world.settings["approve"] = '["invoice"]'
    world.erp.stock("MUG", 9)
    empty = datetime.min.replace(tzinfo=UTC)
    world.sandbox.add(order("FO-1"))
    world.sandbox.add(order("FO-2", first_id=20), stage="invoice")
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="1"))
    for order_id in ("FO-1", "FO-2"):
        listing(world, order_id, ordered_at="0001-01-01T00:00:00")
    world.once(settle_for=0.3)
    reserved = rewritten(world, "FO-1", A, ordered_at=empty)
    draft = rewritten(world, "FO-2", I, ordered_at=empty, shipped_at=world.job("FO-2", I).order.shipped_at)
    assert (reserved.step, draft.reason) == (Step.RESERVED, Reason.AWAITING_APPROVAL)
    world.sandbox.faults.clear()
    world.once(settle_for=0.5)
    assert world.job("FO-1", A).id == reserved.id
    assert (world.job("FO-2", I).id, world.job("FO-2", I).generation) == (draft.id, 1)
    assert world.erp.effects("release_stock") == world.erp.effects("discard_invoice") == 0
    for order_id in ("FO-1", "FO-2"):
        world.once(settle_for=0.5)
        world.command("order", "approve", order_id)
    world.finishes()
    assert sorted(world.erp.issued()) == ["1:2", "20:2"]
    assert world.erp.live("FO-1") == 1


@pytest.mark.case("M10")
def test_a_draft_that_was_begun_with_an_impossible_day_stays_and_is_not_sent(world):
    world.settings["approve"] = '["invoice"]'
    now = world.clock()
    world.sandbox.add(order(), stage="invoice")
    listing(world, shipped_at=int(now.timestamp() * 1000))
    world.once(settle_for=0.3)
    draft = rewritten(
        world,
        "FO-1",
        I,
        shipped_at=datetime(1768, 8, 30, 0, 3, tzinfo=UTC),
        tax_date="1768-08-30",
        state="new",
        reason=None,
    )
    world.once(settle_for=0.3)
    held = world.job("FO-1", I)
    assert (held.id, held.reason) == (draft.id, Reason.DATE_IMPLAUSIBLE)
    assert "begun with 1768-08-30 as the day of supply" in (held.sentence or "")
    assert (world.erp.drafts(), world.erp.effects("discard_invoice")) == (1, 0)
    assert world.sandbox.order("FO-1").invoices == []
    with world.ledger() as ledger:
        job_actions.retry(ledger, held, world.clock(), "rebuilt", rebuild=True)
    world.once(settle_for=0.3)
    world.command("order", "approve", "FO-1")
    world.finishes()
    assert world.erp.ask("SELECT tax_date FROM invoices WHERE state = 'issued'") == [(str(now.date()),)]


@pytest.mark.case("M10")
def test_an_accepted_invoice_of_an_impossible_day_is_checked_again_before_issuing(world):
    world.sandbox.add(order(), stage="invoice")
    world.erp.script("issue_invoice", "transient", times=99)
    world.once(settle_for=0.3)
    accepted = rewritten(world, "FO-1", I, shipped_at=datetime(1768, 8, 30, tzinfo=UTC), tax_date="1768-08-30")
    assert accepted.accepted
    world.erp.ask("DELETE FROM script")
    world.clock.ahead = timedelta(minutes=6)
    world.once(settle_for=0.3)
    held = world.job("FO-1", I)
    assert (held.state, held.reason, held.step) == (State.HELD, Reason.DATE_IMPLAUSIBLE, Step.ACCEPTED)
    assert "ShipperOne has accepted it, the invoice is not issued yet" in (held.sentence or "")
    assert world.erp.issued() == []
    assert held.tax_date == date(1768, 8, 30)
