"""A shop's SQLite file, made from the shipped recipe, and a generic_sql connector to it."""

import sqlite3
import tomllib
from contextlib import closing
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import pytest

from shipperone_erp import (
    BuildInvoice,
    Deliver,
    DiscardInvoice,
    FulfillmentOrder,
    IssueInvoice,
    OrderItem,
    ReleaseStock,
    Reservation,
    ReserveStock,
)
from shipperone_erp_generic_sql.connector import GenericSqlConnector
from shipperone_erp_generic_sql.recipe import recipe
from shipperone_erp_generic_sql.settings import GenericSqlSettings

RECIPE = recipe("sqlite")
STATEMENTS = tomllib.loads(RECIPE.toml)["tenants"]["acme"]["generic_sql"]
TODAY = date(2026, 3, 2)


def item(item_id: int, sku: str, qty: str = "1", total: str = "10.00", **fields) -> OrderItem:
    return OrderItem(item_id=item_id, sku=sku, qty=D(qty), row_total_incl_tax=D(total), tax_percent=D(21), **fields)


def order(*items: OrderItem, order_id: str = "FO-1", shipping: str = "4.99") -> FulfillmentOrder:
    lines = items or (item(1, "MUG", "2", "20.00"), item(2, "TEA", "1", "4.50"))
    total = sum((line.row_total_incl_tax for line in lines), D(shipping))
    return FulfillmentOrder(order_id, "main", lines, "EUR", D(shipping), total)


class Erp:
    """The shop's SQLite file and a connector to it."""

    def __init__(self, folder: Path, **changed: object) -> None:
        self.file = folder / "erp.db"
        if not self.file.exists():
            with closing(sqlite3.connect(self.file)) as db:
                db.execute("PRAGMA journal_mode=WAL")
                db.executescript(RECIPE.ddl)
        given = {**STATEMENTS, "url": f"sqlite:///{self.file}", **changed}
        self.connector = GenericSqlConnector(GenericSqlSettings.model_validate(given), tenant="acme")
        for sku in ("MUG", "TEA"):
            self.stock(sku, 10)

    def ask(self, sql: str, *values: object) -> list:
        with closing(sqlite3.connect(self.file, timeout=20)) as db, db:
            return db.execute(sql, values).fetchall()

    def stock(self, sku: str, pieces: float, warehouse: str = "main") -> None:
        self.ask(
            "INSERT OR REPLACE INTO stock (warehouse, sku, on_hand_micro) VALUES (?, ?, ?)",
            warehouse,
            sku,
            int(pieces * 10**6),
        )

    def on_hand_and_reserved(self, sku: str, warehouse: str = "main") -> tuple[float, float]:
        sql = "SELECT on_hand_micro / 1e6, reserved_micro / 1e6 FROM stock WHERE sku = ? AND warehouse = ?"
        return self.ask(sql, sku, warehouse)[0]

    def reserve(self, what: FulfillmentOrder, key: str = "a-1", transfer: str = "arrived"):
        return self.connector.reserve_stock(ReserveStock(key, what, 1, transfer))

    def release(self, what: FulfillmentOrder, key: str = "a-1"):
        return self.connector.release_stock(ReleaseStock(key, None, what))

    def build(self, what: FulfillmentOrder, key: str = "i-1"):
        return self.connector.build_invoice(BuildInvoice(key, what, 1, TODAY, ()))

    def issue(self, built, what: FulfillmentOrder, key: str = "i-1"):
        return self.connector.issue_invoice(IssueInvoice(key, built, what, TODAY))

    def discard(self, what: FulfillmentOrder, key: str = "i-1"):
        return self.connector.discard_invoice(DiscardInvoice(key, None, what, "it changed"))

    def deliver(self, what: FulfillmentOrder, key: str = "i-1", reserved_under: str = "a-1"):
        ids = tuple(line.item_id for line in what.items)
        held = (Reservation(reserved_under, "R-1", ids),)
        return self.connector.deliver(Deliver(key, what, held))


@pytest.fixture
def erp(tmp_path):
    made = Erp(tmp_path)
    yield made
    made.connector.close()
