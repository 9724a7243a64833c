"""Which parts of an order a restored ledger may have lost, where the ERP issues at once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from job_rows import varied
from planning import NOW, order, started
from shipperone_erp.domain.restored_parts import lost_part
from shipperone_erp.domain.states import Stage, State

HOUR = timedelta(hours=1)


def part(**fields):
    return varied(started(order(), Stage.INVOICE), first_listed_at=NOW + HOUR, **fields)


@pytest.mark.parametrize(("ordered", "held"), [(None, True), (NOW - HOUR, True), (NOW + HOUR, False)])
def test_an_order_without_an_allocation_may_have_a_part_if_it_was_placed_before_the_restore(ordered, held):
    listed = replace(order(), ordered_at=ordered)
    assert (lost_part(part(), listed, [], [], NOW) is not None) is held


@pytest.mark.parametrize(("accepted", "held"), [(NOW - HOUR, True), (NOW + HOUR, False)])
def test_a_part_of_an_order_that_was_allocated_since_the_restore_has_none_before_it(accepted, held):
    allocation = varied(started(order()), accepted_at=accepted)
    assert (lost_part(part(part=True), order(), [], [allocation], NOW) is not None) is held


@pytest.mark.parametrize(("state", "at", "held"), [
    (State.DONE, NOW + HOUR, False), (State.HELD, NOW + HOUR, True), (State.DONE, NOW - HOUR, True),
])  # fmt: skip
def test_an_operator_has_decided_once_an_equal_job_since_the_restore_has_ended(state, at, held):
    equal = varied(part(part=True), state=state, first_listed_at=at)
    assert (lost_part(part(part=True), order(), [equal], [], NOW) is not None) is held
