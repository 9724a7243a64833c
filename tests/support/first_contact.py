"""The clock from a captured file to the first right invoice, as a new user goes: capture, replay, `init`, `doctor`, `run`.

python tests/support/first_contact.py          prints the table of docs/how-to/first-contact.md for generic_sql
python tests/support/first_contact.py odoo     the same on the Odoo that ODOO_TEST_URL, _DB, _USER, _PASSWORD name

A shop in the shape of Magento is captured by the command; the rest knows the captured file alone. What a person needs to
read and to type is not counted: the answers are typed at once. Goods, and in Odoo taxes and a user, are there beforehand.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import pexpect

from payload_shapes import SHAPES, listed
from shipperone_erp import FulfillmentOrder
from shipperone_erp.operations.inspect.results import Queues
from shipperone_erp.operations.queue_files import read_file
from shipperone_erp.operations.replay import found_settings, orders_in, replayed
from shipperone_erp.sandbox import Sandbox
from shipperone_erp_odoo.seeding import Admin, Seed
from typist import Typist, environment

COMMAND = str(Path(sys.executable).parent / "shipperone-erp")
CODES = ("main", "outlet")
WAREHOUSES = [{"warehouse_code": code} for code in CODES]
SHOP = """[tenants.shop]
base_url = "{base_url}"
token = {{ env = "TOKEN" }}
connector = "generic_sql"
[tenants.shop.generic_sql]
url = "sqlite:///none.db"
"""


class Clock:
    """Seconds since the last step, by its name."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float]] = []
        self._since = time.monotonic()

    def step(self, name: str) -> None:
        now = time.monotonic()
        self.steps.append((name, now - self._since))
        self._since = now


class Erp(Protocol):
    """The merchant's ERP: `made` is what the setting up of it is called in the table."""

    made: str

    def prepare(self, goods: Collection[tuple[str, str]]) -> None:
        """It is there, and has plenty of these goods by warehouse and SKU."""

    def answers(self) -> Mapping[str, str]:
        """To the connector's own questions."""

    def issued(self) -> list[tuple[str, Decimal]]:
        """The total of every fiscal invoice, by order."""


class Sql:
    """A SQLite file of the recipe `guarded`."""

    made = "`sql setup`, a test database with the goods"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self, goods: Collection[tuple[str, str]]) -> None:
        with sqlite3.connect(self.folder / "erp.db") as erp:
            erp.executescript(command(self.folder, "sql", "setup", "--dialect", "sqlite", "--recipe", "guarded"))
            columns = "(warehouse, sku, on_hand_micro, reserved_micro)"
            erp.executemany(f"INSERT INTO stock {columns} VALUES (?, ?, 1000000000, 0)", goods)

    def answers(self) -> Mapping[str, str]:
        return {
            "connector": "generic_sql", "address of the ERP's database": "sqlite:///erp.db",
            "statements to start from": "guarded",
        }  # fmt: skip

    def issued(self) -> list[tuple[str, Decimal]]:
        with sqlite3.connect(self.folder / "erp.db") as erp:
            rows = erp.execute("SELECT order_id, total_micro FROM invoices WHERE state = 'issued'").fetchall()
        return [(order, Decimal(micro) / 1_000_000) for order, micro in rows]


class RealOdoo:
    """A database of a running Odoo: two warehouses, taxes, a user with an API key. SKUs are those of the orders."""

    made = "Odoo: goods, taxes and a user for it, made by an administrator's script"

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.url, self.database = variables["ODOO_TEST_URL"], variables["ODOO_TEST_DB"]
        admin = Admin(self.url, self.database, variables["ODOO_TEST_USER"], variables["ODOO_TEST_PASSWORD"])
        self.admin = admin
        newest = admin.find("res.users", [("login", "like", "shipperone-fc")], ["id"], order="id desc", limit=1)
        self.seed = Seed(admin, f"fc{newest[0]['id'] % 100 if newest else 0:02}")
        self.before = {row["id"] for row in self._invoices()}

    def prepare(self, goods: Collection[tuple[str, str]]) -> None:
        made: dict[str, int] = {}
        for warehouse, sku in goods:
            if sku not in made:
                self.admin.call("product.product", "write", self._of(sku), {"active": False})
                made[sku] = self.seed.product(sku, default_code=sku)
            self.seed.stock(made[sku], 1000, "AB"[CODES.index(warehouse)])

    def answers(self) -> Mapping[str, str]:
        at_odoo = {
            f"Odoo's warehouse for ShipperOne's {code}": self.seed.code(name)
            for code, name in zip(CODES, "AB", strict=True)
        }
        return {
            "connector": "odoo", "address of your Odoo": self.url, "database": self.database, "user": self.seed.login,
            "API key": self.seed.api_key(), **at_odoo, "taxes": "by_rate",
            "product for shipping": self.seed.sku("SHIP"),
        }  # fmt: skip

    def issued(self) -> list[tuple[str, Decimal]]:
        new = [row for row in self._invoices() if row["id"] not in self.before]
        return [
            (str(row["invoice_origin"]), Decimal(str(row["amount_total"])).quantize(Decimal("0.01"))) for row in new
        ]

    def _of(self, sku: str) -> list[int]:
        return [row["id"] for row in self.admin.find("product.product", [("default_code", "=", sku)], ["id"])]

    def _invoices(self) -> list[dict[str, object]]:
        posted = [("move_type", "=", "out_invoice"), ("state", "=", "posted")]
        return self.admin.find("account.move", posted, ["invoice_origin", "amount_total"])


