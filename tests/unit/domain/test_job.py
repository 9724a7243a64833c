"""Each transition of a job: its allowed predecessors, and the resulting job."""

import ast
import inspect
from collections.abc import Callable
from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest

import shipperone_erp
from job_rows import varied
from ledger_databases import NOON, a_job
from shipperone_erp import Invoice, InvoiceLine, Owner, Reason
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.job import CreditNote, InvalidTransition, Job, record
from shipperone_erp.domain.job.listing_transitions import ListingTransitions
from shipperone_erp.domain.job.operator_transitions import OperatorTransitions
from shipperone_erp.domain.job.outcome_transitions import OutcomeTransitions
from shipperone_erp.domain.job.work_transitions import WorkTransitions
from shipperone_erp.domain.states import ENDED, STEPS, Stage, State, Step

SOURCE = Path(shipperone_erp.__file__).parent
LATER = NOON + timedelta(hours=1)
DAY = date(2026, 3, 2)
DRAFT = Invoice("R-1", (InvoiceLine(11, D(2), D("25.80")),), D("4.99"), D("30.79"), "EUR", issuer="SK")
ISSUED = Invoice("R-1", DRAFT.lines, D("4.99"), D("30.79"), "EUR", True, "2026-1", issuer="CZ")
DIFFERENCE = Difference("total", "1", "2")

NEW = a_job()
RESERVING = NEW.call_begins(Step.RESERVING)
RESERVED = RESERVING.stock_reserved("R-1", None)
CONFIRMING = RESERVED.call_begins(Step.CONFIRMING)
LOST = CONFIRMING.answer_lost(NOON)
ACCEPTED = CONFIRMING.accepted_by_shipperone(NOON)
DONE = ACCEPTED.done()
GIVEN_BACK = DONE.to_be_given_back(LATER, "not shipped")
UNDOING = RESERVED.undo_begins(State.SUPERSEDED)
SUPERSEDED = UNDOING.undone().ended_as(State.SUPERSEDED, "changed")
HELD = RESERVED.held(Reason.ERP_REFUSED, "no", Owner.IT)
WAITING = RESERVED.waiting(Reason.ERP_UNAVAILABLE, "away", Owner.NOBODY, until=LATER, attempts=1)
IGNORED = HELD.ignored(LATER)
UNSTEADY = NEW.unsteady("it changes", LATER)
INVOICE = a_job(stage=Stage.INVOICE)
BUILDING = INVOICE.call_begins(Step.BUILDING)
BUILT = BUILDING.draft_built(DRAFT, believed=True)
POSTING = BUILT.ready_to_confirm().call_begins(Step.CONFIRMING)
TAKEN = POSTING.accepted_by_shipperone(NOON)
ISSUING = TAKEN.call_begins(Step.ISSUING).document_stated(ISSUED)
FISCAL = ISSUING.invoice_issued()
ADOPTED = HELD.made_elsewhere(LATER, reference="X-1", number=None, invoice=None, erp="erp-1", day=None)
ADOPTED_INVOICE = BUILT.held(Reason.TOTAL_DIFFERS, "no", Owner.IT).made_elsewhere(
    LATER, reference="X-1", number="7", invoice=DRAFT, erp="erp-1", day=DAY
)

