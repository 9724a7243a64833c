"""B4: orders that leave a queue, and a ledger that is a copy of an earlier day while ShipperOne and the ERP went on."""

import json
import shutil
from datetime import timedelta

import httpx
import pytest

from merchant import OnSql, order
from shipperone_erp import Owner, Reason
from shipperone_erp.domain.states import EffectKind, Stage, State, Step
from shipperone_erp.sandbox import Fault

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


def effects(merchant, kind):
    """How often a hook of that kind has been called, as this ledger knows."""
    with merchant.ledger() as ledger:
        return sum(effect.kind is kind for job in ledger.find_jobs() for effect in ledger.effects(job.id))


def copy_ledger(merchant):
    copy = merchant.folder / "yesterday.db"
    done = merchant.command("ledger", "backup", str(copy))
    assert done.returncode == 0, done.stderr
    return copy


def restore(merchant, copy):
    for leftover in merchant.folder.glob("ledger.db*"):
        leftover.unlink()
    shutil.copy(copy, merchant.folder / "ledger.db")
    done = merchant.command("ledger", "restored", "--note", "the disk failed")
    assert done.returncode == 0, done.stderr
    return done.stdout


def reserved_and_not_confirmed(merchant):
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order())
    merchant.sandbox.faults.add(Fault("503", action="allocate", retry_after="1"))
    merchant.once(settle_for=0.5)
    merchant.sandbox.faults.clear()
    assert merchant.books.reserved("FO-1") == 1


# --- an order leaves pending_allocation without our confirmation


@pytest.mark.case("B4")
def test_cancelled_it_is_given_back_after_gone_grace_and_two_reads(merchant):
    merchant.settings["gone_grace"] = '"2h"'
    reserved_and_not_confirmed(merchant)
    merchant.sandbox.cancel("FO-1")
    for minutes in (0, 60, 119):
        merchant.clock.ahead = timedelta(minutes=minutes)
        merchant.once(settle_for=0.5)
        assert merchant.books.reserved("FO-1") == 1, minutes
    merchant.clock.ahead = timedelta(minutes=121)
    merchant.finishes()
    assert (merchant.job("FO-1", A).state, merchant.books.reserved("FO-1")) == (State.GONE, 0)


@pytest.mark.case("B4")
def test_confirmed_by_hand_it_is_seen_in_the_other_queue(merchant):
    merchant.settings["gone_grace"] = '"2h"'
    reserved_and_not_confirmed(merchant)
    merchant.sandbox.faults.add(Fault("500", action="pending_shipment"))
    answer = httpx.post(
        f"{merchant.sandbox.base_url}/rest/default/V1/fulfillmentOrder/allocate",
        json={"order": {"order_id": "FO-1", "items": [{"item_id": 1}]}},
        headers={"Authorization": f"Bearer {merchant.sandbox.token}"},
    )
    assert answer.status_code == 200
    merchant.once(settle_for=0.5)
    assert merchant.job("FO-1", A).state is not State.DONE, "it may be cancelled as well"
    merchant.sandbox.ship("FO-1")
    merchant.finishes()
    job = merchant.job("FO-1", A)
    assert (job.state, job.inferred) == (State.DONE, True)
    assert (len(merchant.books.invoices("FO-1")), merchant.books.delivered("FO-1")) == (1, 1)
    assert merchant.books.stock_of("MUG") == (18, 0)


@pytest.mark.case("B4")
def test_after_a_long_gap_without_reads_nothing_is_released_automatically(merchant):
    merchant.settings["gone_grace"] = '"2h"'
    reserved_and_not_confirmed(merchant)
    merchant.sandbox.cancel("FO-1")
    for hours in (25, 28, 60):
        merchant.clock.ahead = timedelta(hours=hours)
        merchant.once(settle_for=0.5)
    job = merchant.job("FO-1", A)
    assert (job.state, job.reason, job.owner) == (State.HELD, Reason.ORDER_GONE, Owner.WAREHOUSE)
    assert merchant.books.reserved("FO-1") == 1


@pytest.mark.case("B4")
@pytest.mark.parametrize("heard", ["before it is held", "after"])
def test_after_a_long_gap_without_reads_the_failed_queue_proves_that_it_was_not_confirmed(merchant, heard):
    merchant.settings["gone_grace"] = '"2h"'
    reserved_and_not_confirmed(merchant)
    merchant.sandbox.cancel("FO-1")
    if heard == "before it is held":
        merchant.sandbox.fail("FO-1")
    for hours in (25, 26):
        merchant.clock.ahead = timedelta(hours=hours)
        merchant.once(settle_for=0.5)
        assert merchant.books.reserved("FO-1") == 1, "not before gone_grace"
    held = merchant.job("FO-1", A).state is State.HELD
    assert held is (heard == "after")
    merchant.sandbox.fail("FO-1")
    merchant.clock.ahead = timedelta(hours=28)
    merchant.finishes()
    assert (merchant.job("FO-1", A).state, merchant.books.reserved("FO-1")) == (State.GONE, 0)


