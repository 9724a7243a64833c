"""Migrates a ledger's tables to this version, under a lock; refuses those of a later version."""

import threading
from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table, text

from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.database import Database
from shipperone_erp.ledger.file import refuse_another_programs
from shipperone_erp.ledger.schema import REVISION, VERSION_TABLE, compatible

LOCK = 7_255_011_873_420
"""The advisory lock in PostgreSQL; a number that nothing else uses."""

ONE_AT_A_TIME = threading.Lock()
"""One lock for the process, since Alembic's `op` and `context` are global."""


def revision(connection: Connection) -> str | None:
    """The newest migration applied to this database; None if it holds no ledger."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    return found


def check(database: Database) -> bool:
    """True if this version can use the tables: they are its own, or of a later version that allows it.

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
            f"this version knows {REVISION}); nothing was changed: install that version again",
            exit_code=78,
        )
    return found == REVISION


def is_earlier(database: Database) -> bool:
    """The database holds a ledger of an earlier version."""
    with database.reading.connect() as connection:
        found = revision(connection)
    return found is not None and found < REVISION


def migrate(database: Database) -> None:
    """Run every missing migration, in one transaction; waits for another process that does the same."""
    # not at module level: the import takes as long as all others together, and a ledger is rarely migrated
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
