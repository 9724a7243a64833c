"""What waits in a long queue is decided early, and never otherwise than by looking at it in full."""

from datetime import timedelta
from functools import partial
from itertools import product

import pytest

from job_rows import varied
from planning import MINUTE, NOW, listing, order, scope, started
from shipperone_erp.domain import planner
from shipperone_erp.domain.decisions import NoAction
from shipperone_erp.domain.listed_orders import waits
from shipperone_erp.domain.planner import plan
from shipperone_erp.domain.planner_input import PlannerInput
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage, State, Step

FIELDS = {
    "state": [State.WAITING, State.HELD, State.WORKING, State.DONE, State.IGNORED],
    "step": [Step.NEW, Step.RESERVING, Step.ISSUING],
    "open": [True, False],
    "next_attempt_at": [None, NOW - MINUTE, NOW, NOW + MINUTE],
    "lost_at": [None, NOW - MINUTE],
    "ending": [None, State.GONE, State.NEW],
    "absent_since": [None, NOW - MINUTE],
    "absence_doubtful": [False, True],
    "accepted_at": [None, NOW - MINUTE],
    "listed_as": [None, "another"],
}
ALONE = {
    "reason": list(Reason),
    "adopted_at": [NOW],
    "settle_reads": [("same", "same")],
    "occurrence": [2],
    "absent_reads": [3],
    "erased_at": [NOW],
    "crashes_alone": [1],
    "fingerprint": ["another"],
}


@pytest.fixture
def both(monkeypatch):
    """The plan as it is, and without the early way."""
    return partial(_both, monkeypatch)


def _both(monkeypatch, job, *, listed=True, stage=Stage.ALLOCATION, changes=None):
    shown = listing(order()) if listed else listing()
    rules, known = scope(stage, **(changes or {})), PlannerInput(jobs=(job,))
    early = plan(rules, shown, known, NOW)
    with monkeypatch.context() as without:
        without.setattr(planner, "waits", lambda *_: False)
        return early, plan(rules, shown, known, NOW)


def words(decisions):
    """Decisions without the random parts of new jobs."""
    return [
        (type(each), each.words() if isinstance(each, NoAction) else getattr(each, "why", None)) for each in decisions
    ]


def test_every_combination_of_a_jobs_fields_is_decided_alike(both):
    for stage in Stage:
        base = started(order(), stage, reason=Reason.NOT_ENOUGH_STOCK, sentence="none left", since=NOW - timedelta(1))
        early = 0
        for values in product(*FIELDS.values()):
            job = varied(base, **dict(zip(FIELDS, values, strict=True)))
            if waits(job, listing(order()).orders["FO-1"], NOW):
                early += 1
                decided, looked_at = both(job, stage=stage)
                assert decided == looked_at, job
        assert early, "the early way is taken"


def test_every_reason_and_every_rule_is_decided_alike(both):
    base = started(order(), reason=Reason.NOT_ENOUGH_STOCK, sentence="none left")
    waits = varied(base, state=State.WAITING, next_attempt_at=NOW + MINUTE)
    for field, values in ALONE.items():
        for value in values:
            for changes in ({}, {"discount": "in_row"}):
                early, looked_at = both(varied(waits, **{field: value}), changes=changes)
                assert words(early) == words(looked_at), (field, value)
    assert words(both(waits, listed=False)[0]) == words(both(waits, listed=False)[1])


def test_a_thousand_waiting_orders_make_no_job(monkeypatch):
    orders = [order(f"FO-{number}") for number in range(1000)]
    jobs = tuple(
        varied(started(each), state=State.WAITING, reason=Reason.NOT_ENOUGH_STOCK, next_attempt_at=NOW + MINUTE)
        for each in orders
    )
    monkeypatch.setattr(planner, "_of_order", lambda *_: 1 / 0)
    decided = plan(scope(), listing(*orders), PlannerInput(jobs=jobs), NOW)
    assert all(isinstance(decision, NoAction) for decision in decided)
    assert len(decided) == 1000
