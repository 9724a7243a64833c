"""The harness by which `shipperone-erp connectors test generic_sql` tests the guarded recipe, on a SQLite file.

A merchant's own statements are tested the same way: subclass `GuardedHarness` with their tables and settings.
"""

import sqlite3
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from shipperone_erp import Capability
from shipperone_erp.testing import ConnectorHarness, ErpDocument, ErpLine
from shipperone_erp_generic_sql.recipe import recipe

MILLION = 1_000_000


class GuardedHarness(ConnectorHarness):
    """The guarded recipe's tables, accessed as their owner."""

    connector = "generic_sql"
    suite = "1.1"
    dialect: ClassVar[str] = "sqlite"
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability) - {
        Capability.UNITS,
        Capability.LOTS,
        Capability.BATCH,
    }
    """The capabilities of the recipe's tables; a merchant's statements may have more."""
    departures: ClassVar[Mapping[str, str]] = {
        "U5": "SQLite is a library in this very process: between it and the connector no answer can be lost",
        "L8": "a SQLite file has no users, and so none without rights",
    }

    @property
    def file(self) -> Path:
        return self.folder / "erp.db"

    @cached_property
    def owner(self) -> Engine:
        """The engine by which the harness reads and changes the database."""
        return create_engine(f"sqlite:///{self.file}", poolclass=NullPool, connect_args={"timeout": 20})

    def set_up(self) -> None:
        with closing(sqlite3.connect(self.file)) as erp:
            erp.executescript(recipe("guarded", "sqlite").ddl)

    def tear_down(self) -> None:
        self.mend_connection()
        self.owner.dispose()

    def settings(self) -> Mapping[str, Any]:
        return {**self.statements, "url": f"sqlite:///{self.file}", "lock_timeout": 0.3}

    @cached_property
    def statements(self) -> Mapping[str, Any]:
        """The recipe, as shipped."""
        made = tomllib.loads(recipe("guarded", self.dialect).toml)
        return dict(made["tenants"]["acme"]["generic_sql"])

    def add_product(self, sku: str, on_hand: Decimal, warehouse: str) -> None:
        place = {"sku": sku, "warehouse": warehouse, "pieces": self._stored(on_hand)}
        column = self._column("on_hand")
        where = "WHERE sku = :sku AND warehouse = :warehouse"
        if self._ask(f"SELECT 1 FROM stock {where}", sku=sku, warehouse=warehouse):  # noqa: S608
            self._ask(f"UPDATE stock SET {column} = :pieces {where}", **place)  # noqa: S608
        else:
            self._ask(f"INSERT INTO stock (warehouse, sku, {column}) VALUES (:warehouse, :sku, :pieces)", **place)  # noqa: S608

    def on_hand(self, sku: str, warehouse: str) -> Decimal:
        return self._stock("on_hand", sku, warehouse)

    def reserved(self, sku: str, warehouse: str) -> Decimal:
        return self._stock("reserved", sku, warehouse)

    def documents(self, key: str) -> Sequence[ErpDocument]:
        held = self._ask("SELECT id, state FROM reservations WHERE job_key = :key", key=key)
        invoices = self._ask(
            f"SELECT id, state, number, {self._column('total')}, currency FROM invoices WHERE job_key = :key",  # noqa: S608
            key=key,
        )
        return [
            *(ErpDocument("reservation", state, f"R-{number}") for number, state in held),
            *(
                ErpDocument(
                    "invoice",
                    state,
                    f"I-{row}",
                    None if number is None else str(number),
                    self._read(amount),
                    currency,
                    lines=self._lines(key),
                )
                for row, state, number, amount, currency in invoices
            ),
        ]

    def _lines(self, key: str) -> tuple[ErpLine, ...]:
        rows = self._ask(
            f"SELECT item_id, sku, {self._column('qty')}, {self._column('total')}, tax_percent FROM invoice_lines"  # noqa: S608
            " WHERE invoice_key = :key",
            key=key,
        )
        return tuple(
            ErpLine(item_id, sku, self._read(qty), self._read(total), None if tax is None else Decimal(tax))
            for item_id, sku, qty, total, tax in rows
        )

    def arrive(self, key: str) -> None:
        self._ask("UPDATE transfers SET arrived = TRUE WHERE reservation_key = :key", key=key)

    def change_draft(self, key: str) -> None:
        column = self._column("total")
        cent = self._stored(Decimal("0.01"))
        self._ask(f"UPDATE invoices SET {column} = {column} + :cent WHERE job_key = :key", key=key, cent=cent)  # noqa: S608

    def cancel(self, key: str) -> None:
        """Release the goods, so that no document of the key is live any more."""
        reserved, qty, shipped = (self._column(name) for name in ("reserved", "qty", "shipped"))
        self._ask(
            f"UPDATE stock SET {reserved} = {reserved} - (SELECT SUM(l.{qty} - l.{shipped}) FROM reservation_lines l"  # noqa: S608
            " WHERE l.reservation_key = :key AND l.warehouse = stock.warehouse AND l.sku = stock.sku)"
            " WHERE EXISTS (SELECT 1 FROM reservation_lines l WHERE l.reservation_key = :key"
            " AND l.warehouse = stock.warehouse AND l.sku = stock.sku)",
            key=key,
        )
        self._ask("DELETE FROM transfers WHERE reservation_key = :key", key=key)
        self._ask("UPDATE reservations SET state = 'voided' WHERE job_key = :key", key=key)
        self._ask("UPDATE invoices SET state = 'voided' WHERE job_key = :key", key=key)

    def fail_commit(self) -> None:
        """Keep a read transaction open: SQLite can write, but not commit."""
        self._lock = sqlite3.connect(self.file, isolation_level=None, timeout=20, check_same_thread=False)
        self._lock.execute("BEGIN")
        self._lock.execute("SELECT * FROM stock").fetchall()

    def break_connection(self) -> None:
        """A file does not disappear under an open connection; the equivalent failure is a process that locks it."""
        self.stall_connection()

    def stall_connection(self) -> None:
        self._lock = sqlite3.connect(self.file, isolation_level=None, timeout=20, check_same_thread=False)
        self._lock.execute("BEGIN EXCLUSIVE")

    def mend_connection(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    _lock: sqlite3.Connection | None = None

    def _stock(self, name: str, sku: str, warehouse: str) -> Decimal:
        sql = f"SELECT {self._column(name)} FROM stock WHERE sku = :sku AND warehouse = :warehouse"  # noqa: S608
        rows = self._ask(sql, sku=sku, warehouse=warehouse)
        return self._read(rows[0][0]) or Decimal(0) if rows else Decimal(0)

    def _ask(self, sql: str, **values: Any) -> list[Any]:
        with self.owner.begin() as erp:
            result = erp.execute(text(sql), values)
            return list(result) if result.returns_rows else []

    def _column(self, name: str) -> str:
        """On SQLite amounts are whole millionths, since it has no exact decimals."""
        return f"{name}_micro" if self.dialect == "sqlite" else name

    def _stored(self, amount: Decimal) -> Decimal | int:
        return int(amount * MILLION) if self.dialect == "sqlite" else amount

    def _read(self, stored: Any) -> Decimal | None:
        if stored is None:
            return None
        return Decimal(stored) / MILLION if self.dialect == "sqlite" else Decimal(stored)
