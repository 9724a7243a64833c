"""Bringing a ledger's tables to this version, under a lock; refusing those of a later one."""

import threading
from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table, text

from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.database import Database
from shipperone_erp.ledger.file import refuse_another_programs
from shipperone_erp.ledger.schema import REVISION, VERSION_TABLE, compatible

LOCK = 7_255_011_873_420
"""The advisory lock in PostgreSQL; any number that nobody else uses."""

ONE_AT_A_TIME = threading.Lock()
"""Of a whole process, since Alembic's `op` and `context` are."""


def revision(connection: Connection) -> str | None:
    """The newest migration that this database has seen; None if it holds no ledger."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    return found


def check(database: Database) -> bool:
    """Whether this version can use the tables as they are: they are its own, or of a later version that allows it.

    LedgerError if they are of a later version that does not.
    """
    with database.reading.connect() as connection:
        found = revision(connection)
        later = found is not None and found > REVISION
        if later and inspect(connection).has_table(compatible.name):
            allowed = connection.scalar(select(compatible.c.from_revision))
            if allowed is not None and allowed <= REVISION:
                return True
        if found is None:
            refuse_another_programs(database.place, inspect(connection).get_table_names())
    if later:
        raise LedgerError(
            f"the ledger ({database.place}) was written by a later version of shipperone-erp (its schema is {found}, "
            f"this version knows {REVISION}); nothing was touched: install that version again",
            exit_code=78,
        )
    return found == REVISION


def is_earlier(database: Database) -> bool:
    """It holds a ledger, and one of an earlier version."""
    with database.reading.connect() as connection:
        found = revision(connection)
    return found is not None and found < REVISION


def migrate(database: Database) -> None:
    """Run every migration that is missing, in one transaction; another process that does the same is waited for."""
    # not at the top: it takes as long to import as everything else together, and a ledger is migrated once
    from alembic import command
    from alembic.config import Config

    configuration = Config()
    scripts = Path(__file__).parent / "migrations"
    configuration.set_main_option("script_location", str(scripts).replace("%", "%%"))
    with ONE_AT_A_TIME, database.writing.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        if (revision(connection) or "") < REVISION:
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, REVISION)
