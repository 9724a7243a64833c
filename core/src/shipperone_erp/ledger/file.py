"""The file of a SQLite ledger: private, and identified by its device and inode from its first opening on."""

import logging
import os
import sqlite3
import threading
from pathlib import Path

from shipperone_erp.kernel import private_files
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.database_errors import LedgerReplaced
from shipperone_erp.ledger.schema import VERSION_TABLE

LOG = logging.getLogger("shipperone_erp.ledger")

SHOWN = 5
"""The number of another program's tables that a refusal names at most."""


class LedgerFile:
    """One for a process that has a ledger open. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.beside = tuple(path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
        self._first: tuple[int, int] | None = None
        self._turn = threading.Lock()

    def make(self) -> None:
        """Create the file if it does not exist, readable by its owner alone; restrict the mode of this user's own file.

        LedgerError if the file is gone but SQLite's files beside it exist: a process may still use it.
        """
        leftover = self.orphaned_sqlite_file()
        if leftover is not None:
            raise LedgerError(
                f"there is no ledger at {self.path}, but {leftover.name} exists: it was deleted or moved. Nothing "
                "was started, since a process may still use it. Restore the ledger (for an earlier copy, then "
                f"run `shipperone-erp ledger restored`); to start with an empty one, remove {leftover.name} first",
                exit_code=78,
            )
        if not self.path.exists():
            private_files.create(self.path)
        for file in (self.path, *self.beside):
            if private_files.tighten(file):
                LOG.warning(
                    "%s was readable by other users, and contains personal data: its mode was set to 0600", file
                )

    def orphaned_sqlite_file(self) -> Path | None:
        """SQLite's file beside the ledger's, if that exists and the ledger's does not."""
        # check these files first: another process that creates the ledger now creates its file before them
        leftover = next((file for file in self.beside if file.exists()), None)
        return None if self.path.exists() else leftover

    def refuse_another_programs(self, connection: sqlite3.Connection) -> None:
        """LedgerError if the database holds tables and no ledger. Called before anything in it is changed."""
        found = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        refuse_another_programs(str(self.path), [name for name in found if not name.startswith("sqlite_")])

    def opened(self) -> None:
        """A connection was opened: it must be to the same file as the first one. LedgerReplaced if it is not."""
        with self._turn:
            if self._first is None:
                self._first = self._identity()
        self.verify()

    def verify(self, *, in_use: bool = False) -> None:
        """LedgerReplaced if the file of the first opening is no longer at its path.

        `in_use`: a connection is open, so SQLite's log must exist beside it.
        """
        if self._first is None:
            return
        try:
            replaced = self._identity() != self._first
        except FileNotFoundError:
            raise LedgerReplaced.at(str(self.path), "was deleted or moved") from None
        except OSError:  # not accessible now, for example on a network drive; SQLite reports it where it matters
            return
        if replaced:
            raise LedgerReplaced.at(str(self.path), "was replaced by another file")
        if in_use and not self.beside[0].exists():
            raise LedgerReplaced.at(str(self.path), f"lost {self.beside[0].name}, its newest part,")

    def _identity(self) -> tuple[int, int]:
        found = os.stat(self.path)
        return found.st_dev, found.st_ino


def refuse_another_programs(place: str, tables: list[str]) -> None:
    """LedgerError if a database has these tables, and the one of a ledger is not among them."""
    if tables and VERSION_TABLE not in tables:
        named = ", ".join(sorted(tables)[:SHOWN]) + (", …" if len(tables) > SHOWN else "")
        raise LedgerError(
            f"{place} is the database of another program (its tables: {named}); nothing was changed. Name another "
            "database for the ledger in [runtime]",
            exit_code=78,
        )
