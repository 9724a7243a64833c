"""A merchant on a day of business: the same day with generic_sql on SQLite, and with an ERP without drafts."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest

from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.engine.selection import Selection
from shipperone_erp.sandbox import Sandbox, SandboxOrder
from shipperone_erp_generic_sql import recipe
from world import World

MILLION = Decimal(1_000_000)


LOCKED_PERIODS = "".join(
    f"""
[[tenants.acme.generic_sql.{step}]]
sql = "SELECT 1 FROM periods WHERE COALESCE(:tax_date, '9999-12-31') > closed_until"
otherwise = "erp_period_locked"
sentence = "the period of this date is closed"
owner = "accountant"
"""
    for step in ("build_invoice", "issue_invoice")
)


@dataclass(frozen=True)
class Booked:
    """An issued invoice, as it stands in the ERP's books."""

    order_id: str
    number: str
    total: Decimal
    shipping: Decimal
    tax_date: str | None
    items: dict[str, Decimal]


class Books(Protocol):
    """What a person finds in the ERP."""

    def settings(self) -> tuple[dict[str, str], str]: ...
    def stock(self, sku: str, pieces: int, warehouse: str = "main") -> None: ...
    def stock_of(self, sku: str, warehouse: str = "main") -> tuple[Decimal, Decimal]: ...
    def reserved(self, order_id: str) -> int: ...
    def invoices(self, order_id: str | None = None) -> list[Booked]: ...
    def drafts(self) -> int: ...
    def delivered(self, order_id: str) -> int: ...
    def transfers_arrive(self) -> None: ...
    def lock(self, until: str) -> None: ...
    def lose(self, sku: str) -> None: ...
    def find(self, sku: str, pieces: int) -> None: ...


class WithoutDrafts:
    """The counting ERP: invoices are made when they are issued."""

    connector = "counting"

    def __init__(self, world: World) -> None:
        self.erp = world.erp

    def settings(self) -> tuple[dict[str, str], str]:
        return {"database": f'"{self.erp.file}"', "drafts": "false", "transfers_take_time": "true"}, ""

    def stock(self, sku: str, pieces: int, warehouse: str = "main") -> None:
        self.erp.stock(sku, pieces, warehouse)

    def stock_of(self, sku: str, warehouse: str = "main") -> tuple[Decimal, Decimal]:
        """On hand, and how much of it is reserved."""
        sql = "SELECT on_hand, reserved FROM stock WHERE sku = ? AND warehouse = ?"
        on_hand, reserved = self.erp.ask(sql, sku, warehouse)[0]
        return Decimal(on_hand), Decimal(reserved)

    def reserved(self, order_id: str) -> int:
        """Live reservations of the order."""
        return self.erp.live(order_id)

    def invoices(self, order_id: str | None = None) -> list[Booked]:
        rows = self.erp.ask(
            "SELECT order_id, number, total, shipping, tax_date, items FROM invoices"
            " WHERE state = 'issued' AND order_id = COALESCE(?, order_id) ORDER BY number",
            order_id,
        )
        return [
            Booked(
                row[0], str(row[1]), Decimal(row[2]), Decimal(row[3]), row[4],
                {item.split(":")[0]: Decimal(item.split(":")[1]) for item in row[5].split(",")},
            )
            for row in rows
        ]  # fmt: skip

    def drafts(self) -> int:
        return self.erp.drafts()

    def delivered(self, order_id: str) -> int:
        return self.erp.delivered(order_id)

    def transfers_arrive(self) -> None:
        self.erp.ask("UPDATE transfers SET arrived = 1")

    def lock(self, until: str) -> None:
        """The accounting period is closed up to and with that day ('' opens it)."""
        self.erp.ask("DELETE FROM script")
        if until:
            for hook in ("build_invoice", "issue_invoice"):
                self.erp.script(hook, "locked", times=1000, detail=until)

    def lose(self, sku: str) -> None:
        """What is reserved of it is not there when it is to leave."""
        self.erp.script("deliver", "refused", times=1000, detail="erp_stock_inconsistent")

    def find(self, sku: str, pieces: int) -> None:
        """It is there again."""
        self.erp.ask("DELETE FROM script")


