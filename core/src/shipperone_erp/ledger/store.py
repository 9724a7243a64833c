"""The ledger itself: opened once a process, read from any thread, written by one."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Executable, Select, bindparam, func, select

from shipperone_erp.errors import LeaseLost, LedgerError
from shipperone_erp.ledger import acts, leases, migrating, questions, retention
from shipperone_erp.ledger.copying import copy_sqlite
from shipperone_erp.ledger.database import Database, connect
from shipperone_erp.ledger.errors import OpenJobExists, TwoOpenJobs, WriteRefused, sentences
from shipperone_erp.ledger.leases import Held, LeaseRecord, Owner, Seen
from shipperone_erp.ledger.records import Action, Binding, Effect, Job, Lease, Pause, QueueRecord
from shipperone_erp.ledger.retention import Removed, Terms
from shipperone_erp.ledger.schema import (
    ENDED,
    NOT_COMPARED,
    UNFINISHED,
    actions,
    bindings,
    effects,
    jobs,
    pauses,
    queues,
)
from shipperone_erp.ledger.schema import leases as lease_rows
from shipperone_erp.ledger.statements import FENCE, Statements
from shipperone_erp.ledger.writer import Writer
from shipperone_erp.ledger.writes import Entry, InsertJob, Record, SaveBinding, SaveQueue, UpdateJob, Write
from shipperone_erp.model.work import Stage, State
from shipperone_erp.reasons import Reason

CHUNK = 500
"""Order ids in one query at most."""

_OF_STAGE = select(jobs).where(jobs.c.tenant == bindparam("of_tenant"), jobs.c.stage == bindparam("of_stage"))
_UNFINISHED = _OF_STAGE.where(UNFINISHED).order_by(jobs.c.id)
_OF_ORDERS = _OF_STAGE.where(jobs.c.order_id.in_(bindparam("orders", expanding=True))).order_by(jobs.c.id)
_ENDED_OF_ORDERS = _OF_ORDERS.where(ENDED)
_OPEN_EFFECTS = (
    select(effects)
    .join(jobs, jobs.c.id == effects.c.job_id)
    .where(
        effects.c.outcome.is_(None),
        jobs.c.tenant == bindparam("of_tenant"),
        jobs.c.stage == bindparam("of_stage"),
    )
    .order_by(effects.c.id)
)


class Ledger:
    """Made by `open`. Reads block and may be called from any thread; `write` needs `start_writer` once before.

    Every method raises LedgerUnavailable while the database cannot be used.
    """

    def __init__(self, database: Database, *, read_only: bool) -> None:
        self._database = database
        self._read_only = read_only
        self._turn = threading.Lock()
        self._statements = Statements(database.writing.dialect.name)
        self._writer = Writer(self.commit)

    @classmethod
    def open(cls, url: str, *, migrate: bool = False, read_only: bool = False) -> Self:
        """The ledger at `sqlite:///…` or `postgresql+psycopg://…`.

        LedgerError if it is of a later version; if it is missing or of an earlier one, unless `migrate` brings it to
        this version (under a lock, so that several processes may ask for it at once). Opened `read_only`, the
        database itself refuses every write.
        """
        if migrate and read_only:
            raise ValueError("a ledger that is only read is not migrated")
        database = connect(url, "read" if read_only else "create" if migrate else "write")
        try:
            with sentences(database.place, database.hidden):
                current = migrating.check(database)
                if migrate and not current:
                    migrating.migrate(database)
                    current = migrating.check(database)
            if not current:
                raise LedgerError(
                    f"there is no ledger of this version in {database.place} yet; `shipperone-erp run` makes or "
                    "migrates it"
                )
        except BaseException:
            database.reading.dispose()
            raise
        return cls(database, read_only=read_only)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def read_only(self) -> bool:
        """Nothing can be written through this object."""
        return self._read_only

    def unfinished_jobs(self, tenant: str, stage: Stage) -> list[Job]:
        """Every job of this stage that has not ended, those ignored by a person included; oldest first."""
        return self._jobs(_UNFINISHED, of_tenant=tenant, of_stage=stage)

    def jobs_of_orders(self, tenant: str, stage: Stage, order_ids: Collection[str]) -> list[Job]:
        """All jobs of these orders in this stage, ended ones included; oldest first for each order."""
        return self._in_chunks(_OF_ORDERS, tenant, stage, order_ids)

    def ended_jobs_of_orders(self, tenant: str, stage: Stage, order_ids: Collection[str]) -> list[Job]:
        """Those of `jobs_of_orders` that have ended: with `unfinished_jobs` these are all of them."""
        return self._in_chunks(_ENDED_OF_ORDERS, tenant, stage, order_ids)

    def find_jobs(
        self,
        *,
        tenant: str | None = None,
        stage: Stage | None = None,
        order_id: str | None = None,
        key: str | None = None,
        states: Collection[State] | None = None,
        reason: Reason | None = None,
        limit: int | None = None,
    ) -> list[Job]:
        """The jobs that meet every condition given, oldest first."""
        query = select(jobs).order_by(jobs.c.id).limit(limit)
        conditions = {"tenant": tenant, "stage": stage, "order_id": order_id, "key": key, "reason": reason}
        for name, value in conditions.items():
            if value is not None:
                query = query.where(jobs.c[name] == value)
        if states is not None:
            query = query.where(jobs.c.state.in_(list(states)))
        return self._jobs(query)

    def job(self, job_id: int) -> Job | None:
        """The job of that id."""
        return next(iter(self._jobs(select(jobs).where(jobs.c.id == job_id))), None)

    def holder_of_number(self, tenant: str, number: str, key: str) -> Job | None:
        """The job under another key whose invoice has this number, of any tenant bound to the same ERP."""
        found = self._jobs(questions.HOLDER_OF_NUMBER, of_tenant=tenant, of_number=number, not_key=key)
        return next(iter(found), None)

    def unshipped(self, tenant: str, after: datetime | None, before: datetime) -> list[Job]:
        """What ShipperOne was told is reserved between these times, of orders that never came to an invoice."""
        return self._jobs(questions.unshipped(tenant, after, before))

    def reservations(self, tenant: str | None = None) -> list[Job]:
        """Allocation jobs whose reservation may be live; those of wholly invoiced orders are left out."""
        return self._jobs(questions.reservations(tenant))

    def not_compared(self) -> dict[tuple[str, Stage], int]:
        """By tenant and stage, how many invoices ShipperOne has accepted with nothing compared but their items."""
        counted = select(jobs.c.tenant, jobs.c.stage, func.count().label("count")).where(
            NOT_COMPARED, jobs.c.accepted_at.is_not(None)
        )
        rows = self._rows(counted.group_by(jobs.c.tenant, jobs.c.stage))
        return {(row["tenant"], row["stage"]): row["count"] for row in rows}

    def accepted_quantities(self, tenant: str, stage: Stage, order_id: str) -> list[Job]:
        """The jobs of this order that ShipperOne has accepted: what must never be exceeded is in their orders."""
        return [job for job in self.jobs_of_orders(tenant, stage, [order_id]) if job.accepted]

    def effects(self, job_id: int) -> list[Effect]:
        """Everything that was done outside for this job, in order."""
        rows = self._rows(select(effects).where(effects.c.job_id == job_id).order_by(effects.c.id))
        return [Effect(**row) for row in rows]

    def open_effects(self, tenant: str, stage: Stage) -> list[Effect]:
        """Intents without an outcome; those of an earlier lease are unknown."""
        return [Effect(**row) for row in self._rows(_OPEN_EFFECTS, of_tenant=tenant, of_stage=stage)]

    def actions(self, about: int | str) -> list[Action]:
        """What people did and noted about a job (its id) or about anything of a tenant (its name), in order."""
        column = actions.c.job_id if isinstance(about, int) else actions.c.tenant
        return [Action(**row) for row in self._rows(select(actions).where(column == about).order_by(actions.c.id))]

    def queue(self, tenant: str, stage: Stage) -> QueueRecord | None:
        """What is known of one queue; None if it was never read."""
        rows = self._rows(select(queues).where(queues.c.tenant == tenant, queues.c.stage == stage))
        return next((QueueRecord(**row) for row in rows), None)

    def queues(self) -> list[QueueRecord]:
        """What is known of every queue."""
        return [QueueRecord(**row) for row in self._rows(select(queues).order_by(queues.c.tenant, queues.c.stage))]

    def binding(self, tenant: str) -> Binding | None:
        """What this tenant's rows are about; None if it was never served from this ledger."""
        columns = (bindings.c.base_url, bindings.c.store_code, bindings.c.connector, bindings.c.identity)
        rows = self._rows(select(*columns).where(bindings.c.tenant == tenant))
        return next((Binding(**row) for row in rows), None)

    def tenants_of(self, base_url: str, store_code: str) -> list[str]:
        """The tenants whose rows are about that store."""
        found = select(bindings.c.tenant).where(bindings.c.base_url == base_url, bindings.c.store_code == store_code)
        return [row["tenant"] for row in self._rows(found.order_by(bindings.c.tenant))]

    def pauses(self) -> list[Pause]:
        """What people have paused, in every tenant."""
        return [Pause(**row) for row in self._rows(select(pauses).order_by(pauses.c.tenant, pauses.c.stage))]

    def acted_on(self, since: int) -> list[tuple[int, str]]:
        """The ids of the actions with an id above `since`, with their tenants."""
        rows = self._rows(select(actions.c.id, actions.c.tenant).where(actions.c.id > since))
        return [(row["id"], row["tenant"]) for row in rows]

    def lease(self, name: str) -> LeaseRecord | None:
        """The lease of that name; None if nobody ever took it."""
        rows = self._rows(select(lease_rows).where(lease_rows.c.name == name))
        return next((LeaseRecord(**row) for row in rows), None)

    def leases(self) -> list[LeaseRecord]:
        """Every lease that was ever taken."""
        return [LeaseRecord(**row) for row in self._rows(select(lease_rows).order_by(lease_rows.c.name))]

    def try_take(
        self,
        name: str,
        owner: Owner,
        seen: Seen | None,
        lease_time: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Lease | Held:
        """The lease under its next number if nobody holds it, or if its holder stood still for `lease_time` seconds.

        Else who holds it, and what to give as `seen` with the next call of the same process: its own clock counts.
        """
        with self._writing() as connection:
            return leases.try_take(connection, name, owner, seen, lease_time, monotonic)

    def beat(self, held: Collection[Lease]) -> tuple[Lease, ...]:
        """Show that their holder lives; returns those that were taken over meanwhile."""
        with self._writing() as connection:
            return leases.beat(connection, held)

    def give_back(self, lease: Lease) -> None:
        """Let another take it at once; one that was taken over meanwhile is left alone."""
        with self._writing() as connection:
            leases.give_back(connection, lease)

    def start_writer(self) -> None:
        """Start the thread that commits what `write` hands over; once, before the first write."""
        self._writer.start()

    def write(self, *writes: Write, lease: Lease | None) -> Future[None]:
        """Hand over writes that are committed together; the future ends once they are safe on the disk.

        Commits keep the order of the calls. The future's errors: LeaseLost (the lease is another's by now),
        OpenJobExists, WriteRefused (nothing of this call was recorded), LedgerUnavailable (nobody knows whether it
        was). It cannot be cancelled. A call that is made after another has failed is not failed by that.
        """
        self._refuse_if_read_only()
        entry = Entry(writes, lease)
        self._writer.put(entry)
        return entry.future

    def commit(self, batch: Sequence[Entry]) -> None:
        """Commit these entries in one transaction: the only way in which anything handed to `write` gets written.

        Entries whose lease is lost are told so and left out. WriteRefused or LedgerUnavailable: nothing of the batch
        was recorded, and nobody was told.
        """
        held = {entry.lease for entry in batch if entry.lease is not None}
        lost: set[Lease] = set()
        try:
            with self._writing() as connection:
                if held:
                    rows = connection.execute(FENCE, {"names": [lease.name for lease in held]})
                    lost = held - {Lease(row.name, row.owner, row.number) for row in rows}
                self._run(connection, [write for entry in batch if entry.lease not in lost for write in entry.writes])
        except TwoOpenJobs:
            # a larger batch is halved by the writer until the one that is at fault stands alone
            for write in batch[0].writes:
                if isinstance(write, InsertJob | UpdateJob):
                    raise OpenJobExists(write.job) from None
            raise
        for entry in batch:
            if entry.lease in lost:
                entry.settle(LeaseLost(entry.lease.name))

    def steer(self, before: Job, after: Job, action: Action) -> bool:
        """Change a job on a person's word, and record who said it; False (nothing changed) if it is not as it was.

        For a process that holds no lease: the job's state, step, reason and time must still be those of `before`.
        """
        return self.steer_all([(before, after, action)]) is None

    def steer_all(self, steered: Sequence[tuple[Job, Job, Action]]) -> Job | None:
        """`steer` for many, all of them or none; None, or the first that is not as it was."""
        return self._acted(steered)

    def pause(self, pause: Pause, action: Action) -> None:
        """Let a stage rest on a person's word, at once; twice is once."""
        with self._writing() as connection:
            acts.pause(connection, pause)
            self._run(connection, [Record(action)])

    def resume(self, pause: Pause, action: Action) -> bool:
        """Let it go on; False (nothing recorded) if it was not paused."""
        with self._writing() as connection:
            found = acts.resume(connection, pause)
            if found:
                self._run(connection, [Record(action)])
            return found

    def act(self, action: Action) -> None:
        """Record what a person did to a tenant."""
        with self._writing() as connection:
            self._run(connection, [Record(action)])

    def rebind(
        self, tenant: str, binding: Binding, action: Action, *, dropped: Sequence[tuple[Job, Job, Action]] | None = None
    ) -> Job | None:
        """What this tenant's rows are about from now on, on a person's word; with `dropped`, steered along.

        Without `dropped` the references are good there too, and are said to be of that ERP. None, or the first of the
        `dropped` that is not as it was (then nothing was changed).
        """
        relabelled = None if dropped is not None else (tenant, binding.identity)
        return self._acted(dropped or (), SaveBinding(tenant, binding), Record(action), relabelled=relabelled)

    def save_queue(self, record: QueueRecord) -> None:
        """Record what is known of a queue at once, on a person's word."""
        with self._writing() as connection:
            self._run(connection, [SaveQueue(record)])

    def remove_old(self, terms: Terms, at: datetime) -> Removed:
        """Remove some of what has stood for its days, in one short transaction; again, until nothing was removed."""
        with self._reading() as connection:
            old = retention.old(connection, terms)
        if not old:
            return Removed()
        with self._writing() as connection:
            return retention.remove(connection, old, at)

    def backup(self, file: Path) -> None:
        """Copy a SQLite ledger as it is at this moment, while others use it. LedgerError if that cannot be done."""
        if self._database.reading.dialect.name != "sqlite":
            raise LedgerError("a ledger on PostgreSQL is copied by pg_dump, which can also do it while it is used")
        with sentences(self._database.place, self._database.hidden), self._database.reading.connect() as connection:
            copy_sqlite(connection, file)

    def can_write(self) -> None:
        """LedgerError if nothing can be written; writes nothing."""
        with self._writing() as connection:
            connection.execute(select(jobs.c.id).limit(0))

    def close(self) -> None:
        """Commit what was handed over and let go of the database."""
        self._writer.close()
        self._database.reading.dispose()

    def _acted(
        self, steered: Sequence[tuple[Job, Job, Action]], *writes: Write, relabelled: tuple[str, str] | None = None
    ) -> Job | None:
        """A person's acts in one transaction: all of them, or none and the job that is not as it was."""
        after: Job | None = None
        try:
            with self._writing() as connection:
                for before, after, action in steered:
                    if not acts.steer(connection, before, after):
                        raise _NotAsItWas(before)
                    self._run(connection, [Record(action)])
                if relabelled is not None:
                    acts.relabel(connection, *relabelled)
                self._run(connection, list(writes))
            return None
        except _NotAsItWas as changed:
            return changed.job
        except TwoOpenJobs as two:
            raise (OpenJobExists(after) if after is not None else two) from None

    def _run(self, connection: Connection, writes: list[Write]) -> None:
        for run in self._statements.arranged(writes):
            result = connection.exec_driver_sql(run.statement.sql, run.rows)
            if run.statement.hits_all and result.rowcount != len(run.rows):
                raise WriteRefused("what was to be changed is not in the ledger; nothing was recorded")

    def _in_chunks(self, query: Select[Any], tenant: str, stage: Stage, order_ids: Collection[str]) -> list[Job]:
        wanted = sorted(set(order_ids))
        found: list[Job] = []
        for start in range(0, len(wanted), CHUNK):
            found += self._jobs(query, of_tenant=tenant, of_stage=stage, orders=wanted[start : start + CHUNK])
        return found

    def _jobs(self, query: Select[Any], **values: object) -> list[Job]:
        return [Job.of_row(row) for row in self._rows(query, **values)]

    def _rows(self, query: Executable, **values: object) -> list[dict[str, Any]]:
        with self._reading() as connection:
            result = connection.execute(query, values)
            names = tuple(result.keys())
            return [dict(zip(names, row, strict=True)) for row in result]

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            raise LedgerError(f"the ledger ({self._database.place}) was opened for reading only")

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with sentences(self._database.place, self._database.hidden), self._database.reading.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction that writes; those of one process take turns here, not at the database's lock."""
        self._refuse_if_read_only()
        with (
            sentences(self._database.place, self._database.hidden),
            self._turn,
            self._database.writing.begin() as connection,
        ):
            yield connection


class _NotAsItWas(Exception):
    """Undoes a transaction of people's acts: this job has changed since it was looked at."""

    def __init__(self, job: Job) -> None:
        self.job = job