def command(folder: Path, *arguments: str) -> str:
    """What it prints; it must end well."""
    done = subprocess.run(
        [COMMAND, *arguments], cwd=folder, env=environment(TOKEN="sandbox-token"), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def captured(folder: Path) -> Path:
    """A shop's queues in a file, as `capture` writes it."""
    queues = Queues(listed(SHAPES["magento"]), None, WAREHOUSES)
    with Sandbox() as shop:
        shop.replay(replayed(queues, found_settings(queues)))
        (folder / "shop.toml").write_text(SHOP.format(base_url=shop.base_url))
        command(folder, "capture", "shop", "queues.json", "-c", "shop.toml")
    return folder / "queues.json"


def first_contact(folder: Path, erp: Erp) -> tuple[Clock, list[tuple[str, Decimal]], list[FulfillmentOrder]]:
    """The steps with their seconds, the invoices that were issued, and the orders that were captured."""
    file = captured(folder)
    queues = read_file(file)
    orders = list(orders_in(queues, found_settings(queues)))
    goods = sorted({(order.warehouse_code, item.sku) for order in orders for item in order.items})
    if not isinstance(erp, Sql):
        erp.prepare(goods)
    clock = Clock()
    sandbox = subprocess.Popen(
        [COMMAND, "sandbox", "--replay", str(file)], cwd=folder, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    try:
        assert sandbox.stdout is not None
        address = sandbox.stdout.readline().split(" listens at ")[1].split(",")[0]
        clock.step("`sandbox --replay queues.json`")
        if isinstance(erp, Sql):
            erp.prepare(goods)
            clock.step(erp.made)
        count = guide(folder, address, erp.answers())
        clock.step(f"`init`, {count} answers, each checked")
        command(folder, "inspect", "acme")
        clock.step("`inspect`: the fields, and what the ERP knows of the goods")
        command(folder, "doctor", "acme")
        clock.step("`doctor`")
        subprocess.run(
            [COMMAND, "run", "--once", "--settle-for", "2s"], cwd=folder, env=environment(), check=True,
            capture_output=True,
        )  # fmt: skip
        clock.step("`run --once`: every order allocated, shipped, invoiced")
    finally:
        sandbox.send_signal(signal.SIGTERM)
        sandbox.wait(30)
    return clock, erp.issued(), orders


def guide(folder: Path, address: str, of_the_connector: Mapping[str, str]) -> int:
    """Answer every question of the guide; how many there were."""
    typist = Typist(folder, "init", env=environment())
    typist.child.timeout = 120
    answers = {
        "address of your ShipperOne instance": address, "store code": "", "a name for this shop": "acme",
        "where to store secrets": "", "token": "sandbox-token", "tasks of this ERP": "", **of_the_connector,
        "time zone of the shop": "", "the places of ShipperOne's fields": "", "going live": "now", "write it": "",
    }  # fmt: skip
    questions = list(answers)
    asked = 0
    while questions:  # some are asked of some servers only, such as which of several journals
        try:
            at = typist.waits_for(*questions, *(f"sales journal for invoices of {code}" for code in CODES))
        except pexpect.TIMEOUT:
            raise AssertionError(f"none of {questions} was asked: {typist.seen}{typist.child.before}") from None
        asked += 1
        answer = "" if at >= len(questions) else answers[questions[at]]
        questions = questions[at + 1 :] if at < len(questions) else questions
        typist.seen += typist.child.before
        typist.child.sendline(answer)
    typist.ends()
    assert typist.code == 0, typist.seen
    return asked


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        erp: Erp = RealOdoo(os.environ) if sys.argv[1:] == ["odoo"] else Sql(Path(folder))
        clock, made, orders = first_contact(Path(folder), erp)
    totals = {order.order_id: order.total_incl_tax for order in orders}
    right = sum(totals.get(order) == total for order, total in made)
    print("| step | seconds |\n|---|---|")
    for name, seconds in clock.steps:
        print(f"| {name} | {seconds:.1f} |")
    whole = sum(seconds for _, seconds in clock.steps)
    print(f"| together, {len(made)} invoices, {right} of them right to the cent | {whole:.1f} |")
    sys.exit(0 if made and len(made) == right == len(orders) else 1)


if __name__ == "__main__":
    main()