@pytest.mark.case("B4")
def test_without_access_to_the_failed_queue_the_job_is_held(merchant):
    merchant.settings["gone_grace"] = '"2h"'
    reserved_and_not_confirmed(merchant)
    merchant.sandbox.fail("FO-1")
    merchant.sandbox.faults.add(Fault("500", action="failed", times=99))
    for hours in (25, 28, 60):
        merchant.clock.ahead = timedelta(hours=hours)
        merchant.once(settle_for=0.5)
    assert merchant.job("FO-1", A).reason is Reason.ORDER_GONE
    assert merchant.books.reserved("FO-1") == 1
    assert merchant.sandbox.requests["GET /rest/default/V1/fulfillmentOrders/failed"] > 0


# --- the ledger is a copy of an earlier day

STEPS = ("FO-STOCK", "FO-RESERVED", "FO-LOST", "FO-SHIPS", "FO-DRAFT", "FO-LATE")


@pytest.fixture
def yesterday(merchant):
    """Six orders, each at another step, and a copy of the ledger as it is then."""
    merchant.settings["gone_grace"] = '"2h"'
    merchant.sandbox.auto_ship = False
    merchant.books.stock("RARE", 0)
    merchant.settings["settle"] = '"600s"'

    def listed(*orders):
        for order_id in orders:
            line = ("RARE" if order_id == "FO-STOCK" else "MUG", 1, "10.00")
            merchant.sandbox.add(order(order_id, line, first_id=10 * (1 + STEPS.index(order_id))))

    listed("FO-STOCK", "FO-SHIPS", "FO-DRAFT", "FO-LATE")
    merchant.once(settle_for=1)
    merchant.sandbox.ship("FO-LATE")
    stop_issuing(merchant)
    merchant.once(settle_for=1)
    listed("FO-LOST")
    merchant.sandbox.faults.add(Fault("lost_answer", action="allocate", times=1))
    merchant.once(settle_for=1)
    listed("FO-RESERVED")
    merchant.sandbox.ship("FO-DRAFT")
    merchant.sandbox.faults.add(Fault("503", action="allocate", retry_after="600"))
    merchant.sandbox.faults.add(Fault("503", action="invoice", retry_after="600"))
    merchant.once(settle_for=1)
    assert {order_id: newest(merchant, order_id).step for order_id in STEPS} == {
        "FO-STOCK": Step.NEW, "FO-RESERVED": Step.RESERVED, "FO-LOST": Step.CONFIRMING, "FO-SHIPS": Step.DONE,
        "FO-DRAFT": Step.CONFIRMING, "FO-LATE": Step.ISSUING,
    }  # fmt: skip
    merchant.copy = copy_ledger(merchant)
    merchant.sandbox.faults.clear()
    merchant.settings["settle"] = '"0.3s"'
    merchant.books.stock("RARE", 5)
    let_issue(merchant)
    merchant.clock.ahead = timedelta(minutes=15)
    return merchant


def newest(merchant, order_id):
    return max(merchant.jobs(order_id), key=lambda job: job.id)


def stop_issuing(merchant):
    """The ERP's period is locked: nothing becomes fiscal."""
    if isinstance(merchant.books, OnSql):
        merchant.books.ask(
            "CREATE TRIGGER locked BEFORE UPDATE OF state ON invoices WHEN new.state = 'issued' AND"
            " new.order_id = 'FO-LATE' BEGIN SELECT RAISE(IGNORE); END"
        )
    else:
        merchant.erp.script("issue_invoice", "refused", order="FO-LATE", times=99, detail="erp_period_locked")


def let_issue(merchant):
    if isinstance(merchant.books, OnSql):
        merchant.books.ask("DROP TRIGGER locked")
    else:
        merchant.erp.ask("DELETE FROM script")


def nothing_twice(merchant, *orders):
    for order_id in orders:
        assert len(merchant.books.invoices(order_id)) <= 1, order_id
        assert len(merchant.sandbox.order(order_id).invoices) <= 1, order_id
        assert merchant.sandbox.order(order_id).allocations <= 1, order_id
        assert merchant.books.delivered(order_id) <= 1, order_id
    numbers = [booked.number for booked in merchant.books.invoices()]
    assert len(numbers) == len(set(numbers))
    assert effects(merchant, EffectKind.RELEASE) == 0


