"""A complete copy of a SQLite ledger, made while it is in use."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from shipperone_erp.kernel import private_files
from shipperone_erp.kernel.errors import LedgerError


def copy_sqlite(connection: Connection, file: Path) -> None:
    """The copy appears under its name only once it is complete and on the disk. LedgerError if the file exists."""
    if file.exists():
        raise LedgerError(f"{file} exists already; nothing was overwritten")
    source = connection.connection.dbapi_connection
    if not isinstance(source, sqlite3.Connection):
        raise LedgerError("this is not a SQLite ledger")
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        private_files.create(unfinished)
        with closing(sqlite3.connect(unfinished)) as copy:
            source.backup(copy)
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(file)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise LedgerError(f"the ledger cannot be copied to {file}: {error}") from None
