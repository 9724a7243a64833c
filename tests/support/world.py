"""A merchant in a test: ShipperOne's sandbox over HTTP, the counting ERP in a SQLite file, a TOML file, `run --once`."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import new_ledgers
import warm_processes
from places import PLUGINS
from shipperone_erp.config import Configuration, load
from shipperone_erp.domain.exit_codes import Ended, Ending
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.engine.selection import Selection
from shipperone_erp.kernel.time_source import MachineTime
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.sandbox import Sandbox
from skipped_time import SleptTime

COUNTING = PLUGINS / "counting"
SETTLE = "0.3s"


class Erp:
    """The counting ERP, as a test looks into it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        sys.path.insert(0, str(COUNTING)) if str(COUNTING) not in sys.path else None
        from counting_erp import SCHEMA

        with closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(SCHEMA)

    def ask(self, sql: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.file, timeout=20)) as db, db:
            return db.execute(sql, values).fetchall()

    def stock(self, sku: str, pieces: int, warehouse: str = "main") -> None:
        self.ask("INSERT OR REPLACE INTO stock (warehouse, sku, on_hand) VALUES (?, ?, ?)", warehouse, sku, pieces)

    def script(self, hook: str, what: str, *, order: str = "*", times: int = 1, detail: str = "") -> None:
        self.ask(
            "INSERT INTO script (hook, order_id, what, times, detail) VALUES (?, ?, ?, ?, ?)",
            hook, order, what, times, detail,
        )  # fmt: skip

    def effects(self, hook: str, order: str | None = None) -> int:
        """How often the hook really changed something."""
        return int(
            self.ask("SELECT COUNT(*) FROM effects WHERE hook = ? AND order_id = COALESCE(?, order_id)", hook, order)[
                0
            ][0]
        )

    def live(self, order: str | None = None) -> int:
        """Live reservations."""
        sql = "SELECT COUNT(*) FROM reservations WHERE state = 'live' AND order_id = COALESCE(?, order_id)"
        return int(self.ask(sql, order)[0][0])

    def issued(self, order: str | None = None) -> list[str]:
        """The items and quantities of each issued invoice."""
        sql = "SELECT items FROM invoices WHERE state = 'issued' AND order_id = COALESCE(?, order_id) ORDER BY number"
        return [row[0] for row in self.ask(sql, order)]

    def drafts(self) -> int:
        return int(self.ask("SELECT COUNT(*) FROM invoices WHERE state = 'draft'")[0][0])

    def delivered(self, order: str | None = None) -> int:
        return int(self.ask("SELECT COUNT(*) FROM deliveries WHERE order_id = COALESCE(?, order_id)", order)[0][0])


class Clock(MachineTime):
    """The machine's time, which a test may move."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return self()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class World:
    """One tenant `acme`. Settings are those of the tenant's table; `erp_settings` those of the counting ERP."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.erp = Erp(folder / "erp.db")
        self.clock = Clock()
        self.settings: dict[str, str] = {
            "connector": '"counting"',
            "go_live": '"now"',
            "currency": '"EUR"',
            "settle": f'"{SETTLE}"',
            "stock_retry": '"0.2s"',
            "gone_grace": '"0s"',
            "shipping_on_parts": '"as_listed"',  # the sandbox lists the whole shipping with every part
        }
        self.erp_settings: dict[str, str] = {"database": f'"{self.erp.file}"'}
        self.runtime_settings: dict[str, str] = {"ledger": '"sqlite:///ledger.db"', "lease": '"1s"'}
        self.more = ""
        self.changes: list[tuple[Job | None, Job]] = []
        self.environment = {"ACME_TOKEN": sandbox.token}
        self.plugins = [COUNTING]

    @property
    def file(self) -> Path:
        return self.folder / "shipperone-erp.toml"

    def write(self) -> Path:
        """The TOML file as it stands now."""
        connector = self.settings["connector"].strip('"')
        tables = {
            "runtime": self.runtime_settings,
            "tenants.acme": {
                "base_url": f'"{self.sandbox.base_url}"', "store_code": '"default"', "token": '{ env = "ACME_TOKEN" }',
                **self.settings,
            },
            f"tenants.acme.{connector}": self.erp_settings,
        }  # fmt: skip
        text = "".join(
            f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in table.items())
            for name, table in tables.items()
        )
        self.file.write_text(text + self.more, encoding="utf-8")
        return self.file

    def read(self) -> Configuration:
        """The configuration as it stands now."""
        return load(self.write(), environment=self.environment)

    def once(
        self,
        *,
        settle_for: float = 8.0,
        orders: Iterable[str] = (),
        limit: int | None = None,
        open_ledger: Callable[[str], Ledger] | None = None,
        configuration: Configuration | None = None,
    ) -> Ended:
        """`run --once`; how the tenant ended. `settle_for`: seconds of pauses, so that the machine's load does not count.

        `configuration`: what `read` gave, for several at once.
        """
        configuration = configuration or self.read()
        if open_ledger is None and self.ledger_url == f"sqlite:///{self.folder}/ledger.db":
            new_ledgers.place(self.folder / "ledger.db")
        options: dict[str, Any] = {"open_ledger": open_ledger} if open_ledger else {}

        async def go() -> dict[str, Ended]:
            watch = [lambda before, after: self.changes.append((before, after))]
            async with Runtime(configuration, time=self.clock, observers=watch, **options) as runtime:
                runtime._time = SleptTime(runtime._time)
                return await runtime.once(Selection(frozenset(orders), limit), settle_for=timedelta(seconds=settle_for))

        return asyncio.run(go())["acme"]

    def finishes(self, **options: Any) -> None:
        """`run --once` ends with nothing held and nothing failed."""
        ended = self.once(**options)
        assert ended.ending is Ending.FINISHED, (ended, self.stuck())

    @property
    def ledger_url(self) -> str:
        return self.runtime_settings["ledger"].strip('"').replace("sqlite:///", f"sqlite:///{self.folder}/")

    def ledger(self) -> Ledger:
        return Ledger.open(self.ledger_url)

    def jobs(self, order: str | None = None, stage: Stage | None = None) -> list[Job]:
        with self.ledger() as ledger:
            return ledger.find_jobs(order_id=order, stage=stage)

    def job(self, order: str, stage: Stage) -> Job:
        """The newest job of that order and stage."""
        return max(self.jobs(order, stage), key=lambda job: job.id)

    def stuck(self) -> list[str]:
        return [
            f"{job.order_id} {job.stage} {job.state} {job.step} {job.reason}: {job.sentence}"
            for job in self.jobs()
            if job.state not in (State.DONE, State.SUPERSEDED, State.GONE)
        ]

    def command(self, *arguments: str, file: Path | None = None, **options: Any) -> "subprocess.CompletedProcess[str]":
        """The real command in a process of its own. `file`: another configuration than `write` makes."""
        self.write()
        return warm_processes.run(*arguments, "-c", str(file or self.file), env=self.process_environment(), **options)

    def process_environment(self) -> dict[str, str]:
        path = os.pathsep.join(map(str, self.plugins))
        return {**os.environ, **self.environment, "PYTHONPATH": path, "COLUMNS": "200"}
