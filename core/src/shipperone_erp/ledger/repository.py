"""The ledger itself: opened once a process, read from any thread, written by one."""

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
from shipperone_erp.ledger import integrity, leases, migrator, operator_actions, retention
from shipperone_erp.ledger.alert_records import AlertRecords
from shipperone_erp.ledger.backup import copy_sqlite
from shipperone_erp.ledger.database import Database, connect
from shipperone_erp.ledger.errors import OpenJobExists, TwoOpenJobs, WriteRefused, sentences
from shipperone_erp.ledger.fencing import lost_leases
from shipperone_erp.ledger.fleet_store import FleetStore
from shipperone_erp.ledger.leases import Held, Owner, Seen
from shipperone_erp.ledger.retention import Removed, Terms
from shipperone_erp.ledger.schema import (
    jobs,
)
from shipperone_erp.ledger.statements import statements
from shipperone_erp.ledger.unit_of_work import Entry, InsertJob, Record, SaveBinding, SaveQueue, UpdateJob, Write
from shipperone_erp.ledger.writer import Writer


class Ledger(AlertRecords):
    """Made by `open`. Reads block and may be called from any thread; `write` needs `start_writer` once before.

    Every method raises LedgerUnavailable while the database cannot be used.
    """

    def __init__(self, database: Database, *, read_only: bool) -> None:
        super().__init__(database)
        self._read_only = read_only
        self._turn = threading.Lock()
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
                current = migrator.check(database)
                if migrate and not current:
                    migrator.migrate(database)
                    current = migrator.check(database)
            if not current:
                raise LedgerError(
                    f"there is no ledger of this version in {database.place} yet; `shipperone-erp run` makes or "
                    "migrates it"
                )
        except BaseException:
            database.reading.dispose()
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
                database.reading.dispose()
            if earlier:
                return cls.open(f"sqlite:///{folder / 'ledger.db'}", migrate=True)
        return cls.open(url, read_only=True)

    @property
    def place(self) -> str:
        """Where it is kept, for people: a file, or a database and its host. No secret."""
        return self._database.place

    def fleet(self) -> FleetStore | None:
        """What a fleet of workers keeps beside the ledger; None on SQLite, where there is none."""
        return FleetStore(self._database) if self._database.reading.dialect.name == "postgresql" else None

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

    def try_take(
        self,
        name: str,
        owner: Owner,
        seen: Seen | None,
        lease_time: float,
        time: TimeSource = MACHINE_TIME,
    ) -> Lease | Held:
        """The lease under its next number if nobody holds it, or if its holder stood still for `lease_time` seconds.

        Else who holds it, and what to give as `seen` with the next call of the same process: its own clock counts.
        """
        with self._writing() as connection:
            return leases.try_take(connection, name, owner, seen, lease_time, time)

    def beat(self, held: Collection[Lease]) -> tuple[Lease, ...]:
        """Show that their holder lives; returns those that were taken over meanwhile."""
        with self._writing() as connection:
            lost = leases.beat(connection, held)
            self._database.verify(in_use=True)
            return lost

    def give_back(self, lease: Lease) -> None:
        """Let another take it at once; one that was taken over meanwhile is left alone."""
        with self._writing() as connection:
            leases.give_back(connection, lease)

    def others_hold(self, owner: Owner) -> bool:
        """Whether another process holds a lease of this ledger, alive or not."""
        with self._reading() as connection:
            return leases.others_hold(connection, owner)

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
                lost = lost_leases(connection, held)
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
            operator_actions.pause(connection, pause)
            self._run(connection, [Record(action)])

    def resume(self, pause: Pause, action: Action) -> bool:
        """Let it go on; False (nothing recorded) if it was not paused."""
        with self._writing() as connection:
            found = operator_actions.resume(connection, pause)
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

    def verify(self) -> None:
        """LedgerReplaced if its file was deleted, or replaced by another one, since this process opened it."""
        self._database.verify()

    def damage(self) -> Iterator[str]:
        """What is wrong with what is stored, a sentence each: the database's own check, then every row."""
        with sentences(self._database.place, self._database.hidden), self._database.reading.connect() as connection:
            yield from integrity.damage(connection)

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
                    if not operator_actions.steer(connection, before, after):
                        raise _NotAsItWas(before)
                    self._run(connection, [Record(action)])
                if relabelled is not None:
                    operator_actions.relabel(connection, *relabelled)
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
                raise WriteRefused("what was to be changed is not in the ledger; nothing was recorded")

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            raise LedgerError(f"the ledger ({self._database.place}) was opened for reading only")

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction that writes; those of one process take turns here, not at the database's lock."""
        self._refuse_if_read_only()
        self._database.verify()
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
