"""The ledger's queries beyond single orders: lists and counts, holders of numbers, open reservations."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, and_, bindparam, case, exists, func, select

from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.records import JobSummary
from shipperone_erp.domain.states import ENDED, Stage, State
from shipperone_erp.ledger.schema import ALLOCATED, UNFINISHED, actions, bindings, jobs

CHUNK = 500
"""The most ids or names in one query."""

_theirs, _ours = bindings.alias("theirs"), bindings.alias("ours")
_invoices = jobs.alias("invoices")

_ON_THE_SAME_ERP = select(_theirs.c.tenant).where(
    _ours.c.tenant == bindparam("of_tenant"),
    _theirs.c.connector == _ours.c.connector,
    _theirs.c.identity == _ours.c.identity,
)

HOLDERS_OF_NUMBERS = (
    select(jobs.c.id, jobs.c.tenant, jobs.c.order_id, jobs.c.key, jobs.c.number, jobs.c.issuer)
    .where(
        jobs.c.number.in_(bindparam("numbers", expanding=True)),
        jobs.c.tenant.in_(_ON_THE_SAME_ERP),
        jobs.c.state != State.SUPERSEDED,
    )
    .order_by(jobs.c.id)
)
"""The jobs whose invoices have one of these numbers, of any tenant on the same ERP; oldest first."""


@cache
def unshipped(*, since_ever: bool) -> Select[Any]:
    """Reservations confirmed to ShipperOne in a period, of orders that never reached the invoice queue.

    Its values are `of_tenant`, `before` and, unless it reaches back without an end, `after`.
    """
    came = exists().where(
        _invoices.c.order_id == jobs.c.order_id,
        _invoices.c.tenant == jobs.c.tenant,
        _invoices.c.stage == Stage.INVOICE,
    )
    query = select(jobs).where(
        ALLOCATED,
        jobs.c.tenant == bindparam("of_tenant"),
        jobs.c.accepted_at <= bindparam("before"),
        jobs.c.reference.is_not(None),
        ~came,
    )
    if not since_ever:
        query = query.where(jobs.c.accepted_at > bindparam("after"))
    return query.order_by(jobs.c.id)


def reservations(tenant: str | None) -> Select[Any]:
    """Allocation jobs with a reservation that was not released, unless the whole order is invoiced and done."""
    whole = exists().where(
        _invoices.c.order_id == jobs.c.order_id,
        _invoices.c.tenant == jobs.c.tenant,
        _invoices.c.stage == Stage.INVOICE,
        _invoices.c.state == State.DONE,
        _invoices.c.part.is_(False),
    )
    query = select(jobs).where(
        jobs.c.stage == Stage.ALLOCATION,
        func.length(jobs.c.reference) > 0,
        jobs.c.state.not_in([State.GONE, State.SUPERSEDED]),
        ~whole,
    )
    if tenant is not None:
        query = query.where(jobs.c.tenant == tenant)
    return query.order_by(jobs.c.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The filter of a list: jobs that meet every given condition. Without `state` and `ended`: all unfinished ones.

    `limit`: at most so many by urgency, after the first `offset`.
    """

    tenant: str | None = None
    stage: Stage | None = None
    state: State | None = None
    reason: Reason | None = None
    owner: Owner | None = None
    ended: bool = False
    limit: int | None = None
    offset: int | None = None

    def conditions(self) -> Sequence[ColumnElement[bool] | TextClause]:
        """As SQL; unfinished jobs are found by their partial index."""
        found: list[ColumnElement[bool] | TextClause] = []
        if self.state is not None:
            found.append(jobs.c.state == self.state)
            if self.state not in ENDED:
                found.append(UNFINISHED)  # redundant, but lets the partial index answer
        elif not self.ended:
            found.append(UNFINISHED)
        for name in ("tenant", "stage", "reason", "owner"):
            if (value := getattr(self, name)) is not None:
                found.append(jobs.c[name] == value)
        return found


