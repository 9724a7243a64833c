"""Deletes expired records: first error texts, then personal data, at last the rows.

Each function is a step of a short transaction that the Ledger opens. A job on which an operator or the runtime may
still act is never touched, and nothing is removed whose absence could make anything happen twice:

- Erasing leaves key, content, fingerprint, items and quantities, so that "listed again", a part of a larger order and
  "more than was allocated" are decided as before.
- An accepted job, and every job that names an invoice or was to issue one, stays for years without personal data. While
  ShipperOne still lists an accepted order, the ledger shows it: a read counts `listed_again`, and soon there is an
  unfinished job. Neither is ever deleted, so that a confirmed order cannot become a new one.
- A job that ended without acceptance is deleted sooner. Its generation may then be counted from 1 again: the ERP has
  released or discarded the document of that key, or an operator was requested to, so that the same key is answered
  `Voided` (the next generation is taken) or with the existing document.
- An order of which any job is unfinished, in either stage, loses no job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, delete, exists, or_, select, update

from shipperone_erp.domain.ids import first_id_at
from shipperone_erp.domain.personal_data import without_people
from shipperone_erp.domain.states import ENDED, EffectKind, Outcome, State
from shipperone_erp.ledger.schema import UNCONFIRMED, WITH_BODIES, WITH_ERRORS, actions, effects, jobs

AT_ONCE = 50
"""Rows of each kind in one transaction: a concurrent commit of an intent waits for a few milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The moments before which records have expired, by kind."""

    errors: datetime
    bodies: datetime
    jobs: datetime
    invoices: datetime


@dataclass(frozen=True, slots=True)
class Removed:
    """The numbers of erased error texts, of jobs without personal data from now on, and of deleted jobs."""

    errors: int = 0
    bodies: int = 0
    jobs: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.errors + other.errors, self.bodies + other.bodies, self.jobs + other.jobs)


@dataclass(frozen=True, slots=True)
class Old:
    """The expired records found: ids of effects, jobs with the rest of their orders, ids of jobs."""

    errors: Sequence[int]
    bodies: dict[int, str]
    jobs: Sequence[int]

    def __bool__(self) -> bool:
        return bool(self.errors or self.bodies or self.jobs)


AT_REST = (*ENDED, State.IGNORED)
"""Nothing continues automatically. Ignored jobs are never deleted: while the order is listed, they keep it ignored."""

_of_the_order = jobs.alias("of_the_order")
_finished = ~exists().where(
    _of_the_order.c.order_id == jobs.c.order_id,
    _of_the_order.c.tenant == jobs.c.tenant,
    _of_the_order.c.state.not_in(ENDED),
)
_names_no_invoice = and_(
    jobs.c.number.is_(None),
    jobs.c.invoice_json.is_(None),
    ~exists().where(effects.c.job_id == jobs.c.id, effects.c.kind == EffectKind.ISSUE),
)

_before: BindParameter[datetime] = bindparam("before")
_ERRORS = (
    select(effects.c.id)
    .join(jobs, jobs.c.id == effects.c.job_id)
    .where(WITH_ERRORS, jobs.c.state.in_(AT_REST), jobs.c.since < _before)
    .limit(AT_ONCE)
)
_BODIES = (
    select(jobs.c.id, jobs.c.order_json)
    .where(WITH_BODIES, jobs.c.since < _before)
    .order_by(jobs.c.since)
    .limit(AT_ONCE)
)
_UNCONFIRMED = (
    select(jobs.c.id)
    .where(UNCONFIRMED, jobs.c.since < _before, _names_no_invoice, _finished)
    .order_by(jobs.c.since)
    .limit(AT_ONCE)
)
_ANY = (
    # a job is older than its end: by the ids, which ascend with time, recent jobs need not be examined
    select(jobs.c.id)
    .where(
        jobs.c.id < bindparam("newest"),
        jobs.c.state.in_(ENDED),
        jobs.c.since < _before,
        jobs.c.listed_again == 0,
        _finished,
    )
    .order_by(jobs.c.id)
    .limit(AT_ONCE)
)


def old(connection: Connection, terms: Terms) -> Old:
    """Some expired records, at most `AT_ONCE` of each kind. Reads only."""

    def ids(query: Select[tuple[int]], before: datetime, **more: int) -> list[int]:
        return list(connection.scalars(query, {"before": before, **more}))

    orders = connection.execute(_BODIES, {"before": terms.bodies})
    return Old(
        errors=ids(_ERRORS, terms.errors),
        bodies={job_id: without_people(text) for job_id, text in orders},
        jobs=ids(_UNCONFIRMED, terms.jobs) or ids(_ANY, terms.invoices, newest=first_id_at(terms.invoices)),
    )


def remove(connection: Connection, old: Old, at: datetime) -> Removed:
    """Remove the records found; jobs that an operator has retried meanwhile stay."""
    if old.errors:
        connection.execute(update(effects).where(effects.c.id.in_(old.errors)).values(answer=None))
    erased = _erase(connection, old.bodies, at) if old.bodies else 0
    if old.jobs:
        for rows in (effects, actions):
            connection.execute(delete(rows).where(rows.c.job_id.in_(old.jobs)))
        connection.execute(delete(jobs).where(jobs.c.id.in_(old.jobs)))
    return Removed(len(old.errors), erased, len(old.jobs))


def _erase(connection: Connection, bodies: dict[int, str], at: datetime) -> int:
    """Remove personal data from orders, and the text of answers and notes. Successful answers of hooks, with their
    numbers and amounts, stay.
    """
    still = select(jobs.c.id).where(jobs.c.id.in_(bodies), WITH_BODIES).with_for_update()
    ids = list(connection.scalars(still))
    if not ids:
        return 0
    connection.execute(
        update(jobs)
        .where(jobs.c.id == bindparam("row_id"))
        .values(order_json=bindparam("bare"), sentence=None, differences=(), erased_at=at),
        [{"row_id": job_id, "bare": bodies[job_id]} for job_id in ids],
    )
    with_text = or_(effects.c.kind == EffectKind.CONFIRM, effects.c.outcome != Outcome.OK)
    connection.execute(update(effects).where(and_(effects.c.job_id.in_(ids), with_text)).values(answer=None))
    connection.execute(update(actions).where(actions.c.job_id.in_(ids)).values(note=None))
    return len(ids)
