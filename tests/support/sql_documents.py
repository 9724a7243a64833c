"""An ERP that keeps documents (orders, lines, allocations, movements) on a real server, and a connector to it."""

from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any

import pytest

from shipperone_erp import (
    BuildInvoice,
    Deliver,
    DiscardInvoice,
    FulfillmentOrder,
    IssueInvoice,
    ReleaseStock,
    Reservation,
    ReserveStock,
)
from shipperone_erp_generic_sql import GenericSqlConnector, GenericSqlSettings
from shipperone_erp_generic_sql.recipe import recipe
from sql_erp import TODAY, order, set_up, statements
from sql_servers import SqlDatabase, new_database, server_url

SERVERS = ("postgresql", "mariadb")


class DocumentsErp:
    """The tables of the recipe `documents` and connectors to them. Goods: MUG and TEA, ten of each in main."""

    def __init__(self, database: SqlDatabase) -> None:
        self.database = database
        self.dialect = database.dialect
        self.ask = database.ask
        self.statements = statements("documents", database.dialect)
        self.connectors: list[GenericSqlConnector] = []
        database.empty()
        self.ask("INSERT INTO number_ranges (name, prefix, last) VALUES ('invoice', 'FV-', 0)")
        for warehouse in ("main", "outlet"):
            self.ask("INSERT INTO warehouses (ref) VALUES (:w)", w=warehouse)
        for sku in ("MUG", "TEA", "JAM"):
            self.ask("INSERT INTO products (ref) VALUES (:s)", s=sku)
        for sku in ("MUG", "TEA"):
            self.stock(sku, 10)
        self.connector = self.connect()

    def connect(self, **changed: object) -> GenericSqlConnector:
        """A connector with other settings than the recipe's."""
        login = {"url": self.database.url, "password": self.database.password}
        settings = GenericSqlSettings.model_validate({**self.statements, **login, **changed})
        self.connectors.append(GenericSqlConnector(settings, tenant="acme"))
        return self.connectors[-1]

    def stock(self, sku: str, pieces: float, warehouse: str = "main") -> None:
        place = {"s": sku, "w": warehouse}
        of = "product_id = (SELECT id FROM products WHERE ref = :s) AND warehouse_id = (SELECT id FROM warehouses WHERE ref = :w)"
        if self.ask(f"SELECT 1 FROM product_stock WHERE {of}", **place):
            self.ask(f"UPDATE product_stock SET on_hand = :n WHERE {of}", n=D(str(pieces)), **place)
        else:
            insert = "INSERT INTO product_stock (product_id, warehouse_id, on_hand) SELECT p.id, w.id, :n"
            self.ask(
                f"{insert} FROM products p, warehouses w WHERE p.ref = :s AND w.ref = :w", n=D(str(pieces)), **place
            )

    def on_hand_and_allocated(self, sku: str, warehouse: str = "main") -> tuple[Any, ...]:
        return self.ask(
            "SELECT s.on_hand, (SELECT COALESCE(SUM(a.qty - a.shipped), 0) FROM allocations a "
            "WHERE a.product_id = s.product_id AND a.warehouse_id = s.warehouse_id) FROM product_stock s "
            "JOIN products p ON p.id = s.product_id JOIN warehouses w ON w.id = s.warehouse_id "
            "WHERE p.ref = :s AND w.ref = :w", s=sku, w=warehouse,
        )[0]  # fmt: skip

    def count(self, table: str) -> int:
        return int(self.ask(f"SELECT COUNT(*) FROM {table}")[0][0])

    def reserve(self, what: FulfillmentOrder | None = None, key: str = "a-1"):
        return self.connector.reserve_stock(ReserveStock(key, what or order(), 1, "arrived"))

    def release(self, what: FulfillmentOrder | None = None, key: str = "a-1"):
        return self.connector.release_stock(ReleaseStock(key, None, what or order()))

    def build(self, what: FulfillmentOrder | None = None, key: str = "i-1"):
        return self.connector.build_invoice(BuildInvoice(key, what or order(), 1, TODAY, ()))

    def issue(self, built, what: FulfillmentOrder | None = None, key: str = "i-1"):
        return self.connector.issue_invoice(IssueInvoice(key, built, what or order(), TODAY))

    def discard(self, what: FulfillmentOrder | None = None, key: str = "i-1"):
        return self.connector.discard_invoice(DiscardInvoice(key, None, what or order(), "it changed"))

    def deliver(self, what: FulfillmentOrder, *held: Reservation, key: str = "i-1"):
        return self.connector.deliver(Deliver(key, what, held))

    def close(self) -> None:
        for connector in self.connectors:
            connector.close()


@pytest.fixture(params=SERVERS)
def documents_erp(request: pytest.FixtureRequest) -> Iterator[DocumentsErp]:
    """One on each server in turn, as on the first day."""
    kept = request.getfixturevalue("kept_databases")
    if ("documents", request.param) not in kept:
        made = kept["documents", request.param] = new_database(server_url(request, request.param))
        set_up(made, recipe("documents", request.param))
        made.made = frozenset(made.tables())
    erp = DocumentsErp(kept["documents", request.param])
    yield erp
    erp.close()