class OnSql:
    """The SQLite recipe of generic_sql."""

    connector = "generic_sql"

    def __init__(self, world: World) -> None:
        self.file = world.folder / "sql.db"
        self.recipe = recipe("guarded", "sqlite")
        with closing(sqlite3.connect(self.file)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(
                self.recipe.ddl + "CREATE TABLE periods (closed_until TEXT); INSERT INTO periods VALUES ('');"
            )

    def ask(self, sql: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.file, timeout=20)) as db, db:
            return db.execute(sql, values).fetchall()

    def settings(self) -> tuple[dict[str, str], str]:
        statements = self.recipe.for_tenant("acme").partition("[[")
        return {"url": f'"sqlite:///{self.file}"'}, "".join(statements[1:]) + LOCKED_PERIODS

    def stock(self, sku: str, pieces: int, warehouse: str = "main") -> None:
        self.ask(
            "INSERT INTO stock (warehouse, sku, on_hand_micro) VALUES (?, ?, ?)"
            " ON CONFLICT (warehouse, sku) DO UPDATE SET on_hand_micro = excluded.on_hand_micro",
            warehouse, sku, int(pieces * MILLION),
        )  # fmt: skip

    def stock_of(self, sku: str, warehouse: str = "main") -> tuple[Decimal, Decimal]:
        """On hand, and how much of it is reserved."""
        sql = "SELECT on_hand_micro, reserved_micro FROM stock WHERE sku = ? AND warehouse = ?"
        on_hand, reserved = self.ask(sql, sku, warehouse)[0]
        return on_hand / MILLION, reserved / MILLION

    def reserved(self, order_id: str) -> int:
        """Reservations of the order that still hold goods."""
        sql = (
            "SELECT COUNT(DISTINCT r.job_key) FROM reservations r JOIN reservation_lines l ON l.reservation_key = r.job_key"
            " WHERE r.state = 'live' AND l.qty_micro > l.shipped_micro AND r.order_id = ?"
        )
        return int(self.ask(sql, order_id)[0][0])

    def invoices(self, order_id: str | None = None) -> list[Booked]:
        found = self.ask(
            "SELECT job_key, order_id, number, total_micro, shipping_micro, tax_date FROM invoices"
            " WHERE state = 'issued' AND order_id = COALESCE(?, order_id) ORDER BY number",
            order_id,
        )
        booked = []
        for key, whose, number, total, shipping, tax_date in found:
            lines = self.ask("SELECT item_id, qty_micro FROM invoice_lines WHERE invoice_key = ?", key)
            items = {str(item_id): qty / MILLION for item_id, qty in lines}
            booked.append(Booked(whose, str(number), total / MILLION, shipping / MILLION, tax_date, items))
        return booked

    def drafts(self) -> int:
        return int(self.ask("SELECT COUNT(*) FROM invoices WHERE state = 'draft'")[0][0])

    def delivered(self, order_id: str) -> int:
        return int(self.ask("SELECT COUNT(*) FROM deliveries WHERE order_id = ?", order_id)[0][0])

    def transfers_arrive(self) -> None:
        self.ask("UPDATE transfers SET arrived = 1 WHERE NOT arrived")

    def lock(self, until: str) -> None:
        """The accounting period is closed up to and with that day ('' opens it)."""
        self.ask("UPDATE periods SET closed_until = ?", until)

    def lose(self, sku: str) -> None:
        """What is reserved of it is not there when it is to leave."""
        self.ask("UPDATE stock SET on_hand_micro = 0, reserved_micro = 0 WHERE sku = ?", sku)

    def find(self, sku: str, pieces: int) -> None:
        """It is there again, all of it reserved."""
        self.ask(
            "UPDATE stock SET on_hand_micro = ?, reserved_micro = ? WHERE sku = ?", *[int(pieces * MILLION)] * 2, sku
        )


class Merchant(World):
    """A world whose ERP is looked at through its books. `stock` must be said for every SKU of a day."""

    def __init__(self, folder: Path, sandbox: Sandbox, kind: type[WithoutDrafts] | type[OnSql]) -> None:
        super().__init__(folder, sandbox)
        self.books: Books = kind(self)
        self.settings["connector"] = f'"{kind.connector}"'
        self.erp_settings, self.more = self.books.settings()

    def tax_dates(self) -> list[str | None]:
        """Of the invoices in the books."""
        return [booked.tax_date for booked in self.books.invoices()]

    def at(self, moment: str) -> None:
        """It is that time now, as ISO 8601 with an offset."""
        self.clock.ahead = datetime.fromisoformat(moment) - datetime.now(UTC)

    def move_to_another_erp(self) -> None:
        """From now on the configuration names another database, with the same goods and no documents."""
        (self.folder / "another").mkdir()
        other = World(self.folder / "another", self.sandbox)
        self.books = type(self.books)(other)  # type: ignore[call-arg]
        self.erp = other.erp
        self.erp_settings, self.more = self.books.settings()
        for sku in ("MUG", "TEA"):
            self.books.stock(sku, 20)


def order(order_id: str = "FO-1", *lines: tuple[str, int, str], **fields: Any) -> SandboxOrder:
    """Two mugs at 10.00 and 4.99 shipping, or these (sku, pieces, price of one)."""
    return SandboxOrder.simple(order_id, *(lines or (("MUG", 2, "10.00"),)), **fields)


@pytest.fixture(params=[OnSql, WithoutDrafts], ids=["generic_sql", "without drafts"])
def merchant(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> Merchant:
    made = Merchant(tmp_path, sandbox, request.param)
    made.books.stock("MUG", 20)
    made.books.stock("TEA", 20)
    return made


@pytest.fixture
def other():
    with Sandbox(token="another-token") as running:
        running.auto_ship = True
        yield running


def with_a_second_store(merchant: Merchant, other: Sandbox) -> None:
    """The tenant `bravo`: another ShipperOne, the same ERP."""
    merchant.environment["BRAVO_TOKEN"] = other.token
    settings = {**merchant.settings, "base_url": f'"{other.base_url}"', "token": '{ env = "BRAVO_TOKEN" }'}
    kind = merchant.books.connector
    own = "\n".join(f"{key} = {value}" for key, value in merchant.erp_settings.items())
    table = "\n".join(f"{key} = {value}" for key, value in settings.items())
    statements = merchant.more.replace("tenants.acme.", "tenants.bravo.")
    merchant.more += f"\n[tenants.bravo]\n{table}\n[tenants.bravo.{kind}]\n{own}\n{statements}"


def both_finish(merchant: Merchant) -> None:
    async def go():
        async with Runtime(merchant.read(), time=merchant.clock) as runtime:
            return await runtime.once(Selection(), settle_for=timedelta(seconds=8))

    ended = asyncio.run(go())
    assert {name: tenant.ending for name, tenant in ended.items()} == {
        "acme": Ending.FINISHED, "bravo": Ending.FINISHED,
    }, merchant.stuck()  # fmt: skip
