"""The ledger itself: opened once per process, read from any thread, written by one."""

import threading
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, select

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import Action, Binding, Lease, Pause, QueueRecord
from shipperone_erp.kernel.errors import LeaseLost, LedgerError
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.ledger import action_records, integrity, leases, migrator, retention
from shipperone_erp.ledger.alert_records import AlertRecords
from shipperone_erp.ledger.backup import copy_sqlite
from shipperone_erp.ledger.database import Database, connect
from shipperone_erp.ledger.database_errors import OpenJobExists, TwoOpenJobs, WriteRefused, sentences
from shipperone_erp.ledger.fleet_store import FleetStore
from shipperone_erp.ledger.leases import Held, Owner, Seen
from shipperone_erp.ledger.retention import Removed, Terms
from shipperone_erp.ledger.schema import jobs
from shipperone_erp.ledger.statements import statements
from shipperone_erp.ledger.unit_of_work import Entry, InsertJob, Record, SaveBinding, SaveQueue, UpdateJob, Write
from shipperone_erp.ledger.writer import Ended, Writer, future_of_one


class Ledger(AlertRecords):
    """Made by `open`. Reads block and may be called from any thread; `write` needs `start_writer` once before.

    Every method raises LedgerUnavailable while the database cannot be used.
    """

    def __init__(self, database: Database, *, read_only: bool) -> None:
        super().__init__(database)
        self.read_only = read_only
        self._turn = threading.Lock()
        self._writer = Writer(self.commit)

    @classmethod
    def open(cls, url: str, *, migrate: bool = False, read_only: bool = False) -> Self:
        """The ledger at `sqlite:///…` or `postgresql+psycopg://…`.

        LedgerError if it is of a later version; also if it is missing or of an earlier one, unless `migrate` brings it
        to this version (under a lock, so that several processes may do it at once). Opened `read_only`, the database
        itself refuses every write.
        """
        if migrate and read_only:
            raise ValueError("a ledger opened read-only is not migrated")
        database = connect(url, "read" if read_only else "create" if migrate else "write")
        try:
            with sentences(database.place, database.hidden):
                current = migrator.check(database)
                if migrate and not current:
                    migrator.migrate(database)
                    current = migrator.check(database)
            if not current:
                raise LedgerError(
                    f"there is no ledger of this version in {database.place} yet; `shipperone-erp run` creates "
                    "or migrates it"
                )
        except BaseException:
            database.close()
            raise
        return cls(database, read_only=read_only)

    @classmethod
    def open_for_reading(cls, url: str, folder: Path) -> Self:
        """The ledger as this version reads it, without a write to it.

        A SQLite ledger of an earlier version is copied into `folder`, and the copy is migrated. LedgerError else.
        """
        if url.startswith("sqlite:///"):
            database = connect(url, "read")
            try:
                with sentences(database.place, database.hidden):
                    earlier = migrator.is_earlier(database)
                    if earlier:
                        with database.reading.connect() as connection:
                            copy_sqlite(connection, folder / "ledger.db")
            finally:
                database.close()
            if earlier:
                return cls.open(f"sqlite:///{folder / 'ledger.db'}", migrate=True)
        return cls.open(url, read_only=True)

    @property
    def place(self) -> str:
        """Its location, for operators: a file, or a database and its host. No secret."""
        return self._database.place

    def fleet(self) -> FleetStore | None:
        """The store of a fleet of workers; None on SQLite, where a fleet is not possible."""
        return FleetStore(self._database) if self._database.reading.dialect.name == "postgresql" else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def try_take(
        self,
        name: str,
        owner: Owner,
        seen: Seen | None,
        lease_time: float,
        time: TimeSource = MACHINE_TIME,
    ) -> Lease | Held:
        """The lease with the next fencing token if it is free, or if its holder has stopped for `lease_time` seconds.

        Else the holder, and the value to pass as `seen` with the next call of the same process: its own clock counts.
        """
        with self._writing() as connection:
            return leases.try_take(connection, name, owner, seen, lease_time, time)

    def take_free(self, names: Collection[str], owner: Owner, time: TimeSource = MACHINE_TIME) -> list[Lease]:
        """Those of these leases that nobody holds, in one transaction; `try_take` waits for the others."""
        with self._writing() as connection:
            return leases.take_free(connection, names, owner, time)

    def beat(self, held: Collection[Lease]) -> tuple[Lease, ...]:
        """Renew the heartbeat of these leases; returns those that were taken over meanwhile."""
        with self._writing() as connection:
            lost = leases.beat(connection, held)
            self._database.verify(in_use=True)
            return lost

    def give_back(self, lease: Lease) -> None:
        """Free the lease at once; one that was taken over meanwhile is left alone."""
        with self._writing() as connection:
            leases.give_back(connection, lease)

    def others_hold(self, owner: Owner) -> bool:
        """Another process holds a lease of this ledger, alive or not."""
        with self._reading() as connection:
            return leases.others_hold(connection, owner)

    def start_writer(self) -> None:
        """Start the thread that commits the writes; once, before the first write."""
        self._writer.start()

    def write(self, *writes: Write, lease: Lease | None) -> Future[None]:
        """Queue writes that are committed together; the future ends once they are safe on the disk.

        Commits keep the order of the calls. The future's errors: LeaseLost (another process holds the lease),
        OpenJobExists, WriteRefused (no part of this call was recorded), LedgerUnavailable (the outcome is unknown). It
        cannot be cancelled. A failed call does not affect a later one.
        """
        future, ended = future_of_one()
        self.submit([Entry(writes, lease)], ended)
        return future

    def submit(self, entries: Sequence[Entry], ended: Ended) -> None:
        """`write` for many calls at once: `ended` is called in the writer's thread, once all of them have ended."""
        self._refuse_if_read_only()
        self._writer.put(entries, ended)

    def commit(self, batch: Sequence[Entry]) -> None:
        """Commit these entries in one transaction: the only way in which the entries of `write` are written.

        Entries whose lease is lost get LeaseLost and are left out. WriteRefused or LedgerUnavailable: nothing of the
        batch was recorded, and no entry was settled.
        """
        held = {entry.lease for entry in batch if entry.lease is not None}
        lost: set[Lease] = set()
        try:
            with self._writing() as connection:
                lost = leases.lost_leases(connection, held)
                self._run(connection, [write for entry in batch if entry.lease not in lost for write in entry.writes])
        except TwoOpenJobs:
            # the writer halves a larger batch until the entry at fault is alone
            for write in batch[0].writes:
                if isinstance(write, InsertJob | UpdateJob):
                    raise OpenJobExists(write.job) from None
            raise
        for entry in batch:
            if entry.lease in lost:
                entry.settle(LeaseLost(entry.lease.name))

    def steer(self, before: Job, after: Job, action: Action) -> bool:
        """Change a job by an operator's action, and record the action; False (nothing changed) if the job has changed.

        For a process that holds no lease: the job's state, step, time and attempts must still be those of `before`.
        """
        return self.steer_all([(before, after, action)]) is None

    def steer_all(self, steered: Sequence[tuple[Job, Job, Action]]) -> Job | None:
        """`steer` for many jobs, all or none; None, or the first job that has changed."""
        return self._acted(steered)

    def pause(self, pause: Pause, action: Action) -> None:
        """Pause a stage by an operator's action, at once; may be called twice."""
        with self._writing() as connection:
            action_records.pause(connection, pause)
            self._run(connection, [Record(action)])

    def resume(self, pause: Pause, action: Action) -> bool:
        """Resume the stage; False (nothing recorded) if it was not paused."""
        with self._writing() as connection:
            found = action_records.resume(connection, pause)
            if found:
                self._run(connection, [Record(action)])
            return found

    def act(self, action: Action) -> None:
        """Record an operator's action on a tenant."""
        self._acted((), Record(action))

    def rebind(
        self, tenant: str, binding: Binding, action: Action, *, dropped: Sequence[tuple[Job, Job, Action]] | None = None
    ) -> Job | None:
        """Replace the binding of this tenant's rows by an operator's action; with `dropped`, steer these jobs too.

        Without `dropped` the references are valid in the new ERP too, and are recorded as that ERP's. None, or the
        first of the `dropped` jobs that has changed (then nothing was changed).
        """
        relabelled = None if dropped is not None else (tenant, binding.identity)
        return self._acted(dropped or (), SaveBinding(tenant, binding), Record(action), relabelled=relabelled)

    def save_queue(self, record: QueueRecord) -> None:
        """Save the record of a queue at once, for an operator's action."""
        self._acted((), SaveQueue(record))

    def remove_old(self, terms: Terms, at: datetime) -> Removed:
        """Delete some expired records, in one short transaction; call again until nothing was deleted."""
        with self._reading() as connection:
            old = retention.old(connection, terms)
        if not old:
            return Removed()
        with self._writing() as connection:
            return retention.remove(connection, old, at)

    def backup(self, file: Path) -> None:
        """Copy a SQLite ledger at this moment, while others use it. LedgerError if that is not possible."""
        if self._database.reading.dialect.name != "sqlite":
            raise LedgerError("a ledger on PostgreSQL is copied with pg_dump, also while it is in use")
        with sentences(self._database.place, self._database.hidden), self._database.reading.connect() as connection:
            copy_sqlite(connection, file)

    def verify(self) -> None:
        """LedgerReplaced if its file was deleted, or replaced by another one, since this process opened it."""
        self._database.verify()

    def damage(self) -> Iterator[str]:
        """The damage in the ledger, a sentence each: the database's own check, then every row."""
        with sentences(self._database.place, self._database.hidden), self._database.reading.connect() as connection:
            yield from integrity.damage(connection)

    def can_write(self) -> None:
        """LedgerError if nothing can be written; writes nothing."""
        with self._writing() as connection:
            connection.execute(select(jobs.c.id).limit(0))

    def close(self) -> None:
        """Commit all queued writes and close the database."""
        self._writer.close()
        self._database.close()

    def _acted(
        self, steered: Sequence[tuple[Job, Job, Action]], *writes: Write, relabelled: tuple[str, str] | None = None
    ) -> Job | None:
        """An operator's changes in one transaction: all of them, or none and the job that has changed."""
        after: Job | None = None
        try:
            with self._writing() as connection:
                for before, after, action in steered:
                    if not action_records.steer(connection, before, after):
                        raise _NotAsItWas(before)
                    self._run(connection, [Record(action)])
                if relabelled is not None:
                    action_records.relabel(connection, *relabelled)
                self._run(connection, list(writes))
            return None
        except _NotAsItWas as changed:
            return changed.job
        except TwoOpenJobs as two:
            raise (OpenJobExists(after) if after is not None else two) from None

    def _run(self, connection: Connection, writes: list[Write]) -> None:
        for run in statements(self._database.writing.dialect.name).arranged(writes):
            result = connection.exec_driver_sql(run.statement.sql, run.rows)
            if run.statement.hits_all and result.rowcount != len(run.rows):
                raise WriteRefused("the row to be changed is not in the ledger; nothing was recorded")

    def _refuse_if_read_only(self) -> None:
        if self.read_only:
            raise LedgerError(f"the ledger ({self._database.place}) was opened for reading only")

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction that writes; those of one process wait here for each other, not at the database's lock."""
        self._refuse_if_read_only()
        self._database.verify()
        with (
            sentences(self._database.place, self._database.hidden),
            self._turn,
            self._database.writing.begin() as connection,
        ):
            yield connection


class _NotAsItWas(Exception):
    """Rolls back a transaction of operator actions: this job has changed since it was read."""

    def __init__(self, job: Job) -> None:
        self.job = job
