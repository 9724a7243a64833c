"""A fleet in a test: several shops on one ERP, a ledger on PostgreSQL, real `worker` processes with short times."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import warm_processes
from shipperone_erp.config import Configuration, TenantSettings
from shipperone_erp.domain.states import State
from shipperone_erp.ledger.fleet_store import FleetStore
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.sandbox import Sandbox, SandboxOrder
from world import COUNTING, Erp

STALLED = 4.0
LEASE = 1.5
COMMAND = "from shipperone_erp.cli import main; main()"
TIMES = f'heartbeat = "300ms"\nstalled = "{STALLED}s"\npoll = "300ms"\n'


def until(true: Callable[[], object], seconds: float = 60.0, why: str = "it never came true") -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, why
        time.sleep(0.05)


class Worker:
    """A running `shipperone-erp worker` (or `run`) and its log; `package`: the folder of another version of core."""

    def __init__(
        self, fleet: "Fleet", name: str, file: Path, command: str = "worker", package: Path | None = None
    ) -> None:
        self.name = name
        self.log = fleet.folder / f"{name}-{time.monotonic_ns()}.log"
        named = ("--name", name) if command == "worker" else ()
        arguments = (command, "-c", str(file), *named)
        self.process: warm_processes.Process | subprocess.Popen[bytes]
        with self.log.open("w") as out:
            if package is None:
                self.process = warm_processes.Process("-c", *arguments, env=fleet.environment, stdout=out, stderr=out)
            else:
                path = os.pathsep.join((str(package), fleet.environment["PYTHONPATH"]))
                self.process = subprocess.Popen(
                    [sys.executable, "-c", COMMAND, *arguments],
                    env={**fleet.environment, "PYTHONPATH": path}, stdout=out, stderr=out,
                )  # fmt: skip

    @property
    def logged(self) -> str:
        return self.log.read_text()

    def stop(self, within: float = 40.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=within)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Fleet:
    """So many shops, `shop0` and on; every worker is a process with a configuration file of its own if it needs one."""

    def __init__(self, folder: Path, url: str, sandboxes: list[Sandbox], groups: int = 8) -> None:
        self.folder = folder
        self.url = url
        self.sandboxes = sandboxes
        self.groups = groups
        self.erp = Erp(folder / "erp.db")
        self.workers: list[Worker] = []
        self.more_runtime = ""
        self.token = '{ env = "TOKEN" }'
        self.tenants = [f"shop{number}" for number in range(len(sandboxes))]
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(COUNTING),
            "COLUMNS": "200",
            "TOKEN": sandboxes[0].token,
        }
        self.file = self.write()

    def write(self, file: str = "shipperone-erp.toml", *, without: tuple[str, ...] = (), changed: str = "") -> Path:
        """The configuration, without some tenants; `changed` is one more line for shop0."""
        text = (
            f'[runtime]\nledger = "{self.url}"\nlease = "{LEASE}s"\n{self.more_runtime}'
            f"[runtime.fleet]\ngroups = {self.groups}\n{TIMES}"
            '[defaults]\nconnector = "counting"\ngo_live = "now"\ncurrency = "EUR"\npoll_interval = "0.3s"\n'
            f'settle = "0.3s"\ntoken = {self.token}\n[defaults.counting]\ndatabase = "{self.erp.file}"\n'
        )
        for tenant, sandbox in zip(self.tenants, self.sandboxes, strict=True):
            if tenant not in without:
                text += f'[tenants.{tenant}]\nbase_url = "{sandbox.base_url}"\n'
                text += f"{changed}\n" if tenant == "shop0" else ""
        path = self.folder / file
        path.write_text(text)
        return path

    def start(self, name: str, file: Path | None = None, package: Path | None = None) -> Worker:
        self.workers.append(Worker(self, name, file or self.file, package=package))
        return self.workers[-1]

    def run(self, file: Path | None = None, package: Path | None = None) -> Worker:
        """Start `shipperone-erp run` on the same configuration, or on another one."""
        self.workers.append(Worker(self, "run", file or self.file, "run", package))
        return self.workers[-1]

    def done_of(self, tenant: str) -> int:
        """How many jobs of that tenant are done."""
        with self.ledger() as ledger:
            return len(ledger.find_jobs(tenant=tenant, states=[State.DONE]))

    def add(self, orders: int, first: int = 1) -> None:
        """So many orders in each shop."""
        for number, sandbox in enumerate(self.sandboxes):
            for order in range(first, first + orders):
                sandbox.add(SandboxOrder.simple(f"S{number}-{order}", ("MUG", 1, "10.00")))

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return warm_processes.run(*arguments, "-c", str(self.file), env=self.environment)

    def rows(self) -> dict[str, dict[str, Any]]:
        """`worker list --json`, by name."""
        answer = self.command("worker", "list", "--json")
        assert answer.returncode == 0, answer.stderr
        return {row["worker"]: row for row in json.loads(answer.stdout)}

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        with Ledger.open(self.url, migrate=True) as ledger:
            yield ledger

    @contextmanager
    def store(self) -> Iterator[FleetStore]:
        with self.ledger() as ledger:
            store = ledger.fleet()
            assert store is not None
            yield store

    def serving(self) -> dict[str, int]:
        """How many tenants each worker serves, those included that serve none."""
        with self.store() as store:
            rows = store.workers(stalled=STALLED) if store.exists() else []
        return {row.name: row.tenants for row in rows if row.lives}

    def states(self) -> list[State]:
        with self.ledger() as ledger:
            return [job.state for job in ledger.find_jobs()]

    def done(self, orders: int) -> bool:
        """Both jobs of so many orders in each shop are done."""
        states = self.states()
        return len(states) == 2 * orders * len(self.sandboxes) and set(states) == {State.DONE}

    def once_each(self, orders: int) -> None:
        """Every effect of so many orders in each shop has happened once, in the ERP and at ShipperOne."""
        count = orders * len(self.sandboxes)
        assert (self.erp.effects("reserve_stock"), len(self.erp.issued())) == (count, count)
        for number, sandbox in enumerate(self.sandboxes):
            for order in range(1, orders + 1):
                state = sandbox.order(f"S{number}-{order}")
                assert state.allocations == 1, (number, order)

    def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.thaw()
                worker.kill()


class NobodysHost:
    """Serves the tenants that it is given, and does nothing for them."""

    def __init__(self) -> None:
        self.serving: frozenset[str] = frozenset()

    def start(self, settings: TenantSettings) -> None:
        self.serving |= {settings.name}

    async def leave(self, names: Collection[str]) -> None:
        self.serving -= frozenset(names)

    def renew(self, configuration: Configuration) -> None:
        """No secret is renewed here."""


@contextmanager
def fleet(folder: Path, url: str, shops: int = 3, groups: int = 8) -> Iterator[Fleet]:
    """A fleet without a worker; what it starts is ended."""
    with ExitStack() as stack:
        sandboxes = [stack.enter_context(Sandbox()) for _ in range(shops)]
        for sandbox in sandboxes:
            sandbox.auto_ship = True
        made = Fleet(folder, url, sandboxes, groups)
        try:
            yield made
        finally:
            made.close()
