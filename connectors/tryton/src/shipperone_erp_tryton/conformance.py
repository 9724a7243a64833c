"""The harness by which `shipperone-erp connectors test tryton` tests the connector, on a Tryton in a SQLite file.

All cases of a process share one database, and the neighbour tenant has another: Tryton takes a second to load the
models of one. Both are copies of a template, which is made once for a version of Tryton and of this package, and kept
in the user's cache.
"""

import atexit
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from shipperone_erp.testing import ConnectorHarness, ErpDocument
from shipperone_erp_tryton import seeding
from shipperone_erp_tryton.conformance_documents import invoices, reservations
from shipperone_erp_tryton.database_locations import Location
from shipperone_erp_tryton.erp import exact
from shipperone_erp_tryton.process import open_database

ResultT = TypeVar("ResultT")

HOUSES = {"main": "MAIN", "outlet": "OUTLET"}
FAILING = """
CREATE TABLE kit_failing (id INTEGER REFERENCES kit_failing (no) DEFERRABLE INITIALLY DEFERRED, no INTEGER UNIQUE);
CREATE TRIGGER kit_one AFTER INSERT ON shipperone_key BEGIN INSERT INTO kit_failing (id) VALUES (1); END;
CREATE TRIGGER kit_two AFTER UPDATE ON shipperone_key BEGIN INSERT INTO kit_failing (id) VALUES (1); END;
CREATE TRIGGER kit_three AFTER UPDATE ON account_invoice BEGIN INSERT INTO kit_failing (id) VALUES (1); END;
"""
MENDED = "DROP TRIGGER kit_one; DROP TRIGGER kit_two; DROP TRIGGER kit_three; DROP TABLE kit_failing;"
VERSIONS = ("trytond", "trytond-account-invoice", "trytond-stock")