CASES: dict[str, tuple[Callable[[Job], Job], list[Job], list[Job], dict[str, object]]] = {
    # the transition, what it may follow, what it may not follow, what the job is afterwards
    "call_begins": (lambda job: job.call_begins(Step.CONFIRMING), [NEW, RESERVED, WAITING, HELD, BUILT],
        [DONE, SUPERSEDED, IGNORED], {"state": State.WORKING, "step": Step.CONFIRMING, "next_attempt_at": None}),
    "call_had_no_effect": (lambda job: job.call_had_no_effect(Step.NEW), [RESERVING], [NEW, WAITING, DONE],
        {"step": Step.NEW}),
    "items_requested": (lambda job: job.items_requested((11,)), [NEW, RESERVING], [INVOICE], {"reserved": (11,)}),
    "stock_reserved": (lambda job: job.stock_reserved("R-2", "u"), [RESERVING], [NEW, RESERVED, DONE, BUILT],
        {"step": Step.RESERVED, "reference": "R-2", "url": "u", "attempts": 0}),
    "nothing_to_reserve": (lambda job: job.nothing_to_reserve(), [NEW, RESERVING], [RESERVED, DONE, INVOICE],
        {"state": State.WORKING, "step": Step.RESERVED}),
    "stock_short": (lambda job: job.stock_short(), [RESERVING], [NEW, RESERVED, BUILDING], {"step": Step.NEW}),
    "draft_built": (lambda job: job.draft_built(DRAFT, believed=False), [BUILDING], [INVOICE, BUILT, RESERVING, FISCAL],
        {"step": Step.BUILDING, "reference": "R-1", "compared": True, "invoice": DRAFT, "issuer": "SK"}),
    "document_stated": (lambda job: job.document_stated(ISSUED), [BUILT, TAKEN, ISSUING], [RESERVED, FISCAL.done()],
        {"number": "2026-1", "reference": "R-1", "invoice": ISSUED, "issuer": "CZ"}),
    "in_erp": (lambda job: job.in_erp("erp-9"), [RESERVED, BUILT], [], {"erp": "erp-9"}),
    "to_be_built_again": (lambda job: job.to_be_built_again(), [BUILT, TAKEN], [INVOICE, RESERVED, FISCAL, POSTING],
        {"step": Step.BUILDING}),
    "to_be_compared_again": (lambda job: job.to_be_compared_again(), [POSTING],
        [BUILT, TAKEN, RESERVED, POSTING.answer_lost(NOON)], {"step": Step.BUILT}),
    "ready_to_confirm": (lambda job: job.ready_to_confirm(), [BUILT, ADOPTED_INVOICE], [INVOICE, NEW, TAKEN, DONE],
        {"step": Step.CONFIRMING}),
    "ready_to_issue": (lambda job: job.ready_to_issue(), [varied(TAKEN, step=Step.BUILT)], [BUILT, POSTING],
        {"step": Step.ISSUING}),
    "invoice_issued": (lambda job: job.invoice_issued(total_stated=True), [ISSUING], [BUILT, POSTING, ACCEPTED],
        {"step": Step.ISSUED, "compared": True, "attempts": 0}),
    "taxes_looked_at": (lambda job: job.taxes_looked_at(compared=False), [BUILT, FISCAL], [NEW, RESERVED, POSTING, DONE],
        {"tax_compared": False}),
    "done": (lambda job: job.done("at last"), [ACCEPTED, FISCAL], [NEW, RESERVED, POSTING, SUPERSEDED],
        {"state": State.DONE, "step": Step.DONE, "sentence": "at last", "reason": None}),
    "undo_begins": (lambda job: job.undo_begins(State.NEW), [RESERVED, HELD, WAITING], [DONE, TAKEN, SUPERSEDED],
        {"ending": State.NEW}),
    "undone": (lambda job: job.undone(), [UNDOING, GIVEN_BACK], [RESERVED, DONE],
        {"step": Step.NEW, "reference": None, "invoice_json": None}),
    "ended_as": (lambda job: job.ended_as(State.SUPERSEDED, "changed"), [UNDOING], [RESERVED, GIVEN_BACK, DONE],
        {"state": State.SUPERSEDED, "open": False, "ending": None, "sentence": "changed"}),
    "next_generation": (lambda job: job.next_generation(), [NEW, RESERVED, TAKEN], [DONE, SUPERSEDED],
        {"generation": 2, "reference": None, "ending": None, "step": Step.NEW}),
    "retry_counted": (lambda job: job.retry_counted(), [NEW], [], {"retries": 1}),
    "rebuild_counted": (lambda job: job.rebuild_counted(), [NEW], [], {"rebuilds": 1}),
    "accept_counted": (lambda job: job.accept_counted(), [NEW], [], {"accepts": 1}),
    "supply_day_is": (lambda job: job.supply_day_is(DAY), [INVOICE, TAKEN], [NEW], {"tax_date": DAY}),
    "draft_forgotten": (lambda job: job.draft_forgotten(), [BUILT], [RESERVED, TAKEN],
        {"step": Step.NEW, "invoice_json": None, "reference": None, "tax_date": None}),
    "compared_with_adopted": (lambda job: job.compared_with_adopted("8", compared=False), [ADOPTED], [NEW, BUILT],
        {"number": "8", "compared": False}),
    "adopted_invoice_is": (lambda job: job.adopted_invoice_is(ISSUED, DAY), [ADOPTED_INVOICE], [ADOPTED, BUILT],
        {"tax_date": DAY, "invoice": ISSUED, "issuer": "CZ"}),
    "survived_alone": (lambda job: job.survived_alone(), [varied(NEW, crashes_alone=1)], [], {"crashes_alone": 0}),
    "process_died": (lambda job: job.process_died(2), [WAITING], [], {"crashes_alone": 2, "next_attempt_at": None}),
    "waiting": (lambda job: job.waiting(Reason.ERP_BUSY, "busy", Owner.NOBODY, until=LATER, attempts=3),
        [NEW, HELD, TAKEN], [DONE, SUPERSEDED], {"state": State.WAITING, "attempts": 3, "next_attempt_at": LATER}),
    "held": (lambda job: job.held(Reason.ERP_BUSY, "busy", Owner.IT, at=LATER), [NEW, WAITING, TAKEN, DONE], [SUPERSEDED],
        {"state": State.HELD, "reason": Reason.ERP_BUSY, "owner": Owner.IT, "since": LATER, "next_attempt_at": None}),
    "attempt_failed": (lambda job: job.attempt_failed((DIFFERENCE,)), [HELD], [],
        {"attempts": 1, "differences": (DIFFERENCE,)}),
    "since_change": (lambda job: job.since_change(NEW, LATER), [HELD, WAITING], [], {"since": LATER}),
    "released": (lambda job: job.released(LATER), [HELD], [WAITING, NEW, DONE],
        {"state": State.WAITING, "next_attempt_at": LATER, "attempts": 0}),
    "answered": (lambda job: job.answered("no"), [CONFIRMING], [], {"refusal": "no"}),
    "accepted_by_shipperone": (lambda job: job.accepted_by_shipperone(LATER, inferred=True), [POSTING, LOST, RESERVED],
        [TAKEN, DONE, SUPERSEDED, IGNORED],
        {"open": False, "step": Step.ACCEPTED, "accepted_at": LATER, "inferred": True, "lost_at": None}),
    "answer_lost": (lambda job: job.answer_lost(LATER), [CONFIRMING, POSTING], [RESERVED, TAKEN, DONE],
        {"lost_at": LATER, "settle_reads": ()}),
    "outcome_unknown": (lambda job: job.outcome_unknown("?", LATER, settle=timedelta(hours=1)), [CONFIRMING, RESERVED],
        [TAKEN, SUPERSEDED], {"state": State.WAITING, "reason": Reason.OUTCOME_UNKNOWN, "lost_at": LATER,
        "next_attempt_at": LATER + timedelta(hours=1)}),
    "not_taken": (lambda job: job.not_taken(), [LOST], [CONFIRMING, ACCEPTED], {"lost_at": None, "step": Step.RESERVED}),
    "healed": (lambda job: job.healed(), [varied(DONE, state=State.WAITING, lost_at=NOON)], [],
        {"state": State.DONE, "lost_at": None}),
    "restamped": (lambda job: job.restamped("print", "{}"), [NEW], [DONE], {"fingerprint": "print", "order_json": "{}"}),
    "listed_unchanged": (lambda job: job.listed_unchanged(), [NEW, UNSTEADY, UNDOING], [DONE],
        {"ending": None, "listed_as": None}),
    "listed": (lambda job: job.listed(), [NEW.not_listed(LATER, doubtful=True)], [],
        {"absent_since": None, "absent_reads": 0, "absence_doubtful": False}),
    "outcome_void": (lambda job: job.outcome_void(), [LOST], [TAKEN], {"lost_at": None, "settle_reads": ()}),
    "listed_after_acceptance": (lambda job: job.listed_after_acceptance(2), [DONE, TAKEN], [NEW, SUPERSEDED],
        {"listed_again": 2}),
    "unsteady": (lambda job: job.unsteady("it changes", LATER), [NEW], [RESERVED, HELD],
        {"state": State.HELD, "listed_as": NEW.fingerprint, "next_attempt_at": LATER}),
    "listing_changed_again": (lambda job: job.listing_changed_again("other", LATER), [UNSTEADY], [NEW, HELD],
        {"listed_as": "other"}),
    "queue_shows": (lambda job: job.queue_shows(("same",)), [LOST], [CONFIRMING, ACCEPTED], {"settle_reads": ("same",)}),
    "undecided": (lambda job: job.undecided("?", doubt_since=NOON, read_at=LATER), [LOST], [CONFIRMING],
        {"state": State.WAITING, "doubt_since": NOON, "since": LATER}),
    "not_listed": (lambda job: job.not_listed(LATER, doubtful=True), [NEW, RESERVED], [DONE],
        {"absent_since": LATER, "absent_reads": 1, "absence_doubtful": True}),
    "absence_doubted": (lambda job: job.absence_doubted(), [NEW], [DONE], {"absence_doubtful": True}),
    "not_given_back": (lambda job: job.not_given_back(), [GIVEN_BACK], [DONE, RESERVED], {"ending": None}),
    "of_adopted": (lambda job: job.of_adopted(ADOPTED_INVOICE), [NEW], [HELD],
        {"reference": "X-1", "adopted_at": LATER, "invoice": DRAFT}),
    "taken_up": (lambda job: job.taken_up(LATER), [HELD], [WAITING, DONE, NEW],
        {"state": State.NEW, "reason": None, "since": LATER, "step": Step.RESERVED}),
    "retried": (lambda job: job.retried(LATER), [HELD, WAITING, IGNORED], [NEW, DONE, SUPERSEDED],
        {"state": State.NEW, "open": True, "step": Step.RESERVING, "attempts": 0}),
    "ignored": (lambda job: job.ignored(LATER), [HELD, WAITING, LOST], [DONE, SUPERSEDED, TAKEN],
        {"state": State.IGNORED, "open": False}),
    "finished_by_hand": (lambda job: job.finished_by_hand(LATER, "by hand"), [FISCAL], [HELD, DONE, SUPERSEDED],
        {"state": State.DONE, "step": Step.DONE, "sentence": "by hand"}),
    "resolved_confirmed": (lambda job: job.resolved_confirmed(LATER, "by hand"), [HELD], [DONE, TAKEN, SUPERSEDED],
        {"state": State.DONE, "accepted_at": LATER, "open": False, "sentence": "by hand"}),
    "resolved_cancelled": (lambda job: job.resolved_cancelled(LATER, "by hand"), [HELD], [DONE, TAKEN, SUPERSEDED],
        {"state": State.GONE, "open": False, "sentence": "by hand"}),
    "document_approved": (lambda job: job.document_approved(LATER, "mark"),
        [BUILT.held(Reason.AWAITING_APPROVAL, "?", Owner.ACCOUNTANT)], [BUILT, HELD],
        {"approved": "mark", "step": Step.BUILDING, "state": State.NEW}),
    "total_approved": (lambda job: job.total_approved(LATER, "30.79"),
        [BUILT.held(Reason.AMOUNT_UNEXPLAINED, "?", Owner.ACCOUNTANT)], [BUILT, DONE],
        {"approved_total": "30.79", "step": Step.BUILDING}),
    "vat_left_out": (lambda job: job.vat_left_out(LATER, "mark"), [HELD], [RESERVED, DONE],
        {"without_vat": "mark", "step": Step.RESERVING}),
    "to_be_given_back": (lambda job: job.to_be_given_back(LATER, "not shipped"), [DONE], [HELD, TAKEN],
        {"state": State.NEW, "ending": State.GONE, "sentence": "not shipped"}),
    "made_elsewhere": (
        lambda job: job.made_elsewhere(LATER, reference="X-1", number=None, invoice=ISSUED, erp="e", day=None),
        [HELD, IGNORED], [DONE, TAKEN],
        {"adopted_at": LATER, "reference": "X-1", "open": True, "step": Step.NEW, "invoice": ISSUED}),
    "credit_recorded": (lambda job: job.credit_recorded(CreditNote("C-1", D(1))), [FISCAL, TAKEN], [BUILT, DONE],
        {"credits": (CreditNote("C-1", D(1)),)}),
    "supply_date_set": (lambda job: job.supply_date_set(LATER, DAY),
        [BUILT.held(Reason.DATE_IMPLAUSIBLE, "?", Owner.ACCOUNTANT)], [HELD, BUILT],
        {"supply_date": DAY, "tax_date": DAY, "ending": State.NEW, "approved": None}),
    "issue_date_set": (lambda job: job.issue_date_set(LATER, DAY),
        [ISSUING.held(Reason.ERP_PERIOD_LOCKED, "?", Owner.ACCOUNTANT)], [HELD, FISCAL],
        {"issue_date": DAY, "ending": None, "step": Step.ISSUING}),
    "of_restored_ledger": (lambda job: job.of_restored_ledger(), [NEW, RESERVED], [DONE, IGNORED],
        {"absence_doubtful": True, "step": Step.RESERVING}),
    "reference_dropped": (lambda job: job.reference_dropped(LATER, "elsewhere"), [RESERVED, HELD], [DONE, SUPERSEDED],
        {"state": State.HELD, "reason": Reason.ERP_CHANGED, "reference": None, "step": Step.RESERVING}),
    "document_lost": (lambda job: job.document_lost(LATER), [FISCAL.done(), TAKEN.held(Reason.ERP_REFUSED, "no", Owner.IT)],
        [ISSUING, BUILT, RESERVED],
        {"state": State.NEW, "step": Step.BUILDING, "generation": 2, "number": None, "open": False, "accepted_at": NOON}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_transition_follows_what_it_may_and_nothing_else(name):
    transition, may_follow, may_not, becomes = CASES[name]
    for before in may_follow:
        kept = vars(before).copy()
        after = transition(before)
        assert {field: getattr(after, field) for field in becomes} == becomes
        assert vars(before) == kept
        assert type(after) is Job
        assert after.contradiction is None
    for before in may_not:
        with pytest.raises(InvalidTransition, match=f"{before.order_id} .* is {before.state} at step {before.step}"):
            transition(before)


def test_every_transition_is_tested():
    kinds = (WorkTransitions, OutcomeTransitions, ListingTransitions, OperatorTransitions)
    found = {name for kind in kinds for name in vars(kind) if not name.startswith("_")}
    assert found == set(CASES)


def test_resolving_a_lost_answer_continues_or_replans_the_job():
    confirmed, cancelled = LOST.resolved_confirmed(LATER, "asked"), LOST.resolved_cancelled(LATER, "asked")
    assert (confirmed.state, confirmed.step, confirmed.lost_at) == (State.NEW, Step.ACCEPTED, None)
    assert (cancelled.state, cancelled.open, cancelled.lost_at) == (State.NEW, True, None)


def test_a_retry_keeps_a_lost_answer_and_begins_anew_where_nothing_was_made():
    assert LOST.waiting(Reason.OUTCOME_UNKNOWN, "?", Owner.NOBODY, until=LATER, attempts=0).retried(LATER).lost_at
    assert NEW.held(Reason.BUNDLE_UNCLEAR, "?", Owner.IT).retried(LATER).ending is State.SUPERSEDED
    assert HELD.retried(LATER, rebuild=True).ending is State.SUPERSEDED
    with pytest.raises(InvalidTransition, match="rebuilt, since ShipperOne has accepted it"):
        TAKEN.held(Reason.ERP_REFUSED, "no", Owner.IT).retried(LATER, rebuild=True)


def test_a_call_of_another_stage_is_refused():
    with pytest.raises(InvalidTransition, match="at step building"):
        NEW.call_begins(Step.BUILDING)


def test_the_second_proof_of_absence_only_counts():
    twice = NEW.not_listed(NOON, doubtful=False).not_listed(LATER, doubtful=True)
    assert (twice.absent_since, twice.absent_reads, twice.absence_doubtful) == (NOON, 2, False)


def test_the_times_of_intervals_move_with_the_clock():
    moved = LOST.not_listed(NOON, doubtful=False).moved(timedelta(hours=1))
    assert (moved.lost_at, moved.absent_since, moved.since) == (LATER, LATER, LOST.since)


def test_every_field_is_documented_in_one_line():
    tree = ast.parse(inspect.getsource(record))
    (kind,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "JobRecord"]
    documented = {
        before.target.id: after.value.value
        for before, after in zip(kind.body, kind.body[1:], strict=False)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }
    assert set(documented) == {field.name for field in fields(Job)}
    assert all("\n" not in line and line.endswith(".") for line in documented.values())


def test_the_steps_of_both_stages_are_all_steps():
    assert STEPS[Stage.ALLOCATION] | STEPS[Stage.INVOICE] == set(Step)
    assert set(ENDED) == {State.DONE, State.GONE, State.SUPERSEDED}


OF_JOBS_ALONE = {
    "absent_since", "accepted_at", "adopted_at", "attempts", "ending", "invoice_json", "lost_at", "next_attempt_at",
    "open", "settle_reads", "since", "state", "step",
}  # fmt: skip


def sets_fields_of_a_job(call: ast.Call) -> bool:
    """A call that may change a job past its transitions: `with_`, `changed`, or another copy of a job."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("with_", "changed"):
        return name == "with_" or isinstance(call.func, ast.Name)
    if name not in ("replace", "with_fields") or not call.keywords:
        return False
    of = ast.unparse(call.args[0]) if call.args else ""
    return of.split(".")[-1] in ("job", "successor") or any(one.arg in OF_JOBS_ALONE for one in call.keywords)


def test_only_its_transitions_change_a_job():
    connectors = SOURCE.parents[2] / "connectors"
    files = [file for root in (SOURCE, connectors) for file in root.rglob("*.py")]
    found = [
        f"{file}:{node.lineno}"
        for file in files
        if file.parent != SOURCE / "domain" / "job"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and sets_fields_of_a_job(node)
    ]
    assert found == [], "a job changes by a transition of domain/job alone"


@pytest.mark.parametrize(
    "bad", ["job.with_(state=1)", "changed(job, step=1)", "replace(self.job, key='x')", "replace(one, lost_at=None)"]
)
def test_a_change_past_the_transitions_is_seen(bad):
    (call,) = [node for node in ast.walk(ast.parse(bad)) if isinstance(node, ast.Call)]
    assert sets_fields_of_a_job(call)


def test_ended_is_spelled_once():
    words = {state.value for state in ENDED} | {f"State.{state.name}" for state in ENDED}
    found = []
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Tuple | ast.List | ast.Set) and len(node.elts) >= 3:
                names = {ast.unparse(one).strip("'") for one in node.elts}
                if len(names & words) == 3 and "State.HELD" not in names and file.name != "states.py":
                    found.append(f"{file}:{node.lineno}")
            sql = isinstance(node, ast.Constant) and "'done', 'gone', 'superseded'" in str(node.value)
            if sql and "migrations" not in file.parts:
                found.append(f"{file}:{node.lineno}")
    assert found == []
