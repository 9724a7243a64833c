"""The tenant's database: one engine, made when first needed; one transaction a step; what its errors mean."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from shipperone_erp import ConnectorError, Reason, Refused, Transient, Unknown

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_AWAY = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_INTERRUPT,
}
_DENIED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


class Conflict(Exception):
    """A constraint refused a statement. Whether it is the key's, only a second look tells; if not: `refusal`."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


def meaning(error: DBAPIError, doing: str) -> ConnectorError | Conflict:
    """What to raise for a driver's error; the sentence holds the driver's words and never a value that was bound."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    kind = None if code is None else code & 0xFF
    sentence = f"{doing}: {error.orig}"
    if isinstance(error, IntegrityError):
        return Conflict(Refused(Reason.ERP_REFUSED, f"{sentence}; everything of this step was rolled back"))
    if kind in _BUSY:
        return Transient(f"{sentence}; another program is writing")
    if kind in _AWAY:
        return Transient(sentence)
    if kind in _DENIED:
        return Refused(Reason.ERP_ACCESS_DENIED, f"{sentence}; let this process write to the file and its folder")
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Refused(Reason.ERP_REFUSED, sentence)
    return Refused(Reason.CONFIG_INCOMPLETE, f"{sentence}; the statement and the database do not fit each other")


@contextmanager
def undone_if_it_fails(connection: Connection) -> Iterator[None]:
    """A savepoint: what is raised inside takes back what was written since.

    A full disk, among others, makes SQLite end the whole transaction by itself. Its savepoint is gone then, and going
    back to it would hide what was raised.
    """
    savepoint = connection.begin_nested()
    try:
        yield
    except BaseException:
        if getattr(connection.connection.dbapi_connection, "in_transaction", True):
            savepoint.rollback()
        raise
    savepoint.commit()


class Database:
    """Connections to one SQLite file. Nothing is opened until the first step; a missing file is never created."""

    def __init__(self, path: Path, *, lock_timeout: float) -> None:
        self.path = path
        self._lock_timeout = lock_timeout
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    @contextmanager
    def transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by anything that is raised inside.

        It takes the write lock at its start: what a step has looked at stays true until it has written. A COMMIT whose
        answer is lost raises `Unknown`; whatever else fails raises with nothing kept.
        """
        with self._connection(begin) as connection:
            yield connection
            try:
                connection.commit()
            except DBAPIError as error:
                cause = meaning(error, "commit")
                if isinstance(cause, Conflict):
                    raise cause from error
                if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _BUSY:
                    raise cause from error
                raise Unknown(f"the COMMIT was not answered ({error.orig}): the effect may be there") from error

    def close(self) -> None:
        """Close what is open; the next transaction would open it again."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    @contextmanager
    def _connection(self, begin: str) -> Iterator[Connection]:
        try:
            connection = self._opened().connect()
        except DBAPIError as error:
            raise meaning(error, f"the ERP's database {self.path} cannot be opened") from error
        with connection:
            try:
                connection.exec_driver_sql(begin)
            except DBAPIError as error:
                raise meaning(error, "the ERP's database cannot start a transaction") from error
            yield connection

    def _opened(self) -> Engine:
        with self._lock:
            if self._engine is None:
                # Core bounds how many hooks run at once, so the pool does not. Parameters are hidden because what is
                # bound is the order, and an error's text may reach a log.
                self._engine = create_engine(
                    "sqlite://", creator=self._connect, poolclass=QueuePool, max_overflow=-1, hide_parameters=True
                )
            return self._engine

    def _connect(self) -> sqlite3.Connection:
        # mode=rw: a mistyped path must not become an empty ERP. isolation_level None: the driver begins no
        # transaction of its own; ours starts with the lock.
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode=rw",
            uri=True,
            timeout=self._lock_timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        return connection