_LATE = and_(jobs.c.accepted_at.is_not(None), jobs.c.state.not_in(ENDED))
_URGENCY = case(
    (_LATE, 0),
    (jobs.c.state == State.HELD, 1),
    (jobs.c.state == State.WAITING, 2),
    (jobs.c.state == State.WORKING, 3),
    (jobs.c.state == State.NEW, 4),
    else_=5,
)


def urgent_first(wanted: Wanted) -> Select[Any]:
    """The ids: accepted and not issued first, then held, waiting, the rest; the oldest first among equals."""
    found = select(jobs.c.id).where(*wanted.conditions()).order_by(_URGENCY, jobs.c.since, jobs.c.id)
    return found.limit(wanted.limit).offset(wanted.offset)


SUMMARY = tuple(field.name for field in fields(JobSummary))
"""The columns of a list."""


def summaries(wanted: Wanted) -> Select[Any]:
    """Those of the bound `ids` that meet the conditions."""
    return select(*(jobs.c[name] for name in SUMMARY)).where(
        jobs.c.id.in_(bindparam("ids", expanding=True)), *wanted.conditions()
    )


def named(text: str, limit: int) -> Sequence[Select[Any]]:
    """Jobs that an operator may mean by this text, each query answered by an index: the closest match first."""
    columns = [jobs.c[name] for name in SUMMARY]
    exact = [select(*columns).where(jobs.c[name] == text) for name in ("order_id", "key", "number", "order_number")]
    # a range, since no index serves a case-insensitive LIKE; with another collation the result may differ
    begins = select(*columns).where(jobs.c.order_id > text, jobs.c.order_id < f"{text}\uffff")
    return [query.order_by(jobs.c.id.desc()).limit(limit) for query in (*exact, begins)]


def newest_actions(tenant: str | None, actor: str | None, before: int | None, limit: int) -> Select[Any]:
    """Actions with their orders, the newest first."""
    query = select(actions, jobs.c.order_id, jobs.c.stage).join(jobs, jobs.c.id == actions.c.job_id, isouter=True)
    if tenant is not None:
        query = query.where(actions.c.tenant == tenant)
    if actor is not None:
        query = query.where(actions.c.actor == actor)
    if before is not None:
        query = query.where(actions.c.id < before)
    return query.order_by(actions.c.id.desc()).limit(limit)


_BETWEEN = (jobs.c.id >= bindparam("first"), jobs.c.id < bindparam("last"))
COUNTED_BETWEEN = select(
    func.count().label("listed"), func.count().filter(jobs.c.state == State.DONE).label("done")
).where(*_BETWEEN, jobs.c.state != State.SUPERSEDED)
"""The number of jobs in a range of ids, and of those that are done."""
ACCEPTED_BETWEEN = (
    select(jobs.c.first_listed_at, jobs.c.accepted_at)
    .where(*_BETWEEN, jobs.c.state == State.DONE, jobs.c.accepted_at.is_not(None))
    .limit(200)
)

_ACCEPTED = jobs.c.accepted_at.is_not(None).label("accepted")
_ALIKE = (jobs.c.tenant, jobs.c.stage, jobs.c.state, jobs.c.reason, jobs.c.owner, _ACCEPTED)
COUNTS = (
    select(*_ALIKE, func.count().label("count"), func.min(jobs.c.first_listed_at).label("oldest"))
    .where(UNFINISHED)
    .group_by(*_ALIKE)
)
"""The numbers of unfinished jobs, grouped by these columns."""

_LISTED_BEFORE = (
    UNFINISHED,
    jobs.c.tenant == bindparam("of_tenant"),
    jobs.c.stage == bindparam("of_stage"),
    jobs.c.first_listed_at <= bindparam("moment"),
)
ACCEPTED_BEFORE = select(jobs).where(*_LISTED_BEFORE, jobs.c.accepted_at.is_not(None)).order_by(jobs.c.id)
NOT_ACCEPTED_BEFORE = select(func.count().label("count")).where(
    *_LISTED_BEFORE, jobs.c.accepted_at.is_(None), jobs.c.state != State.IGNORED
)
