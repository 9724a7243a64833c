"""The summary of unfinished jobs that `status`, the page and the alerts share."""

from datetime import UTC, datetime, timedelta

from shipperone_erp import Owner, Reason
from shipperone_erp.domain.records import JobCount
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.operations.attention import Group, attention

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def count(
    state: State,
    number: int,
    *,
    owner: Owner | None = None,
    reason: Reason | None = None,
    minutes: int = 0,
    tenant: str = "acme",
    stage: Stage = Stage.INVOICE,
    accepted: bool = False,
) -> JobCount:
    first = NOON + timedelta(minutes=minutes)
    return JobCount(
        tenant=tenant, stage=stage, state=state, reason=reason, owner=owner, accepted=accepted, count=number,
        oldest=first,
    )  # fmt: skip


COUNTS = [
    count(State.IGNORED, 1000, minutes=-900),
    count(State.HELD, 1, owner=Owner.WAREHOUSE, reason=Reason.NOT_ENOUGH_STOCK, minutes=3, stage=Stage.ALLOCATION),
    count(State.HELD, 2, owner=Owner.ACCOUNTANT, reason=Reason.ERP_PERIOD_LOCKED, minutes=5),
    count(State.HELD, 4, owner=Owner.ACCOUNTANT, reason=Reason.AMOUNT_UNEXPLAINED, minutes=4, accepted=True),
    count(State.HELD, 8, owner=Owner.ACCOUNTANT, reason=Reason.AMOUNT_UNEXPLAINED, minutes=2, tenant="bravo"),
    count(State.WAITING, 16, owner=Owner.IT, reason=Reason.ERP_AUTH, minutes=6),
    count(State.WAITING, 32, owner=Owner.WAREHOUSE, reason=Reason.NOT_ENOUGH_STOCK, stage=Stage.ALLOCATION, minutes=7),
    count(State.NEW, 64, minutes=8),
    count(State.WORKING, 128, accepted=True, minutes=1, stage=Stage.ALLOCATION),
]


def test_jobs_are_summed_by_owner_and_reason_and_ignored_ones_are_no_work():
    found = attention(COUNTS)
    assert found.orders == 1 + 2 + 4 + 8 + 16
    assert found.needs[[group.owner for group in found.needs].index(Owner.ACCOUNTANT)] == Group(
        Owner.ACCOUNTANT, Reason.AMOUNT_UNEXPLAINED, State.HELD, 12, NOON + timedelta(minutes=2)
    ), "the most frequent reason of an owner first, since its oldest"
    assert [(group.count, group.reason) for group in found.waits] == [(32, Reason.NOT_ENOUGH_STOCK)]
    assert (found.pending, found.late, found.oldest) == (64 + 128, 4, NOON + timedelta(minutes=1))


def test_the_sequence_of_owners_does_not_depend_on_the_sequence_of_rows():
    forwards, backwards = attention(COUNTS), attention(COUNTS[::-1])
    assert list(forwards.by_owner.items()) == list(backwards.by_owner.items())
    assert [owner for owner in Owner if owner in forwards.by_owner] == list(forwards.by_owner)
    assert forwards.needs == backwards.needs


def test_one_tenant_or_stage_is_summed_alone():
    assert attention(COUNTS, tenant="bravo").by_owner == {Owner.ACCOUNTANT: 8}
    assert attention(COUNTS, stage=Stage.ALLOCATION).by_owner == {Owner.WAREHOUSE: 1}
    assert attention(COUNTS, tenant="bravo", stage=Stage.ALLOCATION).orders == 0
