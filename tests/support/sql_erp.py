"""A shop's ERP on SQLite, PostgreSQL or MariaDB, made from a shipped recipe, and a generic_sql connector to it.

The connector logs in as a user that has the recipe's grants and nothing else.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from pathlib import Path
from typing import Any

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
from shipperone_erp_generic_sql.recipe import Recipe, recipe
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from sql_servers import DIALECTS, SqlDatabase, new_database, new_sqlite, server_url

TODAY = date(2026, 3, 2)
AMOUNTS = ("on_hand", "reserved", "qty", "shipped", "total", "shipping")
"""Columns that count millionths on SQLite."""


def statements(way: str, dialect: str) -> dict[str, Any]:
    """The settings of a shipped recipe."""
    return dict(tomllib.loads(recipe(way, dialect).toml)["tenants"]["acme"]["generic_sql"])


STATEMENTS = statements("guarded", "sqlite")
RECIPE = recipe("guarded", "sqlite")


def item(item_id: int, sku: str, qty: str = "1", total: str = "10.00", **fields: Any) -> OrderItem:
    return OrderItem(item_id=item_id, sku=sku, qty=D(qty), row_total_incl_tax=D(total), tax_percent=D(21), **fields)


def order(*items: OrderItem, order_id: str = "FO-1", shipping: str = "4.99") -> FulfillmentOrder:
    lines = items or (item(1, "MUG", "2", "20.00"), item(2, "TEA", "1", "4.50"))
    total = sum((line.row_total_incl_tax for line in lines), D(shipping))
    return FulfillmentOrder(order_id, "main", lines, "EUR", D(shipping), total)


class Erp:
    """The shop's database and a connector to it. `changed`: settings other than the recipe's."""

    def __init__(self, database: SqlDatabase, way: str = "guarded", **changed: object) -> None:
        self.database = database
        self.dialect = database.dialect
        self.statements = statements(way, database.dialect)
        login = {"url": database.url, **({"password": database.password} if database.password else {})}
        given = {**self.statements, **login, **changed}
        self.connector = GenericSqlConnector(GenericSqlSettings.model_validate(given), tenant="acme")
        for sku in ("MUG", "TEA"):
            self.stock(sku, 10)

    @property
    def file(self) -> Path:
        assert self.database.file is not None
        return self.database.file

    def ask(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run it as the owner. On SQLite an amount's name stands for its millionths, in pieces."""
        if self.dialect == "sqlite":
            amounts = "|".join(AMOUNTS)
            if sql.lstrip().upper().startswith("SELECT"):
                sql = re.sub(rf"\b({amounts})\b", r"(\1_micro / 1e6)", sql)
            else:
                sql = re.sub(rf"\b({amounts})\b", r"\1_micro", sql)
                values = {name: int(v * 10**6) if isinstance(v, D) else v for name, v in values.items()}
        return self.database.ask(sql, **values)

    def stock(self, sku: str, pieces: float, warehouse: str = "main") -> None:
        replaced = "ON CONFLICT (warehouse, sku) DO UPDATE SET on_hand = excluded.on_hand, reserved = 0"
        if self.dialect == "mariadb":
            replaced = "ON DUPLICATE KEY UPDATE on_hand = VALUES(on_hand), reserved = 0"
        insert = f"INSERT INTO stock (warehouse, sku, on_hand) VALUES (:w, :s, :n) {replaced}"
        self.ask(insert, w=warehouse, s=sku, n=D(str(pieces)))

    def on_hand_and_reserved(self, sku: str, warehouse: str = "main") -> tuple[Any, ...]:
        return self.ask("SELECT on_hand, reserved FROM stock WHERE sku = :s AND warehouse = :w", s=sku, w=warehouse)[0]

    def count(self, table: str) -> int:
        return int(self.ask(f"SELECT COUNT(*) FROM {table}")[0][0])

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
        found = self.ask("SELECT id FROM reservations WHERE job_key = :key", key=reserved_under)
        reference = f"R-{found[0][0]}" if found else "R-unknown"
        return self.connector.deliver(Deliver(key, what, (Reservation(reserved_under, reference, ids),)))


def set_up(database: SqlDatabase, made: Recipe) -> None:
    """The recipe's tables, procedures and grants, as printed; the login is there already."""
    database.script(made.ddl)
    database.script(made.setup)
    if database.dialect != "sqlite":
        database.script("".join(s for s in made.grants.splitlines(keepends=True) if not s.startswith("CREATE ")))


def empty(database: SqlDatabase) -> None:
    """As on the first day."""
    database.empty()
    if "counters" in database.made:
        database.ask("INSERT INTO counters (name, last) VALUES ('invoice', 0)")


MakeErp = Callable[..., Erp]


def make_erps(request: pytest.FixtureRequest, folder: Path, way: str, dialect: str) -> Iterator[MakeErp]:
    """Makes connectors to one fresh ERP of that way on that dialect."""
    made = recipe(way, dialect)
    if way == "inbox":  # the ERP's own tables, which the connector's login may not touch
        made = replace(made, ddl=recipe("guarded", dialect).ddl)
    if dialect == "sqlite":
        database = new_sqlite(folder)
        set_up(database, made)
        database.made = frozenset(database.tables())
    else:
        kept = request.getfixturevalue("kept_databases")
        if (way, dialect) not in kept:
            fresh = new_database(server_url(request, dialect))
            set_up(fresh, made)
            kept[way, dialect] = fresh
            fresh.made = frozenset(fresh.tables())
        database = kept[way, dialect]
        empty(database)
    erps: list[Erp] = []

    def make(**changed: object) -> Erp:
        erps.append(Erp(database, way, **changed))
        return erps[-1]

    yield make
    for erp in erps:
        erp.connector.close()


@pytest.fixture(params=DIALECTS)
def an_erp(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeErp]:
    """Makes connectors, with other settings than the recipe's if need be, to one ERP with guarded statements."""
    yield from make_erps(request, tmp_path, "guarded", request.param)


@pytest.fixture
def erp(an_erp: MakeErp) -> Erp:
    """The ERP with guarded statements, on each database in turn."""
    return an_erp()


@pytest.fixture(params=("postgresql", "mariadb"))
def erp_on_a_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Erp]:
    """One on each server in turn, for what SQLite, where writers wait at their start, does not show."""
    for make in make_erps(request, tmp_path, "guarded", request.param):
        yield make()


@pytest.fixture
def a_sqlite_erp(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeErp]:
    """The same on SQLite alone, for what is about settings and values and not about a server."""
    yield from make_erps(request, tmp_path, "guarded", "sqlite")


@pytest.fixture
def sqlite_erp(a_sqlite_erp: MakeErp) -> Erp:
    """One of them."""
    return a_sqlite_erp()
