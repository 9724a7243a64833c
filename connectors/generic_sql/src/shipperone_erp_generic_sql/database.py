"""The tenant's database: one engine, created at the first use; one transaction a step, repeated where that is safe."""

import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Dialect, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from shipperone_erp import Reason, Refused, Transient, Unknown
from shipperone_erp_generic_sql import address, step_lock
from shipperone_erp_generic_sql.errors import DatabaseFailed, Kind, mapped, meaning, read, without_values
from shipperone_erp_generic_sql.settings import GenericSqlSettings

AnswerT = TypeVar("AnswerT")

REPEATED_FOR = 8.0
"""Seconds for which a transaction that conflicts with others is repeated here; after that core retries."""

AT_MOST = {Kind.REPEAT: 50, Kind.TAKEN: 50, Kind.LOCKED: 1, Kind.AWAY: 1, Kind.DUPLICATE: 3}
"""The number of repetitions for each kind of refusal. A duplicate key that is not found belongs to another document."""


class Unmet(Refused):
    """A statement changed fewer or more rows than expected; its step is rolled back."""


_ANYONE = nullcontext()

_NOT_THERE_AFTER = {Kind.REPEAT, Kind.LOCKED, Kind.DUPLICATE, Kind.CONSTRAINT, Kind.RAISED, Kind.VALUE}
"""Refusals of a COMMIT after which the transaction is certainly not committed."""


