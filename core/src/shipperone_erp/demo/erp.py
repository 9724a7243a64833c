"""The demo's ERP: the generic_sql connector's recipe in a SQLite file, and the people who work in that warehouse."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from shipperone_erp.demo.orders import Stock
from shipperone_erp.kernel import private_files
from shipperone_erp.kernel.errors import UsageError

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Counted:
    """What is in the ERP, counted there."""

    live_reservations: int
    drafts: int
    issued: int
    voided: int
    deliveries: int
    highest_number: int


class DemoErp:
    """One SQLite file. What it does by itself is what people do: receive goods, unload a transfer."""

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
        """Goods come in."""
        with closing(self._connect()) as connection, connection:
            connection.execute(
                "UPDATE stock SET on_hand_micro = on_hand_micro + ? WHERE warehouse = ? AND sku = ?",
                (pieces * MILLION, warehouse, sku),
            )

    def unload_transfers(self) -> None:
        """Every transfer arrives."""
        with closing(self._connect()) as connection, connection:
            connection.execute("UPDATE transfers SET arrived = 1 WHERE NOT arrived")

    def counted(self) -> Counted:
        """What is there now."""
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
