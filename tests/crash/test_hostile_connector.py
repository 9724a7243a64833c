"""Core survives every fault of the hostile connector: one process serves all of them beside a healthy tenant."""

import os
import signal
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path

from honest_gate import PASSWORD
from honest_harness import HonestHarness
from hostile_erp import FAULTS

import warm_processes
from places import PLUGINS
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import State
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.sandbox import Sandbox, SandboxOrder

HOSTILE = PLUGINS / "hostile"
SKUS = tuple(f"MUG-{number}" for number in range(4))
TENANT = """
[tenants.{name}]
base_url = "{base_url}"
token = "{token}"
connector = "{connector}"
go_live = "now"
currency = "EUR"
poll_interval = "0.5s"
settle = "0.2s"
hook_timeout = "1s"
concurrency = 2
[tenants.{name}.{connector}]
database = "{database}"
password = "{password}"
"""


class Merchant:
    """A tenant, its shop and its ERP, with two orders that wait."""

    def __init__(self, name: str, connector: str, folder: Path, sandbox: Sandbox, more: str = "") -> None:
        self.name = name
        self.sandbox = sandbox
        folder.mkdir()
        self.erp = HonestHarness(folder)
        self.erp.set_up()
        for sku in SKUS:
            self.erp.add_product(sku, 100, "main")
        self.toml = TENANT.format(
            name=name, base_url=sandbox.base_url, token=sandbox.token, connector=connector, database=self.erp.file, password=PASSWORD,
        ) + more  # fmt: skip
        sandbox.auto_ship = True
        self.sold: list[str] = []
        self.sell(2)

    def sell(self, count: int) -> None:
        for _ in range(count):
            number = len(self.sold) + 1
            lines = ((SKUS[number % 4], 2, "10.00"), (SKUS[(number + 1) % 4], 1, "4.50"))
            self.sold.append(f"FO-{self.name[:8]}-{number}")
            self.sandbox.add(SandboxOrder.simple(self.sold[-1], *lines, first_id=number * 10))

    def done(self) -> bool:
        return all(len(self.sandbox.order(order_id).invoices) == 1 for order_id in self.sold)

    def issued(self) -> list[tuple[str, int]]:
        with closing(sqlite3.connect(self.erp.file, timeout=20)) as erp:
            return erp.execute(
                "SELECT order_id, COUNT(*) FROM invoices WHERE state = 'issued' GROUP BY order_id ORDER BY order_id"
            ).fetchall()


def until(true, seconds: float, what: str) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


def test_a_service_with_every_hostile_connector_serves_the_healthy_tenant_beside_them(tmp_path):
    with ExitStack() as closing_all:

        def merchant(name: str, connector: str, more: str = "") -> Merchant:
            sandbox = closing_all.enter_context(Sandbox())
            return Merchant(name, connector, tmp_path / name, sandbox, more)

        healthy = merchant("healthy", "honest")
        hostile = [merchant(name.lower(), "hostile", f'fault = "{name}"\n') for name in FAULTS]
        broken = merchant("unimportable", "hostile_module")
        everybody = [healthy, *hostile, broken]
        file = tmp_path / "shipperone-erp.toml"
        file.write_text('[runtime]\nledger = "sqlite:///ledger.db"\n' + "".join(one.toml for one in everybody))
        log = tmp_path / "log"
        environment = {**os.environ, "PYTHONPATH": str(HOSTILE), "HOSTILE_THREADS": "stay"}
        with log.open("w") as out:
            process = warm_processes.Process(
                warm_processes.COMMAND, "run", "-c", str(file), env=environment, stdout=out, stderr=out
            )
        closing_all.callback(process.wait)
        closing_all.callback(process.kill)

        until(healthy.done, 120, "the healthy tenant's orders were not invoiced beside the hostile ones")
        until(lambda: stuck(tmp_path).issuperset(name.lower() for name in ALWAYS_STUCK), 120, "a fault came through")
        healthy.sell(5)
        until(healthy.done, 120, "the healthy tenant stands still after the hostile ones have done their worst")
        assert process.poll() is None, log.read_text()[-2000:]
        until(lambda: done(tmp_path, "healthy") == 2 * len(healthy.sold), 60, "the healthy tenant's jobs are not done")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, log.read_text()[-2000:]

    assert healthy.issued() == [(order_id, 1) for order_id in sorted(healthy.sold)]
    log_text = log.read_text()
    assert PASSWORD not in log_text
    assert "unimportable" in log_text
    assert "hostile_module" in log_text
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db", read_only=True) as ledger:
        jobs = ledger.find_jobs()
    wrong = {job.tenant for job in jobs if job.reason == Reason.CONNECTOR_BUG}
    assert wrong >= {"answersnone", "answerstext", "answersacoroutine", "raises", "endstheprocess"}
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))


ALWAYS_STUCK = ("AnswersNone", "AnswersText", "AnswersACoroutine", "Raises", "EndsTheProcess", "Hangs", "IsACentOff")
"""Faults with which no order ever comes to its end."""


def stuck(folder: Path) -> set[str]:
    """The tenants that have a job which waits or is held."""
    with Ledger.open(f"sqlite:///{folder}/ledger.db", read_only=True) as ledger:
        return {job.tenant for job in ledger.find_jobs() if job.state in (State.WAITING, State.HELD)}


def done(folder: Path, tenant: str) -> int:
    """How many of its jobs are done."""
    with Ledger.open(f"sqlite:///{folder}/ledger.db", read_only=True) as ledger:
        return sum(job.tenant == tenant and job.state is State.DONE for job in ledger.find_jobs())