@pytest.mark.case("B4")
def test_everything_went_on_to_its_end_and_the_ledger_is_yesterdays(yesterday):
    merchant = yesterday
    merchant.finishes()
    for order_id in ("FO-STOCK", "FO-RESERVED", "FO-LOST", "FO-SHIPS"):
        merchant.sandbox.ship(order_id)
    merchant.sandbox.add(order("FO-NEW", first_id=90))
    merchant.finishes()
    merchant.sandbox.ship("FO-NEW")
    merchant.finishes()
    everything = (*STEPS, "FO-NEW")
    assert len(merchant.books.invoices()) == len(everything)
    stock = merchant.books.stock_of("MUG"), merchant.books.stock_of("RARE")

    assert "5 order(s) were unfinished in this copy" in restore(merchant, merchant.copy)
    for _ in range(3):
        merchant.once(settle_for=2)
    nothing_twice(merchant, *everything)
    assert (merchant.books.stock_of("MUG"), merchant.books.stock_of("RARE")) == stock
    jobs = {(job.order_id, job.stage): job for job in merchant.jobs()}
    for order_id in ("FO-DRAFT", "FO-LATE"):
        job = jobs[order_id, I]
        assert (job.state, job.number) == (State.DONE, merchant.books.invoices(order_id)[0].number), order_id
    for order_id in ("FO-STOCK", "FO-RESERVED"):
        job = jobs[order_id, A]
        assert (job.state, job.reason, job.owner) == (State.HELD, Reason.ORDER_GONE, Owner.WAREHOUSE), order_id
        assert merchant.command("order", "resolve", order_id, "--outcome", "confirmed").returncode == 0
    assert jobs["FO-LOST", A].state is State.DONE
    assert merchant.once(settle_for=1).sentence == ""


@pytest.mark.case("B4")
def test_an_order_shipped_since_the_copy_is_found_and_its_reservation_looked_up_by_key(yesterday):
    merchant = yesterday
    merchant.finishes()
    restore(merchant, merchant.copy)
    merchant.sandbox.faults.add(Fault("500", action="pending_shipment"))
    merchant.once(settle_for=2)
    merchant.once(settle_for=2)
    assert newest(merchant, "FO-STOCK").reason is Reason.ORDER_GONE
    for order_id in ("FO-STOCK", "FO-RESERVED", "FO-LOST", "FO-SHIPS"):
        merchant.sandbox.ship(order_id)
    merchant.finishes()
    nothing_twice(merchant, *STEPS)
    for order_id in STEPS:
        assert (len(merchant.books.invoices(order_id)), merchant.books.delivered(order_id)) == (1, 1), order_id
    assert (merchant.books.stock_of("MUG"), merchant.books.stock_of("RARE")) == ((15, 0), (4, 0))


@pytest.mark.case("B4")
def test_listed_orders_resume_with_their_existing_documents(yesterday):
    merchant = yesterday
    restore(merchant, merchant.copy)
    merchant.finishes()
    for order_id in ("FO-STOCK", "FO-RESERVED", "FO-LOST", "FO-SHIPS"):
        merchant.sandbox.ship(order_id)
    merchant.finishes()
    nothing_twice(merchant, *STEPS)
    assert len(merchant.books.invoices()) == len(STEPS)
    assert (merchant.books.stock_of("MUG"), merchant.books.stock_of("RARE")) == ((15, 0), (4, 0))


@pytest.mark.case("B4")
def test_an_order_missing_since_the_copy_is_held(yesterday):
    merchant = yesterday
    for order_id in ("FO-RESERVED", "FO-DRAFT"):
        merchant.sandbox.cancel(order_id)
    restore(merchant, merchant.copy)
    for _ in range(3):
        merchant.once(settle_for=1)
    reservation, draft = newest(merchant, "FO-RESERVED"), merchant.job("FO-DRAFT", I)
    assert (reservation.reason, draft.reason) == (Reason.ORDER_GONE, Reason.ORDER_GONE)
    assert "not issued: it is kept until an operator decides" in (draft.sentence or "")
    assert merchant.books.reserved("FO-RESERVED") == 1
    assert merchant.books.drafts() == isinstance(merchant.books, OnSql)
    nothing_twice(merchant, *STEPS)


@pytest.mark.case("B4")
def test_goods_that_were_reserved_since_the_copy_are_delivered_by_hand_where_the_tenant_asks_for_it(merchant):
    """The copy does not know the reservation: out of the free stock the goods would leave beside it."""
    if not isinstance(merchant.books, OnSql):
        pytest.skip("the counting ERP lists no documents")
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order("FO-1"))
    merchant.finishes()
    copy = copy_ledger(merchant)
    merchant.sandbox.add(order("FO-2", ("TEA", 2, "9.00"), first_id=50))
    merchant.finishes()
    before = merchant.books.stock_of("TEA")
    restore(merchant, copy)
    merchant.settings["without_reservation"] = '"hold"'
    found = json.loads(merchant.command("reconcile", "acme", "--json").stdout)
    assert [(one["finding"], one["order_id"]) for one in found] == [("not_in_ledger", "FO-2")]
    merchant.sandbox.ship("FO-2")
    merchant.once(settle_for=1)
    job = newest(merchant, "FO-2")
    assert (job.state, job.reason) == (State.HELD, Reason.ISSUED_NOT_DELIVERED)
    assert len(merchant.books.invoices("FO-2")) == 1
    assert merchant.books.stock_of("TEA") == before, "what FO-2 has reserved is still there, to be shipped in the ERP"
    done = merchant.command(
        "order", "resolve", "FO-2", "--stage", "invoice", "--outcome", "confirmed", "--note", "shipped"
    )
    assert done.returncode == 0, done.stderr
    assert newest(merchant, "FO-2").state is State.DONE
