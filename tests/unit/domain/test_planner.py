"""Planning is pure: a listing and the ledger's jobs in, decisions out."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from job_rows import varied
from planning import MINUTE, NOW, decide, listing, order, scope, started
from shipperone_erp import FulfillmentOrder, Invoice, InvoiceLine, Owner, Reason
from shipperone_erp.domain.absence import wants_proof
from shipperone_erp.domain.decisions import (
    ConfirmByInference,
    Continue,
    End,
    NoAction,
    PutOnHold,
    RecordObservation,
    SendAgain,
    Start,
    StartHeld,
    Supersede,
    TreatAsRefused,
)
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listed_again import READS_BEFORE_LISTED_AGAIN
from shipperone_erp.domain.listing import UnreadableOrder
from shipperone_erp.domain.planner import plan
from shipperone_erp.domain.planner_input import PlannerInput
from shipperone_erp.domain.serialization import invoice_text
from shipperone_erp.domain.states import Stage, State, Step


def test_a_listed_order_starts_a_job_under_a_key_of_its_own():
    job = started(order("FO/1 ü"))
    assert job.key.startswith("a-FO_1__-")
    assert len(job.key) <= 64
    assert job.generation == 1
    assert job.item_ids == (1,)


def test_before_go_live_it_is_held_and_stays_held_when_it_changes():
    held = decide(listing(order()), live=False)
    assert isinstance(held, StartHeld)
    assert held.job.reason is Reason.BEFORE_GO_LIVE
    changed = decide(listing(order("FO-1", 2)), held.job)
    assert isinstance(changed, Supersede)
    assert isinstance(changed.successor, StartHeld)
    assert changed.successor.job.reason is Reason.BEFORE_GO_LIVE


def test_a_waiting_job_is_left_until_it_is_due_and_a_held_one_for_good():
    waiting = started(order(), state=State.WAITING, reason=Reason.NOT_ENOUGH_STOCK, next_attempt_at=NOW + MINUTE)
    assert isinstance(decide(listing(order()), waiting), NoAction)
    assert isinstance(decide(listing(order()), waiting, now=NOW + MINUTE), Continue)
    held = varied(waiting, state=State.HELD, next_attempt_at=None)
    assert isinstance(decide(listing(order()), held, now=NOW + 999 * MINUTE), NoAction)


@pytest.mark.case("P10")
@pytest.mark.parametrize("changed", [order("FO-1", 2), order(shipping="5.99"), order("FO-1", 1, 1)])
@pytest.mark.parametrize("state", [State.NEW, State.WAITING, State.HELD])
def test_a_change_at_shipperone_supersedes_an_open_job_in_any_state(changed, state):
    job = started(order(), state=state, step=Step.RESERVED, reference="R-1", rebuilds=2)
    decision = decide(listing(changed), job)
    assert isinstance(decision, Supersede)
    assert isinstance(decision.successor, Start)
    assert decision.successor.job.key != job.key
    assert decision.successor.job.rebuilds == 2, "resolutions are counted for the order until an acceptance"


def test_the_same_goods_at_another_price_get_the_next_generation_of_the_same_content():
    job = started(order())
    decision = decide(listing(order(shipping="5.99")), job)
    assert isinstance(decision, Supersede)
    assert decision.successor is not None
    assert (decision.successor.job.content, decision.successor.job.generation) == (job.content, 2)
    assert decision.successor.job.key == f"{job.key}-g2"


def test_a_fiscal_document_is_never_superseded():
    built = Invoice("INV-1", (InvoiceLine(1, D(1)),), D("4.99"), D("14.99"), issued=True, number="2026/7")
    job = started(order(), Stage.INVOICE, step=Step.CONFIRMING, invoice_json=invoice_text(built))
    decision = decide(listing(order(shipping="5.99")), job, stage=Stage.INVOICE)
    assert isinstance(decision, PutOnHold)
    assert decision.reason is Reason.ISSUED_NOT_CONFIRMED
    assert "2026/7" in decision.sentence
    assert decision.owner is Owner.ACCOUNTANT


LOST = NOW - 5 * MINUTE


def lost(**changes) -> Job:
    return started(order(), step=Step.CONFIRMING, state=State.WAITING, lost_at=LOST, reference="R", **changes)


@pytest.mark.case("D1")
def test_after_a_lost_answer_only_reads_that_began_late_enough_count():
    early = decide(listing(order(), at=LOST + timedelta(seconds=59)), lost())
    assert isinstance(early, NoAction)
    first = decide(listing(order()), lost())
    assert isinstance(first, RecordObservation)
    assert first.job.settle_reads == ("same",)


@pytest.mark.case("D1")
@pytest.mark.parametrize(
    ("reads", "read", "expected"),
    [
        (("same",), listing(order()), SendAgain),
        (("absent",), listing(), ConfirmByInference),
        (("same",), listing(), PutOnHold),
        (("absent",), listing(order()), PutOnHold),
        (("absent",), listing(proves=False), RecordObservation),
        (("not proven",), listing(), RecordObservation),
        (("absent",), listing(order("FO-1", 1, first_id=77)), ConfirmByInference),
        (("same",), listing(order("FO-1", 3)), PutOnHold),
        (("changed",), listing(order("FO-1", 3)), PutOnHold),
    ],
)
def test_two_reads_decide_about_a_lost_answer(reads, read, expected):
    decision = decide(read, lost(settle_reads=reads))
    assert isinstance(decision, expected)
    if isinstance(decision, PutOnHold):
        assert decision.reason is Reason.OUTCOME_UNKNOWN


@pytest.mark.case("D1")
@pytest.mark.parametrize(
    ("read", "needed"),
    [
        (listing(order(), proves=False), False),
        (listing(order("FO-1", 3), proves=False), True),
        (listing(proves=False), True),
    ],
    ids=["listed as it was confirmed", "listed with another quantity", "not listed"],
)
def test_a_read_that_proves_absence_is_wanted_where_the_listing_may_show_what_is_left(read, needed):
    assert wants_proof([decide(read, lost())], read) is needed


HOUR = timedelta(hours=1)


@pytest.mark.case("D9")
def test_a_read_that_proves_nothing_decides_nothing_and_is_not_used_up():
    job = lost(settle_reads=("absent",))
    for minute in range(0, 59, 7):
        decision = decide(listing(proves=False, at=NOW + minute * MINUTE), job)
        job = decision.job if isinstance(decision, RecordObservation) else job
        assert (job.settle_reads, job.state, job.doubt_since) == (("absent",), State.WAITING, NOW)
    assert "came or went" in decide(listing(proves=False, doubt="2 orders came or went"), job).job.sentence
    assert isinstance(decide(listing(at=NOW + 3 * HOUR), job), ConfirmByInference), (
        "a read that proves decides, however late"
    )


@pytest.mark.case("D9")
def test_after_doubt_for_the_job_is_held_with_the_reason_for_the_missing_proof():
    first = decide(listing(proves=False), lost())
    again = decide(listing(proves=False, at=NOW + MINUTE), first.job)
    assert isinstance(again, NoAction), "the ledger is not written for each such read"
    assert again.wants_proof
    held = decide(listing(proves=False, at=NOW + HOUR, doubt="its second pass failed"), first.job)
    assert isinstance(held, PutOnHold)
    assert (held.reason, held.owner) == (Reason.OUTCOME_UNKNOWN, Owner.SHIPPERONE)
    assert "its second pass failed" in held.sentence
    assert "1h" in held.sentence


@pytest.mark.case("D9")
def test_the_hour_begins_with_the_first_read_that_could_have_decided():
    """An outage of two hours after the lost answer leaves the order its full hour of reads."""
    late = NOW + 2 * HOUR
    assert isinstance(decide(listing(proves=False, at=late), lost()), RecordObservation)
    of_an_earlier_doubt = lost(doubt_since=LOST - 9 * HOUR)
    assert isinstance(decide(listing(proves=False, at=late), of_an_earlier_doubt), RecordObservation)


@pytest.mark.case("D9")
def test_an_order_listed_by_a_broken_read_decides_nothing_either():
    assert isinstance(
        decide(listing(order(), complete=False, proves=False), lost(settle_reads=("same",))), RecordObservation
    )


def denied(**changes) -> Job:
    return lost(refusal="Stock is gone", **changes)


@pytest.mark.case("H10")
def test_a_denied_and_still_listed_confirmation_is_a_refusal_with_shipperones_text():
    refused = decide(listing(order()), denied(settle_reads=("same",)))
    assert isinstance(refused, TreatAsRefused)
    assert "Stock is gone" in refused.words()
    assert isinstance(decide(listing(order()), denied()), RecordObservation)
    for job, lost_by in ((denied, "ShipperOne denied it (Stock is gone)"), (lost, "its answer was lost")):
        inferred = decide(listing(), job(settle_reads=("absent",)))
        assert isinstance(inferred, ConfirmByInference)
        assert inferred.why == f"{lost_by}, and two complete reads no longer list it"


@pytest.mark.case("H10")
def test_a_denied_job_that_is_to_be_undone_is_not_sent_again():
    gone = denied(settle_reads=("same",), ending=State.SUPERSEDED)
    assert isinstance(decide(listing(order()), gone), Supersede)


@pytest.mark.case("D1")
def test_a_repeated_confirmation_is_settled_again_if_the_first_call_arrives_late():
    again = varied(decide(listing(order()), lost(settle_reads=("same",))).job, lost_at=None)
    assert again.sent_again
    assert isinstance(decide(listing(order()), again), Continue)
    assert isinstance(decide(listing(order(shipping="5.99")), again), Supersede)
    for read in (listing(), listing(order("FO-1", 1, first_id=77))):
        noted = decide(read, again)
        assert isinstance(noted, RecordObservation)
        assert (noted.job.lost_at, noted.job.reason) == (NOW, Reason.OUTCOME_UNKNOWN)
        assert not noted.job.sent_again


@pytest.mark.case("D1")
def test_a_lost_answer_is_settled_before_anything_is_superseded():
    assert isinstance(decide(listing(order(shipping="5.99")), lost()), RecordObservation)


def test_in_doubt_hold_holds_an_invoice_that_left_the_queue():
    job = varied(lost(settle_reads=("absent",)), stage=Stage.INVOICE)
    decision = decide(listing(), job, stage=Stage.INVOICE, changes={"in_doubt": "hold"})
    assert isinstance(decision, PutOnHold)
    assert decision.reason is Reason.OUTCOME_UNKNOWN


@pytest.mark.case("Q4")
def test_an_order_that_a_read_does_not_prove_absent_is_not_gone():
    job = started(order(), step=Step.RESERVED, reference="R-1")
    assert isinstance(decide(listing(proves=False), job), NoAction)


def test_a_vanished_order_is_released_after_two_proving_reads_and_the_grace():
    job = started(order(), step=Step.RESERVED, reference="R-1")
    first = decide(listing(), job)
    assert isinstance(first, RecordObservation)
    soon = decide(listing(), first.job, now=NOW + MINUTE)
    assert isinstance(soon, RecordObservation)
    assert "reservation R-1 is kept until 2026-03-01 14:00" in soon.why
    late = decide(listing(), soon.job, now=NOW + timedelta(hours=2))
    assert isinstance(late, End)
    assert late.state is State.GONE


def test_a_vanished_order_that_left_nothing_in_the_erp_is_gone_after_two_reads():
    first = decide(listing(), started(order()))
    assert isinstance(first, RecordObservation)
    assert isinstance(decide(listing(), first.job), End)


def test_after_a_long_gap_without_reads_a_ledger_releases_nothing_automatically():
    job = started(order(), step=Step.RESERVED, reference="R-1")
    first = decide(listing(), job, last_good_read_at=NOW - timedelta(hours=25))
    assert isinstance(first, RecordObservation)
    second = decide(listing(), first.job, now=NOW + timedelta(hours=9))
    assert isinstance(second, PutOnHold)
    assert second.reason is Reason.ORDER_GONE
    back = decide(listing(order()), varied(second.job, state=State.HELD, reason=Reason.ORDER_GONE))
    assert isinstance(back, Continue)
    assert back.heals
    assert back.job.absent_since is None


def test_an_order_seen_in_pending_invoice_was_confirmed_elsewhere():
    job = started(order(), step=Step.RESERVED, reference="R-1")
    decision = decide(listing(), job, seen_in_invoice=frozenset({job.id}))
    assert isinstance(decision, ConfirmByInference)


def done(given: FulfillmentOrder, stage: Stage = Stage.ALLOCATION, **changes) -> Job:
    return started(
        given, stage, state=State.DONE, step=Step.DONE, open=False, accepted_at=NOW - MINUTE, reference="R", **changes
    )


def test_a_done_job_listed_again_is_held_after_some_reads():
    job = done(order())
    for read in range(1, READS_BEFORE_LISTED_AGAIN + 1):
        decision = decide(listing(order()), job)
        assert isinstance(decision, RecordObservation)
        assert decision.job.listed_again == read
        job = decision.job
    asked = decide(listing(order()), job)
    assert isinstance(asked, StartHeld)
    assert asked.job.reason is Reason.LISTED_AGAIN
    assert asked.job.key == f"{job.key}-n2"
    assert "`order repeat FO-1`" in (asked.job.sentence or "")


def test_a_read_that_began_before_the_confirmation_proves_nothing_about_it():
    assert isinstance(decide(listing(order(), at=NOW - 2 * MINUTE), done(order())), NoAction)


def test_one_confirmed_item_among_new_ones_is_not_reserved_again():
    decision = decide(listing(order("FO-1", 1, 1)), done(order(), listed_again=READS_BEFORE_LISTED_AGAIN))
    assert isinstance(decision, StartHeld)
    assert "SKU-1 (item 1)" in (decision.job.sentence or "")
    assert "SKU-2" not in (decision.job.sentence or "")


@pytest.mark.case("P1")
def test_another_quantity_of_an_item_is_another_part_up_to_what_was_allocated():
    allocated = done(order("FO-1", 5))
    part = done(order("FO-1", 2), Stage.INVOICE)
    rest = decide(listing(order("FO-1", 3)), part, stage=Stage.INVOICE, allocations=(allocated,))
    assert isinstance(rest, Start)
    assert rest.job.part
    more = decide(listing(order("FO-1", 4)), part, stage=Stage.INVOICE, allocations=(allocated,))
    assert isinstance(more, StartHeld)
    assert more.job.reason is Reason.MORE_THAN_ORDERED
    assert "5 allocated, 2 invoiced already, and 4 more are listed" in (more.job.sentence or "")


@pytest.mark.parametrize("lost_at", [None, NOW - MINUTE])
def test_a_part_is_known_as_one_while_the_answer_to_its_allocation_is_not_known_yet(lost_at):
    asked = started(order("FO-1", 5), state=State.WORKING, step=Step.CONFIRMING, reference="R", lost_at=lost_at)
    part = decide(listing(order("FO-1", 2)), stage=Stage.INVOICE, allocations=(asked,))
    assert isinstance(part, Start)
    assert part.job.part
    whole = decide(listing(order("FO-1", 5)), stage=Stage.INVOICE, allocations=(asked,))
    assert not whole.job.part
    waiting = varied(asked, step=Step.NEW)
    assert not decide(listing(order("FO-1", 2)), stage=Stage.INVOICE, allocations=(waiting,)).job.part


def test_an_accepted_job_continues_beside_the_next_part():
    late = started(order(), Stage.INVOICE, step=Step.ACCEPTED, open=False, accepted_at=NOW, state=State.WAITING)
    following = order("FO-1", 1, first_id=5)
    decisions = plan(scope(Stage.INVOICE), listing(following), PlannerInput(jobs=(late,)), NOW)
    assert [type(decision) for decision in decisions] == [Continue, Start], "what is accepted comes first"


def test_an_unreadable_order_is_a_held_job_and_hides_no_other():
    entry = UnreadableOrder(order_id="FO-9", sentence="item 1 has no quantity", raw="{}")
    decisions = plan(scope(), listing(order(), unreadable=[entry]), PlannerInput(), NOW)
    (held,) = [decision for decision in decisions if isinstance(decision, StartHeld)]
    assert (held.job.order_id, held.job.reason, held.job.sentence) == (
        "FO-9",
        Reason.ORDER_UNREADABLE,
        "item 1 has no quantity",
    )
    assert any(isinstance(decision, Start) for decision in decisions)
    readable = decide(listing(order("FO-9")), held.job)
    assert isinstance(readable, Supersede)
    assert isinstance(readable.successor, Start)


@pytest.mark.case("B2")
def test_two_stores_both_stages_and_another_warehouse_never_share_a_key():
    keys = set()
    for store in ("default", "second"):
        for stage in Stage:
            for warehouse in ("main", "outlet"):
                given = FulfillmentOrder("FO-1", warehouse, order().items, shipping_amount_incl_tax=D(0))
                (decision,) = plan(scope(stage, store_code=store), listing(given), PlannerInput(), NOW)
                assert isinstance(decision, Start)
                keys.add(decision.job.key)
    # a warehouse is part of an allocation's key only: where goods were taken from is no part of an invoice
    assert len(keys) == 2 * (2 + 1)


def test_planning_a_queue_of_waiting_orders_is_cheap():
    orders = [order(f"FO-{n}") for n in range(300)]
    jobs = tuple(
        started(o, state=State.WAITING, reason=Reason.NOT_ENOUGH_STOCK, next_attempt_at=NOW + MINUTE) for o in orders
    )
    decisions = plan(scope(), listing(*orders), PlannerInput(jobs=jobs), NOW)
    assert {type(decision) for decision in decisions} == {NoAction}
    assert len(decisions) == 300


def unreadable(order_id="FO-1"):
    return UnreadableOrder(order_id=order_id, sentence="item 1 has no quantity", raw="{}")


@pytest.mark.case("D1")
def test_an_answer_was_lost_and_the_order_can_no_longer_be_read():
    decision = decide(listing(unreadable=[unreadable()]), lost(settle_reads=("same",)))
    assert isinstance(decision, PutOnHold)
    assert decision.reason is Reason.OUTCOME_UNKNOWN


def test_a_lagging_listing_does_not_undo_the_record_of_issuing():
    late = started(
        order(),
        Stage.INVOICE,
        state=State.WAITING,
        step=Step.ACCEPTED,
        open=False,
        accepted_at=NOW - MINUTE,
        reference="I",
    )
    decisions = plan(scope(Stage.INVOICE), listing(order()), PlannerInput(jobs=(late,)), NOW)
    touching = [decision for decision in decisions if not isinstance(decision, NoAction)]
    assert len(touching) == 1, "two decisions about one job: the second writes what the first has changed"


def test_a_fiscal_document_of_an_order_that_changed_is_held_once():
    from shipperone_erp import Invoice, InvoiceLine
    from shipperone_erp.domain.serialization import invoice_text

    built = Invoice("INV-1", (InvoiceLine(1, D(1)),), D("4.99"), D("14.99"), issued=True, number="2026/7")
    job = started(order(), Stage.INVOICE, step=Step.CONFIRMING, invoice_json=invoice_text(built))
    changed = listing(order(shipping="5.99"))
    first = decide(changed, job, stage=Stage.INVOICE)
    assert isinstance(first, PutOnHold)
    held = varied(job, state=State.HELD, reason=first.reason, sentence=first.sentence, owner=first.owner)
    assert isinstance(decide(changed, held, stage=Stage.INVOICE), NoAction)


@pytest.mark.case("B4")
def test_absence_first_seen_by_a_read_that_proves_nothing_is_doubtful_all_the_same():
    job = started(order(), step=Step.RESERVED, reference="R-1")
    yesterday = NOW - timedelta(hours=30)
    first = decide(listing(proves=False), job, last_good_read_at=yesterday)
    job = first.job if isinstance(first, RecordObservation) else job
    second = decide(listing(), job, last_good_read_at=NOW - MINUTE)
    assert isinstance(second, RecordObservation)
    third = decide(listing(), second.job, now=NOW + timedelta(hours=9), last_good_read_at=NOW)
    assert isinstance(third, PutOnHold), third
    assert third.reason is Reason.ORDER_GONE


@pytest.mark.case("B7")
def test_the_day_of_the_first_listing_outlives_a_change_of_the_order():
    job = started(order(), state=State.HELD, reason=Reason.PRICE_MISSING, first_listed_at=NOW - timedelta(days=2))
    decision = decide(listing(order(shipping="5.99")), job)
    assert isinstance(decision, Supersede)
    assert decision.successor is not None
    assert decision.successor.job.first_listed_at == NOW - timedelta(days=2)


def test_a_job_that_could_not_be_undone_resumes_when_its_order_is_listed_again():
    job = started(order(), step=Step.RESERVED, reference="R-1", ending=State.GONE)
    held = varied(job, state=State.HELD, reason=Reason.ORDER_GONE)
    assert isinstance(decide(listing(), held), NoAction)
    back = decide(listing(order()), held)
    assert isinstance(back, Continue)
    assert back.job.ending is None


def test_goods_that_were_shipped_while_their_allocation_waits_are_not_reserved():
    job = started(order(), state=State.WAITING, reason=Reason.NOT_ENOUGH_STOCK, next_attempt_at=NOW)
    assert isinstance(decide(listing(order()), job), Continue)
    held = decide(listing(order()), job, seen_in_invoice=frozenset({job.id}))
    assert isinstance(held, PutOnHold)
    assert (held.reason, held.owner) == (Reason.ERP_STOCK_INCONSISTENT, Owner.WAREHOUSE)


def test_shipped_pieces_may_be_those_of_another_allocation_of_the_item():
    job = started(order(), state=State.WAITING, reason=Reason.NOT_ENOUGH_STOCK, next_attempt_at=NOW)
    before = started(order("FO-1", 3), open=False, state=State.DONE, step=Step.DONE, accepted_at=NOW)
    assert isinstance(decide(listing(order()), before, job, seen_in_invoice=frozenset({job.id})), Continue)