class TrytonHarness(ConnectorHarness):
    """Reads and changes Tryton as its root user, without the connector."""

    connector = "tryton"
    suite = "1.1"
    other_currency = seeding.FOREIGN
    other_tax_percent = seeding.RATES[1]
    deadline = 30.0
    kills = 1
    threads = 8
    departures: ClassVar[Mapping[str, str]] = {
        "U5": "SQLite is a library in this very process: between it and the connector no answer can be lost",
    }
    rooms: ClassVar[dict[int, Path]] = {}
    """The folders of this process's databases."""

    nth = 0
    """0, or 1 for the neighbour."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.lock: sqlite3.Connection | None = None
        self.failing = False
        self.rights: list[int] = []

    def set_up(self) -> None:
        if self.nth not in self.rooms:
            home = Path(tempfile.mkdtemp(prefix="tryton"))
            atexit.register(shutil.rmtree, home, ignore_errors=True)
            seeding.copy(seeding.template(cache()), home / "room" / "erp.sqlite")
            self.rooms[self.nth] = home / "room"
            # a worker of Tryton would print the invoices, which is half the cost of posting
            self.conf.write_text("[queue]\nworker = true\n", encoding="utf-8")

    def tear_down(self) -> None:
        self.mend_connection()

    def neighbour(self, folder: Path) -> "TrytonHarness":
        other = type(self)(folder)
        other.nth = self.nth + 1
        return other

    @property
    def room(self) -> Path:
        return self.rooms[self.nth]

    @property
    def away(self) -> Path:
        return self.room.with_name("away")

    @property
    def conf(self) -> Path:
        """This process's trytond.conf."""
        return self.rooms[0].with_name("trytond.conf")

    @property
    def url(self) -> str:
        """The database."""
        return f"sqlite:///{self.room / 'erp.sqlite'}"

    @property
    def address(self) -> str:
        """The address of the database in the connector's settings."""
        return self.url

    def settings(self) -> Mapping[str, Any]:
        return {
            "url": self.address,
            "config": str(self.conf),
            "user": seeding.USER,
            "timeout": 2.0,
            "warehouses": HOUSES,
            "shipping_product": seeding.SHIPPING,
            "customer": seeding.CUSTOMER,
            "charges": {"fee": seeding.FEE, "coupon": seeding.FEE},
        }

    def add_product(self, sku: str, on_hand: Decimal, warehouse: str) -> None:
        def work(pool: Any) -> None:
            self._add(pool, sku, on_hand, warehouse, seeding.PIECE)

        self._ask(work)

    def add_indivisible(self, sku: str, on_hand: Decimal, warehouse: str) -> None:
        self._ask(lambda pool: self._add(pool, sku, on_hand, warehouse, seeding.UNIT))

    def on_hand(self, sku: str, warehouse: str) -> Decimal:
        return self._ask(lambda pool: self._on_hand(pool, sku, warehouse))

    def reserved(self, sku: str, warehouse: str) -> Decimal:
        def work(pool: Any) -> Decimal:
            places = self._places(pool, self._warehouse(pool, warehouse).storage_location)
            domain = [("product.code", "=", sku), ("state", "=", "assigned"), ("from_location", "in", places)]
            return sum((exact(move.quantity) for move in pool.get("stock.move").search(domain)), Decimal(0))

        return self._ask(work)

    def documents(self, key: str) -> Sequence[ErpDocument]:
        return self._ask(lambda pool: [*reservations(pool, key), *invoices(pool, key)])

    def arrive(self, key: str) -> None:
        def work(pool: Any) -> None:
            Internal = pool.get("stock.shipment.internal")
            for shipment in Internal.search([("shipperone_key.key", "=", key)]):
                if shipment.transit_location:
                    Internal.pack([shipment])
                    Internal.ship([shipment])
                Internal.do([Internal(shipment.id)])

        self._ask(work)

    def change_draft(self, key: str) -> None:
        def work(pool: Any) -> None:
            (row,) = pool.get("shipperone.key").search([("kind", "=", "invoice"), ("key", "=", key)])
            tax = row.invoice.taxes[0]
            pool.get("account.invoice.tax").write([tax], {"amount": tax.amount + Decimal("0.01")})

        self._ask(work)

    def cancel(self, key: str) -> None:
        def work(pool: Any) -> None:
            for row in pool.get("shipperone.key").search([("key", "=", key)]):
                if row.kind == "reservation":
                    pool.get("stock.shipment.out").cancel([row.shipment])
                elif row.kind == "invoice":
                    pool.get("account.invoice").delete([row.invoice])

        self._ask(work)

    def fail_commit(self) -> None:
        """A constraint that is checked only at the commit is violated."""
        self.failing = True
        with closing(self._file()) as erp:
            erp.executescript(FAILING)

    def revoke_rights(self) -> None:
        def work(pool: Any) -> list[int]:
            (user,) = pool.get("res.user").search([("login", "=", seeding.USER)])
            had = [int(group.id) for group in user.groups]
            pool.get("res.user").write([user], {"groups": [("remove", had)]})
            return had

        self.rights = self._ask(work)

    def break_connection(self) -> None:
        """The file is no longer at the connector's address."""
        self.room.rename(self.away)

    def stall_connection(self) -> None:
        """Another writer holds its transaction open."""
        self.lock = self._file()
        self.lock.execute("BEGIN IMMEDIATE")

    def mend_connection(self) -> None:
        if self.lock is not None:
            self.lock.close()
            self.lock = None
        if self.nth in self.rooms and self.away.exists():
            self.away.rename(self.room)
        if self.failing:
            self.failing = False
            with closing(self._file()) as erp:
                erp.executescript(MENDED)
        self._give_back()

    def _give_back(self) -> None:
        """Restores the user's groups, if they were removed."""
        if self.rights:
            had, self.rights = self.rights, []
            self._ask(lambda pool: self._grant(pool, had))

    def _grant(self, pool: Any, groups: list[int]) -> None:
        (user,) = pool.get("res.user").search([("login", "=", seeding.USER)])
        pool.get("res.user").write([user], {"groups": [("add", groups)]})

    def _file(self) -> sqlite3.Connection:
        return sqlite3.connect(self.room / "erp.sqlite", timeout=20, isolation_level=None, check_same_thread=False)

    def _add(self, pool: Any, sku: str, on_hand: Decimal, warehouse: str, unit: str) -> None:
        found = pool.get("product.product").search([("code", "=", sku)])
        product = found[0] if found else seeding.product(pool, sku, unit=unit)
        seeding.receive(pool, product, self._warehouse(pool, warehouse), on_hand - self._on_hand(pool, sku, warehouse))

    def _ask(self, work: Callable[[Any], ResultT]) -> ResultT:
        """The result of the work as Tryton's root user, in the company."""
        pool = open_database(self.location, self.conf)
        company = seeding.replayed(self.url, lambda: int(pool.get("company.company").search([], limit=1)[0].id))
        return seeding.replayed(self.url, lambda: work(pool), company=company, language="en")

    @property
    def location(self) -> Location:
        return Location(self.url, None, 20)

    def _warehouse(self, pool: Any, code: str) -> Any:
        (found,) = pool.get("stock.location").search([("type", "=", "warehouse"), ("code", "=", HOUSES[code])])
        return found

    def _on_hand(self, pool: Any, sku: str, warehouse: str) -> Decimal:
        from trytond.transaction import Transaction

        products = pool.get("product.product").search([("code", "=", sku)])
        places = self._places(pool, self._warehouse(pool, warehouse))
        with Transaction().set_context(stock_date_end=pool.get("ir.date").today()):
            counted = pool.get("product.product").products_by_location(
                places, grouping_filter=([product.id for product in products],)
            )
        return sum((exact(number) for number in counted.values()), Decimal(0))

    def _places(self, pool: Any, root: Any) -> list[int]:
        return [place.id for place in pool.get("stock.location").search([("parent", "child_of", [root.id])])]


def cache() -> Path:
    """The folder of the template for these versions."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shipperone-erp-tryton"
    digest = hashlib.sha256(" ".join(version(name) for name in VERSIONS).encode())
    here = Path(__file__).parent
    for file in [here / "seeding.py", *sorted((here / "module").iterdir())]:
        if file.is_file():
            digest.update(file.read_bytes())
    return home / digest.hexdigest()[:16]
