"""The engine of a ledger: SQLite in WAL with `synchronous=FULL`, or PostgreSQL through psycopg 3."""

import logging
import sqlite3
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.file import LedgerFile

Access = Literal["create", "write", "read"]

BUSY = 30.0
"""Seconds to wait for another process's write in the same ledger."""

READER_CACHE, WRITER_CACHE = 512, 8192
"""KiB of pages that a connection to SQLite keeps: at most, and of those alone that it has used."""

LOG = "ledger"
"""The engine logs under this name and nothing below a warning, whatever else is enabled: rows hold personal data."""

PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "application_name": "shipperone-erp",
}
"""PostgreSQL options that the URL does not set: a failed machine is detected within half a minute."""


@dataclass(frozen=True, slots=True, eq=False)
class Database:
    """An engine to read with and one to write with; `place` names it without secrets."""

    place: str
    hidden: tuple[str, ...]
    reading: Engine
    writing: Engine
    file: LedgerFile | None = None

    def close(self) -> None:
        """Close all connections."""
        self.reading.dispose()
        self.writing.dispose()

    def verify(self, *, in_use: bool = False) -> None:
        """LedgerReplaced if it is a file, and not the one of its first opening."""
        if self.file is not None:
            self.file.verify(in_use=in_use)


def connect(url: str, access: Access) -> Database:
    """The database at this URL; nothing is connected yet. LedgerError if no ledger is possible there.

    With access `read` the database itself refuses every write.
    """
    logging.getLogger(f"sqlalchemy.engine.Engine.{LOG}").setLevel(logging.WARNING)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise _unusable() from None
    driver = parsed.drivername
    if driver in ("sqlite", "sqlite+pysqlite"):
        if "?" in url:
            raise LedgerError("the ledger's URL must name a file only, without a `?`", exit_code=78)
        return _sqlite(parsed, access)
    if driver in ("postgresql", "postgresql+psycopg"):
        return _postgresql(parsed, access)
    raise _unusable()


def _unusable() -> LedgerError:
    return LedgerError(
        "the ledger's URL cannot be used; write sqlite:///shipperone-erp.db or postgresql+psycopg://user@host/database",
        exit_code=78,
    )


def _sqlite(url: URL, access: Access) -> Database:
    if not url.database or url.database == ":memory:":
        raise LedgerError("the ledger's URL must name a file: sqlite:///shipperone-erp.db", exit_code=78)
    path = Path(url.database).absolute()
    if path.is_dir():
        raise LedgerError(f"the ledger's URL must name a file, and {path} is a directory", exit_code=78)
    if access == "create" and not path.parent.is_dir():
        raise LedgerError(f"the ledger cannot be created: the directory {path.parent} does not exist", exit_code=78)
    file = LedgerFile(path)
    if access == "create":
        file.make()
    elif not path.exists():
        raise LedgerError(_none_at(file))
    mode = "ro" if access == "read" else "rw"

    def opened(cache: int) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=32,
        )
        try:
            file.opened()
            if access != "read":
                _write_ahead(connection, file)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA cache_size=-{cache}")
            # erased data are overwritten, whatever SQLite's build options: programs other than SQLite read the file too
            connection.execute("PRAGMA secure_delete=ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def engine(cache: int, begin: str, **pool: int) -> Engine:
        creator = partial(opened, cache)
        made = create_engine(
            "sqlite://", creator=creator, poolclass=QueuePool, hide_parameters=True, logging_name=LOG, **pool
        )

        @event.listens_for(made, "begin")
        def begun(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return made

    # One connection for all writes of the process, which take turns anyway: SQLite drops a connection's cache when
    # another one has written. IMMEDIATE: a transaction that reads first and then writes fails instead of waiting for
    # another's write.
    writing = engine(WRITER_CACHE, "BEGIN IMMEDIATE", pool_size=1, max_overflow=0)
    return Database(str(path), (), engine(READER_CACHE, "BEGIN"), writing, file)


def _none_at(file: LedgerFile) -> str:
    if file.orphaned_sqlite_file() is not None:
        return (
            f"there is no ledger at {file.path}, but files that belong to one: it was deleted or moved. A process that "
            "still uses it stops automatically. Do not start another process; restore the ledger file"
        )
    return (
        f"there is no ledger at {file.path} yet; `shipperone-erp run` creates it. If there was one, restore it first: "
        "a new ledger has no record of what was done"
    )


def _write_ahead(connection: sqlite3.Connection, file: LedgerFile) -> None:
    """Switch a file to WAL, once. When two processes open a new file, SQLite reports it locked to one: retry."""
    until = time.monotonic() + BUSY
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            file.refuse_another_programs(connection)
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _postgresql(url: URL, access: Access) -> Database:
    url = url.set(drivername="postgresql+psycopg")
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            logging_name=LOG,
            pool_pre_ping=True,
            connect_args={name: value for name, value in PATIENCE.items() if name not in url.query},
        )
    except ModuleNotFoundError:
        raise LedgerError(
            "a ledger on PostgreSQL needs psycopg: pip install 'shipperone-erp[postgresql]'", exit_code=78
        ) from None

    @event.listens_for(engine, "connect")
    def opened(connection: Any, record: object) -> None:
        connection.autocommit = True
        # a process that hangs in the middle of a transaction must not block its successor for ever
        connection.execute("SET idle_in_transaction_session_timeout = '10s'")
        connection.execute(f"SET lock_timeout = '{BUSY:.0f}s'")
        if access == "read":
            connection.execute("SET default_transaction_read_only = on")
        connection.autocommit = False

    host = url.host or url.query.get("host") or "this machine"
    hidden = (url.password, *(value for name, value in url.query.items() if "password" in name))
    place = f"database {url.database} on {host}"
    return Database(place, tuple(str(secret) for secret in hidden if secret), engine, engine)
