"""The statements that write, compiled once per process, and the order in which those of one batch are run.

Rows of one statement go together (executemany); writes to the same job, order or effect keep their order. Core builds
the statements and converts the values; its handling of parameters row by row would cost three times as much.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Boolean, Delete, Dialect, Insert, Table, Update, bindparam, false, insert, make_url, true, update
from sqlalchemy.dialects import postgresql, sqlite

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import Binding
from shipperone_erp.ledger.schema import actions, bindings, effects, jobs, queues
from shipperone_erp.ledger.unit_of_work import (
    ClaimJob,
    FirstBinding,
    InsertJob,
    QueueRead,
    Record,
    RecordIntent,
    RecordOutcome,
    ReleaseAllJobs,
    ReleaseJob,
    Restamp,
    SaveBinding,
    SaveQueue,
    UpdateJob,
    Write,
)

Touches = tuple[Hashable, ...]
"""The objects of a write: two writes that touch the same object run in the order in which they were made."""

FIXED = frozenset(
    {
        "id",
        "tenant",
        "stage",
        "order_id",
        "content",
        "occurrence",
        "fingerprint",
        "order_json",
        "item_ids",
        "first_listed_at",
        "erased_at",
        "taken",
        "order_number",
    }
)
"""A job's constant fields: written once, and changed by `retention` alone.

(`taken` by ClaimJob and ReleaseJob; the fingerprint and the text of its order by Restamp.)
"""


Put = sqlite.Insert | postgresql.Insert


@dataclass(frozen=True, slots=True)
class Statement:
    """One kind of write: its table and SQL, the place of each parameter in the write, and the touched objects."""

    table: Table
    sql: Callable[[Put], Insert | Update | Delete]
    parameters: Mapping[str, str]
    touches: Callable[[Any], Touches]
    hits_all: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement for one dialect: its text, the parameters of a write, and whether each must hit a row."""

    sql: str
    parameters: Callable[[Write], tuple[Any, ...]]
    hits_all: bool


@dataclass(frozen=True, slots=True)
class Run:
    """A prepared statement with all its rows."""

    statement: Prepared
    rows: list[tuple[Any, ...]]


def _of(path: str, names: Iterable[str]) -> dict[str, str]:
    return {name: f"{path}.{name}" for name in names}


def _upsert(put: Put) -> Insert:
    keys = {column.name for column in put.table.primary_key}
    changes = {name: put.excluded[name] for name in put.table.c.keys() if name not in keys}  # noqa: SIM118
    return put.on_conflict_do_update(index_elements=sorted(keys), set_=changes)


def _of_job(write: InsertJob | UpdateJob | Restamp) -> Touches:
    job = write.job
    return job.id, (job.tenant, job.stage, job.order_id)


_BINDING = {"tenant": "tenant", **_of("binding", (field.name for field in fields(Binding)))}

STATEMENTS: dict[type[Write], Statement] = {
    InsertJob: Statement(
        jobs,
        lambda put: insert(jobs),
        _of("job", (name for name in jobs.c.keys() if name != "taken")),  # noqa: SIM118
        _of_job,
    ),
    ClaimJob: Statement(
        jobs,
        lambda put: (
            update(jobs)
            .where(
                jobs.c.id == bindparam("row_id"),
                jobs.c.state == bindparam("was_state", type_=jobs.c.state.type),
                jobs.c.since == bindparam("was_since", type_=jobs.c.since.type),
                ~jobs.c.taken,
            )
            .values(taken=true())
        ),
        {"row_id": "job.id", "was_state": "job.state", "was_since": "job.since"},
        _of_job,
        hits_all=True,
    ),
    UpdateJob: Statement(
        jobs,
        lambda put: update(jobs).where(jobs.c.id == bindparam("row_id")),
        {"row_id": "job.id", **_of("job", (name for name in jobs.c.keys() if name not in FIXED))},  # noqa: SIM118
        _of_job,
        hits_all=True,
    ),
    Restamp: Statement(
        jobs,
        lambda put: update(jobs).where(jobs.c.id == bindparam("row_id")),
        {"row_id": "job.id", "fingerprint": "job.fingerprint", "order_json": "job.order_json"},
        _of_job,
        hits_all=True,
    ),
    ReleaseJob: Statement(
        jobs,
        lambda put: update(jobs).where(jobs.c.id == bindparam("row_id")).values(taken=false()),
        {"row_id": "job_id"},
        lambda write: (write.job_id,),
    ),
    ReleaseAllJobs: Statement(
        jobs,
        lambda put: (
            update(jobs)
            .where(jobs.c.tenant == bindparam("of_tenant"), jobs.c.stage == bindparam("of_stage"), jobs.c.taken)
            .values(taken=false())
        ),
        {"of_tenant": "tenant", "of_stage": "stage"},
        lambda write: ((write.tenant, write.stage),),
    ),
    RecordIntent: Statement(
        effects,
        lambda put: insert(effects),
        _of("effect", effects.c.keys()),
        lambda write: (write.effect.job_id, write.effect.id),
    ),
    RecordOutcome: Statement(
        effects,
        lambda put: update(effects).where(effects.c.id == bindparam("row_id")),
        {"row_id": "effect_id", "outcome": "outcome", "outcome_at": "at", "answer": "answer"},
        lambda write: (write.effect_id,),
        hits_all=True,
    ),
    Record: Statement(
        actions, lambda put: insert(actions), _of("action", actions.c.keys()), lambda write: (write.action.id,)
    ),
    SaveQueue: Statement(
        queues, _upsert, _of("record", queues.c.keys()), lambda write: ((write.record.tenant, write.record.stage),)
    ),
    QueueRead: Statement(
        queues,
        lambda put: update(queues).where(
            queues.c.tenant == bindparam("of_tenant"),
            queues.c.stage == bindparam("of_stage"),
            queues.c.last_good_read_at == bindparam("was_last_good_read_at", type_=queues.c.last_good_read_at.type),
        ),
        {
            "of_tenant": "before.tenant",
            "of_stage": "before.stage",
            "was_last_good_read_at": "before.last_good_read_at",
            "last_good_read_at": "at",
        },
        lambda write: ((write.before.tenant, write.before.stage),),
    ),
    SaveBinding: Statement(bindings, _upsert, _BINDING, lambda write: (write.tenant,)),
    FirstBinding: Statement(
        bindings, lambda put: put.on_conflict_do_nothing(), _BINDING, lambda write: (write.tenant,)
    ),
}