class Database:
    """Connections to one database. Nothing is opened until the first step."""

    def __init__(self, settings: GenericSqlSettings) -> None:
        self.settings = settings
        self.dialect = settings.dialect
        self.name = address.identity(settings.url)
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def one_by_one(self, name: str, step: Callable[[Connection], AnswerT]) -> AnswerT:
        """`in_transaction`, and never two steps of that name at once on this database (see step_lock.py)."""
        with step_lock.in_this_process(self.name, name, self.settings.limits.silence):
            return self.in_transaction(step, alone=name)

    def in_transaction(self, step: Callable[[Connection], AnswerT], *, alone: str | None = None) -> AnswerT:
        """Run the step in a transaction, commit, and return its answer; on any exception everything is rolled back.

        The whole transaction is repeated after a deadlock or a serialization failure, and once after a lock time-out or
        a connection that was lost before COMMIT. After a duplicate key it is repeated as well, so that the step looks
        again (after a random pause if the duplicate is of a number one above the highest). A COMMIT whose response is
        lost raises `Unknown`. `alone`: the step that no other process may run at the same time.
        """
        ends = time.monotonic() + REPEATED_FOR
        met: Counter[Kind] = Counter()
        while True:
            try:
                with self.transaction(alone=alone) as connection:
                    return step(connection)
            except DatabaseFailed as failure:
                met[failure.kind] += 1
                often = AT_MOST.get(failure.kind, 0)
                if met[failure.kind] > often or time.monotonic() > ends:
                    raise failure.answer from None
            except Unmet:
                # without a lock from the start, another transaction may have changed the rows that it looked at
                met[Kind.CONSTRAINT] += 1
                if self.dialect.begin is not None or met[Kind.CONSTRAINT] > 1:
                    raise
            if met.total() > 1 or met[Kind.TAKEN]:
                time.sleep(random.uniform(0, min(0.5, 0.005 * 2 ** met.total())))  # noqa: S311

    @contextmanager
    def transaction(self, begin: str | None = None, *, alone: str | None = None) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by any exception inside (`DatabaseFailed`).

        `alone`: the step whose lock is held from the beginning of the transaction to its end.
        """
        with (
            self._opened(begin or self.dialect.begin) as connection,
            self._alone(connection, alone) if alone else _ANYONE,
        ):
            yield connection
            try:
                connection.commit()
            except DBAPIError as error:
                failure = self.failure(error, "commit", {})
                connection.invalidate(error)  # the remains of the transaction end with its connection
                if failure.kind in _NOT_THERE_AFTER:
                    raise failure from None
                raise Unknown(
                    f"the COMMIT got no answer ({failure.answer.sentence}): it may have taken effect"
                ) from None

    @contextmanager
    def _alone(self, connection: Connection, step: str) -> Iterator[None]:
        kind, errors = self.dialect.url, connection.dialect.loaded_dbapi.Error
        try:
            taken = step_lock.take(connection.connection.cursor(), kind, step, self.settings.limits.lock)
        except errors as error:
            raise self.refused(connection, error, f"{step} waits for another process to finish it", {}) from None
        if not taken:
            raise DatabaseFailed(Kind.LOCKED, step_lock.waited(step))
        try:
            yield
        finally:
            if not connection.invalidated:
                try:
                    step_lock.release(connection.connection.cursor(), kind, step)
                except errors as error:
                    connection.invalidate(error)  # the lock ends with the connection

    @contextmanager
    def rolled_back(self) -> Iterator[Connection]:
        """A transaction that is never committed."""
        with self._opened(self.dialect.begin) as connection:
            try:
                yield connection
            finally:
                if not connection.invalidated:
                    connection.rollback()

    def refused(
        self, connection: Connection, error: Any, doing: str, bound: Mapping[str, Any], *, numbering: bool = False
    ) -> DatabaseFailed:
        """The failure for an error of a driver's own cursor; a lost connection is discarded.

        `numbering`: the step takes a number one above the highest, so that a duplicate key may be that number.
        """
        driver = connection.connection.dbapi_connection
        lost = connection.dialect.is_disconnect(error, driver, None)
        if lost:
            connection.invalidate(error)
        return self._meaning(error, lost, doing, bound, numbering=numbering)

    def failure(self, error: DBAPIError, doing: str, bound: Mapping[str, Any]) -> DatabaseFailed:
        """The failure for a driver's error: by the merchant's `[errors]`, else by its code."""
        return self._meaning(error.orig, error.connection_invalidated, doing, bound)

    def _meaning(
        self, error: BaseException | None, lost: bool, doing: str, bound: Mapping[str, Any], *, numbering: bool = False
    ) -> DatabaseFailed:
        code = read(error, self.dialect.url)
        if lost and code.code is None:
            code = type(code)(None, Kind.AWAY, code.words)
        words = without_values(code.words, bound)
        if code.kind not in (Kind.REPEAT, Kind.AWAY):  # a rule applies to a duplicate only if it is not of the key
            for known, rule in self.settings.errors.items():
                if known == code.code or known.lower() in code.words.lower():
                    return mapped(rule.reason, rule.sentence or f"{doing}: {words}", rule.owner, code.kind)
        taken = numbering and code.kind is Kind.DUPLICATE
        return meaning(replace(code, kind=Kind.TAKEN) if taken else code, doing, words)

    def close(self) -> None:
        """Close all connections; the next transaction would open new ones."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    @property
    def engine(self) -> Engine:
        """The engine, created at the first use. `Refused` if the driver is not installed, with the command for it."""
        with self._lock:
            if self._engine is None:
                if not self.dialect.installed:
                    sentence = f"the driver {self.dialect.module} for {self.dialect.title} is not installed"
                    raise Refused(Reason.CONFIG_INCOMPLETE, f"{sentence}: {self.dialect.install}")
                self._engine = self._made()
            return self._engine

    def _opened(self, begin: str | None) -> Connection:
        """A connection in a transaction of its own; the caller must close it."""
        try:
            connection = self.engine.connect()
        except DBAPIError as error:
            raise self._unopened(error) from None
        except InvalidRequestError as error:  # raised where the server behind mariadb:// is MySQL
            sentence = f"{self.name} does not match its URL: {error}"
            raise Refused(Reason.CONFIG_INCOMPLETE, sentence) from None
        connection.begin()  # statements run on the driver's cursor, which SQLAlchemy does not see
        if begin is None:
            return connection
        try:
            connection.connection.cursor().execute(begin)
        except BaseException as error:
            with connection:
                if not isinstance(error, connection.dialect.loaded_dbapi.Error):
                    raise
                sentence = "the ERP's database cannot start a transaction"
                raise self.refused(connection, error, sentence, {}) from None
        return connection

    def _unopened(self, error: DBAPIError) -> DatabaseFailed:
        failure = self.failure(error, f"the ERP's database {self.name} cannot be opened", {})
        if failure.kind is Kind.MISTAKE:  # the database does not exist, or is out of space: an operator has to mend it
            return DatabaseFailed(Kind.MISTAKE, Transient(failure.answer.sentence))
        return failure

    def _made(self) -> Engine:
        # Core limits how many hooks run at once, so the pool does not. Parameters are hidden because they contain
        # the order, and an error's text may reach a log.
        options: dict[str, Any] = {"poolclass": QueuePool, "max_overflow": -1, "hide_parameters": True}
        # every transaction here ends by COMMIT or by ROLLBACK: another ROLLBACK would be a round trip without effect
        options["pool_reset_on_return"] = None
        settings, dialect = self.settings, self.dialect
        if dialect.url == "sqlite":
            return create_engine("sqlite://", creator=self._sqlite, **options)
        password = settings.password.get_secret_value() if settings.password else None
        engine = create_engine(
            address.resolved(settings.url, password),
            connect_args=dialect.arguments(settings.limits),
            isolation_level=settings.isolation or dialect.isolation,
            pool_recycle=1800,
            **options,
        )

        @event.listens_for(engine, "do_connect")
        def connected(driver: Dialect, record: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
            connection = driver.connect(*arguments, **named)
            dialect.settle(connection, settings.limits)
            return connection

        @event.listens_for(engine, "connect")
        def set_up(connection: Any, record: Any) -> None:
            cursor = connection.cursor()
            for statement in dialect.session(settings.limits):
                cursor.execute(statement)
            cursor.close()
            connection.commit()

        return engine

    def _sqlite(self) -> sqlite3.Connection:
        # mode=rw: a mistyped path must not create an empty ERP. isolation_level None: the driver begins no
        # transaction of its own; this package begins one, with the lock.
        path: Path = self.settings.path
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            timeout=self.settings.lock_timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        return connection
