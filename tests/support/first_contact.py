"""The clock from a captured file to the first right invoice, as a new user goes: capture, replay, `init`, `run`.

python tests/support/first_contact.py        prints the table of docs/first-contact.md

A shop in the shape of Magento is captured by the command; the rest knows the captured file alone. What a person needs to
read and to type is not counted: the answers are typed at once.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from payload_shapes import SHAPES, listed
from shipperone_erp.operations.inspect.inspection import Queues
from shipperone_erp.operations.queue_files import read_file
from shipperone_erp.operations.replay import found_settings, orders_in, replayed
from shipperone_erp.sandbox import Sandbox
from typist import Typist, environment

COMMAND = str(Path(sys.executable).parent / "shipperone-erp")
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
    queues = Queues(listed(SHAPES["magento"]))
    with Sandbox() as shop:
        shop.replay(replayed(queues, found_settings(queues)))
        (folder / "shop.toml").write_text(SHOP.format(base_url=shop.base_url))
        command(folder, "capture", "shop", "queues.json", "-c", "shop.toml")
    return folder / "queues.json"


def first_contact(folder: Path) -> tuple[Clock, int, int]:
    """The steps with their seconds, how many invoices there are, and how many of them are right."""
    file = captured(folder)
    clock = Clock()
    sandbox = subprocess.Popen(
        [COMMAND, "sandbox", "--replay", str(file)], cwd=folder, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    try:
        assert sandbox.stdout is not None
        address = sandbox.stdout.readline().split(" listens at ")[1].split(",")[0]
        clock.step("`sandbox --replay queues.json`")
        (folder / "erp.sql").write_text(command(folder, "sql", "setup", "--dialect", "sqlite", "--recipe", "guarded"))
        queues = read_file(file)
        orders = list(orders_in(queues, found_settings(queues)))
        with sqlite3.connect(folder / "erp.db") as erp:
            erp.executescript((folder / "erp.sql").read_text())
            goods = sorted({(order.warehouse_code, item.sku) for order in orders for item in order.items})
            columns = "(warehouse, sku, on_hand_micro, reserved_micro)"
            erp.executemany(f"INSERT INTO stock {columns} VALUES (?, ?, 1000000000, 0)", goods)
        clock.step("`sql setup`, a test database with the goods")
        guide(folder, address)
        clock.step("`init`, thirteen answers, each checked")
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
    totals = {order.order_id: order.total_incl_tax for order in orders}
    with sqlite3.connect(folder / "erp.db") as erp:
        made = erp.execute("SELECT order_id, total_micro FROM invoices WHERE state = 'issued'").fetchall()
    return clock, len(made), sum(totals[order] == Decimal(micro) / 1_000_000 for order, micro in made)


def guide(folder: Path, address: str) -> None:
    typist = Typist(folder, "init", env=environment())
    for question, answer in {
        "address of your ShipperOne": address, "store code": "", "a name for this shop": "acme",
        "where secrets are kept": "", "token": "sandbox-token", "what this ERP does": "", "connector": "generic_sql",
        "address of the ERP's database": "sqlite:///erp.db", "statements to start from": "guarded",
        "time zone of the shop": "", "where ShipperOne has its fields": "", "going live": "now", "write it": "",
    }.items():  # fmt: skip
        typist.answers(question, answer)
    typist.ends()
    assert typist.code == 0, typist.seen


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock, made, right = first_contact(Path(folder))
    print("| step | seconds |\n|---|---|")
    for name, seconds in clock.steps:
        print(f"| {name} | {seconds:.1f} |")
    print(f"| together, {made} invoices, {right} of them right to the cent | {sum(s for _, s in clock.steps):.1f} |")
    sys.exit(0 if made and made == right else 1)


if __name__ == "__main__":
    main()