_RANKS = {kind: rank for rank, kind in enumerate(STATEMENTS)}


@cache
def statements(dialect_name: str) -> "Statements":
    """The statements for a dialect: compiled once, since that takes longer than the rest of opening a ledger."""
    return Statements(dialect_name)


class Statements:
    """The statements for one dialect, `sqlite` or `postgresql`."""

    def __init__(self, dialect_name: str) -> None:
        # parameters by position in both: a row is a tuple
        if dialect_name == "sqlite":
            dialect = make_url("sqlite://").get_dialect()()
            puts: list[Put] = [sqlite.insert(statement.table) for statement in STATEMENTS.values()]
        else:
            psycopg: Callable[..., Dialect] = make_url("postgresql+psycopg://").get_dialect()
            dialect = psycopg(paramstyle="format")
            puts = [postgresql.insert(statement.table) for statement in STATEMENTS.values()]
        self._prepared = [
            _prepare(statement, put, dialect) for statement, put in zip(STATEMENTS.values(), puts, strict=True)
        ]

    def arranged(self, writes: Iterable[Write]) -> Iterator[Run]:
        """The runs of these writes, in order.

        They form waves, in each wave in the order of `STATEMENTS`; a write that must follow a later statement on the
        same object goes to the next wave. Of successive states of one job only the last is written: nobody sees the
        others, since all writes are one transaction.
        """
        waves: list[dict[int, list[Write]]] = []
        last: dict[Hashable, tuple[int, int]] = {}
        newest: dict[Hashable, _State] = {}
        for write in writes:
            kind = type(write)
            rank = _RANKS[kind]
            touches = STATEMENTS[kind].touches(write)
            if isinstance(write, UpdateJob):
                state = newest.get(touches[1])
                if state is not None and state.replaced_by(write):
                    continue
            wave, before = max([last.get(thing, (0, 0)) for thing in touches])
            if before > rank:
                wave += 1
            if wave == len(waves):
                waves.append({})
            run = waves[wave].setdefault(rank, [])
            run.append(write)
            if isinstance(write, InsertJob | UpdateJob):
                newest[touches[1]] = _State(run, len(run) - 1, write.job)
            elif isinstance(write, ClaimJob | Restamp):
                newest.pop(touches[1], None)  # it depends on the state before it, or changes the row by itself
            for thing in touches:
                last[thing] = (wave, rank)
        for runs in waves:
            for rank in sorted(runs):
                prepared = self._prepared[rank]
                yield Run(prepared, list(map(prepared.parameters, runs[rank])))


@dataclass(slots=True)
class _State:
    """The newest write of an order's jobs so far, and its place in its run."""

    run: list[Write]
    place: int
    job: Job

    def replaced_by(self, write: UpdateJob) -> bool:
        """Write this later state in its place. Not if `open` changes: another job of the order may need that first."""
        if self.job.id != write.job.id or self.job.open is not write.job.open:
            return False
        self.run[self.place] = InsertJob(write.job) if isinstance(self.run[self.place], InsertJob) else write
        self.job = write.job
        return True


def _getter(paths: Sequence[str]) -> Callable[[Write], tuple[Any, ...]]:
    if len(paths) > 1:
        return attrgetter(*paths)
    only = attrgetter(*paths)
    return lambda write: (only(write),)


def _prepare(statement: Statement, put: Put, dialect: Dialect) -> Prepared:
    compiled = statement.sql(put).compile(dialect=dialect, column_keys=list(statement.parameters))
    names = compiled.positiontup or []
    values = _getter([statement.parameters[name] for name in names])
    conversions = []
    for place, name in enumerate(names):
        column = statement.table.c.get(name.removeprefix("was_"))
        # drivers take a bool as it is
        if column is None or isinstance(column.type, Boolean):
            continue
        convert = column.type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None:
            conversions.append((place, convert))

    def parameters(write: Write) -> tuple[Any, ...]:
        row = list(values(write))
        for place, convert in conversions:
            if row[place] is not None:
                row[place] = convert(row[place])
        return tuple(row)

    return Prepared(str(compiled), parameters, statement.hits_all)
