"""The demo's ERP: the recipe of generic_sql in a SQLite file, and the simulated staff of its warehouse."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from shipperone_erp.demo.sample_orders import Stock
from shipperone_erp.kernel import private_files
from shipperone_erp.kernel.errors import UsageError

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Counted:
    """The contents of the ERP's tables."""

    live_reservations: int
    drafts: int
    issued: int
    voided: int
    deliveries: int
    highest_number: int


class DemoErp:
    """One SQLite file. It simulates the staff: receiving goods, unloading a transfer."""

    def __init__(self, file: Path, stocked: Iterable[Stock]) -> None:
        try:
            from shipperone_erp_generic_sql import recipe
        except ImportError:
            raise UsageError(
                "the demo needs the generic_sql connector: pip install shipperone-erp-generic-sql"
            ) from None
        private_files.create(file)
        self._file = file
        self.recipe = recipe("guarded", "sqlite")
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(self.recipe.ddl)
            connection.executemany(
                "INSERT INTO stock (warehouse, sku, on_hand_micro) VALUES (?, ?, ?)",
                [(entry.warehouse, entry.sku, entry.pieces * MILLION) for entry in stocked],
            )
            connection.commit()

    def receive(self, warehouse: str, sku: str, pieces: int) -> None:
        """Add received goods."""
        with closing(self._connect()) as connection, connection:
            connection.execute(
                "UPDATE stock SET on_hand_micro = on_hand_micro + ? WHERE warehouse = ? AND sku = ?",
                (pieces * MILLION, warehouse, sku),
            )

    def unload_transfers(self) -> None:
        """Complete every transfer."""
        with closing(self._connect()) as connection, connection:
            connection.execute("UPDATE transfers SET arrived = 1 WHERE NOT arrived")

    def counted(self) -> Counted:
        """The present contents."""
        with closing(self._connect()) as connection:
            row = connection.execute(
                """SELECT (SELECT COUNT(*) FROM reservations WHERE state = 'live'),
                          (SELECT COUNT(*) FROM invoices WHERE state = 'draft'),
                          (SELECT COUNT(*) FROM invoices WHERE state = 'issued'),
                          (SELECT COUNT(*) FROM invoices WHERE state = 'voided'),
                          (SELECT COUNT(*) FROM deliveries),
                          (SELECT COALESCE(MAX(number), 0) FROM invoices)"""
            ).fetchone()
        return Counted(*row)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=10)
