"""While listing and jobs are the same, a plan that does nothing is changed by time alone, and not before `changes_at`."""

from datetime import timedelta
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from job_rows import varied
from planning import MINUTE, NOW, listing, order, scope, started
from shipperone_erp.domain.decisions import NoAction
from shipperone_erp.domain.listing import UnreadableOrder
from shipperone_erp.domain.planner import plan
from shipperone_erp.domain.planner_input import PlannerInput
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.resting_plan import changes_at, rests
from shipperone_erp.domain.states import Stage, State, Step

MOMENTS = [None, NOW - 90 * MINUTE, NOW - MINUTE, NOW - timedelta(seconds=20), NOW, NOW + MINUTE, NOW + 90 * MINUTE]
FIELDS = {
    "state": list(State),
    "step": list(Step),
    "open": [True, False],
    "reason": [
        None,
        Reason.NOT_ENOUGH_STOCK,
        Reason.ORDER_GONE,
        Reason.ORDER_UNREADABLE,
        Reason.DATE_IMPLAUSIBLE,
        Reason.ISSUED_NOT_CONFIRMED,
        Reason.BEFORE_GO_LIVE,
        Reason.RESERVED_NOT_SHIPPED,
    ],
    "next_attempt_at": MOMENTS,
    "lost_at": MOMENTS,
    "accepted_at": MOMENTS,
    "absent_since": MOMENTS,
    "doubt_since": MOMENTS,
    "adopted_at": [None, NOW - MINUTE],
    "ending": [None, State.GONE, State.NEW, State.SUPERSEDED],
    "absence_doubtful": [False, True],
    "settle_reads": [(), ("same",), ("absent", "absent")],
    "listed_as": [None, "another"],
    "listed_again": [0, 2, 9],
    "reference": [None, "R-1"],
    "occurrence": [1, 2],
}
LATER = [timedelta(), timedelta(seconds=1), MINUTE, 2 * MINUTE, 90 * MINUTE, timedelta(days=3), timedelta(days=400)]

jobs = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in FIELDS.items()})


def shown(how: str, at, proves: bool):
    if how == "unreadable":
        return listing(at=at, proves=proves, unreadable=[UnreadableOrder("FO-1", "it has no items", "{}")])
    orders = {"listed": [order()], "changed": [order("FO-1", 2)], "other": [order("FO-2")], "nothing": []}[how]
    return listing(*orders, at=at, proves=proves)


def rested(rules, how, proves, planner_input, *, read_ago=timedelta()) -> bool:
    """Plan now and, where that does nothing, at every later moment before it may change. True if it rested."""
    read = shown(how, NOW - read_ago, proves)
    decisions = plan(rules, read, planner_input, NOW)
    if not rests(decisions, read, planner_input):
        return False
    until = changes_at(planner_input, read, rules.settings.settle)
    for later in LATER:
        if until is None or NOW + later < until:
            again = shown(how, NOW + later - (read_ago if later else timedelta()), proves)
            same = plan(rules, again, planner_input, NOW + later)
            assert all(isinstance(decision, NoAction) and not decision.wants_proof for decision in same), (
                later, same, planner_input.jobs,
            )  # fmt: skip
            assert rests(same, again, planner_input)
    return True


@examples(2000)
@given(
    fields=st.lists(jobs, max_size=2),
    how=st.sampled_from(["listed", "changed", "other", "nothing", "unreadable"]),
    proves=st.booleans(),
    stage=st.sampled_from(list(Stage)),
    in_doubt=st.sampled_from(["accept", "hold"]),
    read_at=st.sampled_from([None, NOW - MINUTE, NOW - timedelta(days=30)]),
    read_ago=st.sampled_from([timedelta(), timedelta(seconds=30)]),
    live=st.booleans(),
)
def test_no_plan_changes_by_time_alone_before_it_may(fields, how, proves, stage, in_doubt, read_at, read_ago, live):
    known = tuple(varied(started(order(), stage), id=number, **given) for number, given in enumerate(fields, 1))
    planner_input = PlannerInput(jobs=known, live=live, last_good_read_at=read_at)
    rested(scope(stage, in_doubt=in_doubt), how, proves, planner_input, read_ago=read_ago)


@pytest.mark.parametrize("stage", Stage)
def test_each_field_of_a_job_that_waits_or_is_held(stage):
    """Of an order that is listed as it was, two fields at a time."""
    found = 0
    for state in (State.WAITING, State.HELD):
        base = started(order(), stage, state=state, sentence="why")
        for (one, some), (other, more) in combinations(FIELDS.items(), 2):
            for first, second in product(some, more):
                job = varied(base, **{one: first, other: second})
                found += rested(scope(stage), "listed", False, PlannerInput(jobs=(job,)))
    assert found > 500, "plans rest"


def test_a_plan_does_not_rest_where_anything_may_be_learnt_or_done():
    waiting = started(order(), state=State.WAITING, next_attempt_at=NOW + MINUTE, reason=Reason.NOT_ENOUGH_STOCK)
    for how, job in {
        "nothing": waiting,  # it may be gone
        "listed": varied(waiting, next_attempt_at=NOW),  # it is due
        "changed": waiting,
        "other": varied(waiting, state=State.DONE, open=False),  # another order starts
    }.items():
        read = shown(how, NOW, proves=False)
        planner_input = PlannerInput(jobs=(job,))
        assert not rests(plan(scope(), read, planner_input, NOW), read, planner_input), how
    read = shown("listed", NOW, proves=True)
    decisions = plan(scope(), read, PlannerInput(jobs=(waiting,)), NOW)
    assert rests(decisions, read, PlannerInput(jobs=(waiting,)))
    assert changes_at(PlannerInput(jobs=(waiting,)), read, MINUTE) == NOW + MINUTE
    for known in (
        PlannerInput(jobs=(waiting,), busy=frozenset({"FO-9"})),
        PlannerInput(jobs=(waiting, varied(waiting, state=State.HELD, absence_doubtful=True))),
        PlannerInput(jobs=(waiting, varied(waiting, lost_at=NOW - MINUTE))),
    ):
        assert not rests(decisions, read, known), known
    assert not rests(decisions, listing(order(), complete=False), PlannerInput(jobs=(waiting,)))
