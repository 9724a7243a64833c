"""The honest ERP's harness: a fresh file for each case, and a gate that can be closed."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from honest_erp import SCHEMA
from honest_gate import PASSWORD
from honest_stock import THOUSAND, thousandths

from shipperone_erp.testing import ConnectorHarness, ErpDocument, ErpLine


class HonestHarness(ConnectorHarness):
    """Looks into the SQLite file directly."""

    connector = "honest"
    suite = "1.1"
    deadline = 10.0

    def set_up(self) -> None:
        with closing(sqlite3.connect(self.file)) as erp:
            erp.execute("PRAGMA journal_mode=WAL")
            erp.executescript(SCHEMA)

    @property
    def file(self) -> Path:
        return self.folder / "erp.db"

    def settings(self) -> Mapping[str, Any]:
        return {"database": str(self.file), "password": PASSWORD, "patience": 1.0}

    def add_product(self, sku: str, on_hand: Decimal, warehouse: str) -> None:
        self._ask(
            "INSERT INTO stock (warehouse, sku, on_hand) VALUES (?, ?, ?)"
            " ON CONFLICT (warehouse, sku) DO UPDATE SET on_hand = excluded.on_hand",
            warehouse, sku, thousandths(on_hand),
        )  # fmt: skip

    def on_hand(self, sku: str, warehouse: str) -> Decimal:
        return self._sum("on_hand", sku, warehouse)

    def reserved(self, sku: str, warehouse: str) -> Decimal:
        return self._sum("reserved", sku, warehouse)

    def documents(self, key: str) -> Sequence[ErpDocument]:
        held = self._ask("SELECT state FROM reservations WHERE key = ?", key)
        invoices = self._ask("SELECT state, number, total, currency, party FROM invoices WHERE key = ?", key)
        rows = self._ask("SELECT item_id, sku, qty, total, tax FROM invoice_lines WHERE key = ?", key)
        lines = tuple(ErpLine(item_id, sku, *map(Decimal, figures)) for item_id, sku, *figures in rows)
        return [
            *(ErpDocument("reservation", state, f"R-{key}") for (state,) in held),
            *(
                ErpDocument(
                    "invoice",
                    state,
                    f"I-{key}",
                    str(number) if number else None,
                    Decimal(total),
                    currency,
                    party,
                    lines,
                )
                for state, number, total, currency, party in invoices
            ),
        ]

    def arrive(self, key: str) -> None:
        for item_id, destination in self._ask("SELECT item_id, destination FROM transfers WHERE key = ?", key):
            line = self._ask(
                "SELECT warehouse, sku, qty FROM reserved_lines WHERE key = ? AND item_id = ?", key, item_id
            )
            ((source, sku, qty),) = line
            self.add_product(sku, self.on_hand(sku, destination) + Decimal(qty) / THOUSAND, destination)
            for change, warehouse in ((-qty, source), (qty, destination)):
                self._ask(
                    "UPDATE stock SET reserved = reserved + ? WHERE sku = ? AND warehouse = ?", change, sku, warehouse
                )
            self._ask("UPDATE stock SET on_hand = on_hand - ? WHERE sku = ? AND warehouse = ?", qty, sku, source)
            self._ask(
                "UPDATE reserved_lines SET warehouse = ? WHERE key = ? AND item_id = ?", destination, key, item_id
            )
            self._ask("UPDATE transfers SET arrived = 1 WHERE key = ? AND item_id = ?", key, item_id)

    def change_draft(self, key: str) -> None:
        ((total,),) = self._ask("SELECT total FROM invoices WHERE key = ?", key)
        self._ask("UPDATE invoices SET total = ? WHERE key = ?", str(Decimal(total) + Decimal("0.01")), key)

    def cancel(self, key: str) -> None:
        rows = self._ask("SELECT warehouse, sku, qty - shipped FROM reserved_lines WHERE key = ?", key)
        for warehouse, sku, qty in rows:
            self._ask("UPDATE stock SET reserved = reserved - ? WHERE warehouse = ? AND sku = ?", qty, warehouse, sku)
        self._ask("UPDATE reservations SET state = 'voided' WHERE key = ?", key)
        self._ask("UPDATE invoices SET state = 'voided' WHERE key = ?", key)

    def add_indivisible(self, sku: str, on_hand: Decimal, warehouse: str) -> None:
        self.add_product(sku, on_hand, warehouse)
        self._ask("INSERT INTO whole_pieces VALUES (?)", sku)

    def fail_commit(self) -> None:
        self._gate("failing")

    def revoke_rights(self) -> None:
        self._gate("powerless")

    def break_connection(self) -> None:
        self._gate("down")

    def stall_connection(self) -> None:
        self._gate("silent")

    def lose_answer(self) -> None:
        self._gate("lossy")

    def mend_connection(self) -> None:
        self._gate("")

    def _gate(self, state: str) -> None:
        Path(f"{self.file}.gate").write_text(state)

    def _sum(self, column: str, sku: str, warehouse: str) -> Decimal:
        rows = self._ask(f"SELECT {column} FROM stock WHERE sku = ? AND warehouse = ?", sku, warehouse)
        return Decimal(rows[0][0]) / THOUSAND if rows else Decimal(0)

    def _ask(self, sql: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.file, timeout=20)) as erp, erp:
            return erp.execute(sql, values).fetchall()
