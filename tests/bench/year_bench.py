"""A year at 5,000 orders a day, written into a ledger by SQL: its size, and how long `status`, `orders` and the page take.

    PYTHONPATH=tests:tests/support python tests/bench/year_bench.py [--days 365] [--a-day 5000] [--folder DIR]

One order goes through both stages of a real runtime, with three items, a customer and two addresses. What that has written
into the ledger is copied for every order of the year, with ids, times, numbers of its own. Bodies stand for `keep_bodies`, as
retention leaves them; 60 orders are held and 300 wait, as on an ordinary day.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from shipperone_erp.domain.personal_data import without_people
from shipperone_erp.engine.cycle import Selection
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.sandbox import Sandbox, SandboxOrder
from web_page import served
from world import COUNTING, World

sys.path.append(str(COUNTING))

BODIES = 90
"""Days, as `keep_bodies` has them by default."""
BITS = 21
"""Low bits of an id; see `domain.ids`."""
TEMPLATE = "FO-TEMPLATE"
PERSON = {"firstname": "Jana", "lastname": "Nováková", "email": "jana@example.com", "telephone": "+421900000000"}
ADDRESS = {**PERSON, "street": "Hlavná 12/34", "city": "Bratislava", "postcode": "81101", "country_id": "SK"}
HELD, WAITING = 60, 300
PAGES = (
    "/", "/held", "/held?owner=accountant&reason=amount_unexplained", "/waiting", "/waiting?tenant=acme&from=200",
    "/order/acme/{order}", "/bodies/acme/{order}", "/search?q={order}", "/search?q=nothing-of-the-kind", "/tenant/acme",
    "/reconcile/acme", "/actions", "/actions?actor=nobody", "/doctor", "/inspect/acme", "/statusz", "/metrics", "/readyz",
)  # fmt: skip
"""Every screen, and what machines read."""
TIMES = ("since", "first_listed_at", "accepted_at", "intent_at", "outcome_at")
AT = "strftime('%Y-%m-%dT%H:%M:%f000+00:00', ({moment}) / 1000.0, 'unixepoch')"


def template(folder: Path) -> World:
    """A ledger with one order that has gone through both stages."""
    with Sandbox() as sandbox:
        sandbox.auto_ship = True
        world = World(folder, sandbox)
        for sku in ("MUG", "TEA", "BOOK"):
            world.erp.stock(sku, 10)
        order = SandboxOrder.simple(TEMPLATE, ("MUG", 2, "12.90"), ("TEA", 1, "4.50"), ("BOOK", 1, "19.90"))
        sandbox.add(replace(order, customer=PERSON, billing=ADDRESS, shipping=ADDRESS))

        async def go() -> None:
            async with Runtime(world.read()) as runtime:
                await runtime.once(Selection(), settle_for=timedelta(seconds=10))

        asyncio.run(go())
    return world


class Year:
    """Copies of the template's rows, a day at a time."""

    def __init__(self, db: sqlite3.Connection, a_day: int) -> None:
        self._db = db
        self._a_day = a_day
        db.row_factory = sqlite3.Row
        self._jobs = [dict(row) for row in db.execute("SELECT * FROM jobs ORDER BY id")]
        self._effects = [dict(row) for row in db.execute("SELECT * FROM effects ORDER BY id")]
        assert len(self._jobs) == 2, "the template's order has not gone through both stages"
        self._bare = {job["id"]: without_people(job["order_json"]) for job in self._jobs}
        db.execute("DELETE FROM effects")
        db.execute("DELETE FROM jobs")

    def add(self, day: datetime, number: int, *, erased: bool) -> None:
        """All orders of that day; `number` is that of its first order."""
        began = int(day.timestamp() * 1000)
        pace = 86_400_000 // self._a_day
        with self._db:
            for which, job in enumerate(self._jobs):
                self._insert("jobs", self._job(job, which, began, pace, number, erased))
                for place, effect in enumerate(one for one in self._effects if one["job_id"] == job["id"]):
                    self._insert("effects", self._effect(effect, which, place, began, pace, number))

    def _insert(self, table: str, values: dict[str, tuple[str, list[object]]]) -> None:
        wanted = [argument for _, arguments in values.values() for argument in arguments]
        self._db.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {self._a_day})"
            f" INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(sql for sql, _ in values.values())} FROM n",
            wanted,
        )

    def _job(self, job: dict, which: int, began: int, pace: int, number: int, erased: bool) -> dict:
        listed = f"({began} + i * {pace} + {which} * 3600000)"
        values: dict[str, tuple[str, list[object]]] = {name: ("?", [value]) for name, value in job.items()}
        for name in TIMES:
            if job.get(name) is not None:
                later = 5000 if name != "first_listed_at" else 0
                values[name] = (AT.format(moment=f"{listed} + {later}"), [])
        order = f"'FO-' || ({number} + i)"
        text = self._bare[job["id"]] if erased else job["order_json"]
        values |= {
            "id": (f"({listed} << {BITS}) + {which}", []),
            "order_id": (order, []),
            "order_json": (f"replace(?, '{TEMPLATE}', {order})", [text]),
            "key": (f"replace(?, '{TEMPLATE}', {order})", [job["key"]]),
            "content": (f"substr(?, 1, 8) || ({number} + i)", [job["content"]]),
        }
        for name in ("reference", "number", "invoice_json", "order_number"):
            if job.get(name) is not None:
                values[name] = (f"replace(?, '{TEMPLATE}', {order}) || CASE ? WHEN 'number' THEN i ELSE '' END",
                                [job[name], name])  # fmt: skip
        if erased:
            values["erased_at"] = (AT.format(moment=f"{listed} + {BODIES} * 86400000"), [])
        return values

    def _effect(self, effect: dict, which: int, place: int, began: int, pace: int, number: int) -> dict:
        listed = f"({began} + i * {pace} + {which} * 3600000)"
        values: dict[str, tuple[str, list[object]]] = {name: ("?", [value]) for name, value in effect.items()}
        order = f"'FO-' || ({number} + i)"
        values |= {
            "id": (f"(({listed} + {1000 * place}) << {BITS}) + {10 + which * 10 + place}", []),
            "job_id": (f"({listed} << {BITS}) + {which}", []),
            "key": (f"replace(?, '{TEMPLATE}', {order})", [effect["key"]]),
        }
        for name in ("intent_at", "outcome_at"):
            if effect.get(name) is not None:
                values[name] = (AT.format(moment=f"{listed} + {1000 * place + 200}"), [])
        for name in ("request", "answer"):
            if effect.get(name) is not None:
                values[name] = (f"replace(?, '{TEMPLATE}', {order})", [effect[name]])
        return values


def open_work(db: sqlite3.Connection) -> None:
    """The newest orders of the year are held, or wait for stock."""
    for stage, state, step, reason, owner, count, offset in (
        ("invoice", "held", "new", "amount_unexplained", "accountant", HELD, 0),
        ("allocation", "waiting", "new", "not_enough_stock", "nobody", WAITING, HELD),
    ):
        with db:
            db.execute(
                "UPDATE jobs SET state = ?, step = ?, reason = ?, owner = ?, open = 1, accepted_at = NULL, reference = NULL,"
                " number = NULL, invoice_json = NULL, sentence = 'as in a year''s ledger' WHERE id IN"
                " (SELECT id FROM jobs WHERE stage = ? ORDER BY id DESC LIMIT ? OFFSET ?)",
                (state, step, reason, owner, stage, count, offset),
            )


def command(file: Path, *arguments: str) -> tuple[float, float]:
    """Seconds by wall clock, and of CPU, that the command takes."""
    line = [sys.executable, "-c", "from shipperone_erp.cli import main; main()", *arguments, "-c", str(file)]
    environment = {**os.environ, "ACME_TOKEN": "a-token-of-acme", "PYTHONPATH": os.pathsep.join(sys.path)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run(line, env=environment, capture_output=True, check=False)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr.decode()
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_bytes(base: str, path: str, times: int = 9) -> tuple[float, float, float, float]:
    """Milliseconds until the first byte of a page: of the first request, the median of the others, the shortest.

    The last is the median of the CPU time: of server and client together, which are threads of one process.
    """
    took, cpu = [], []
    with httpx.Client(base_url=base, timeout=60, follow_redirects=True) as client:
        client.get("/static/page.css")  # the connection is there
        for _ in range(times):
            began, busy = time.monotonic(), time.process_time()
            with client.stream("GET", path) as answer:
                body = answer.iter_raw()
                next(body)
                took.append((time.monotonic() - began) * 1000)
                cpu.append((time.process_time() - busy) * 1000)
                for _ in body:
                    pass
            assert answer.status_code == 200, path
    return took[0], statistics.median(took[1:]), min(took), statistics.median(cpu[1:])


def main() -> None:
    """Write the year, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--a-day", type=int, default=5000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="year-"))
    folder.mkdir(exist_ok=True)
    try:
        year(folder, asked.days, asked.a_day)
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def year(folder: Path, days: int, a_day: int) -> None:
    """Write so many days into a ledger in the folder, and print what they take."""
    world = template(folder)
    file, ledger = world.file, folder / "ledger.db"
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    began = time.monotonic()
    with closing(sqlite3.connect(ledger)) as db:
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "locking_mode=EXCLUSIVE"):
            db.execute(f"PRAGMA {setting}")
        made = Year(db, a_day)
        bare = 0
        for number in range(days):
            if days - number == BODIES:
                bare = ledger.stat().st_size
            made.add(today - timedelta(days=days - number), number * a_day, erased=days - number > BODIES)
            if number % 30 == 29:
                print(f"{number + 1} days, {ledger.stat().st_size / 2**30:.2f} GiB, {time.monotonic() - began:.0f} s",
                      file=sys.stderr, flush=True)  # fmt: skip
        open_work(db)
        db.execute("PRAGMA locking_mode=NORMAL")
        db.execute("PRAGMA journal_mode=WAL")
        jobs, effects = (db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in ("jobs", "effects"))
    size = ledger.stat().st_size
    print(f"{days} days of {a_day:,} orders: {jobs:,} jobs, {effects:,} effects, {size / 2**30:.2f} GiB "
          f"({size / days / a_day / 1024:.2f} KiB an order); load {os.getloadavg()[0]:.1f}")  # fmt: skip
    if bare > 0 and days < 365:
        a_bare_day, a_day_with_bodies = bare / (days - BODIES), (size - bare) / BODIES
        whole = (a_bare_day * (365 - BODIES) + a_day_with_bodies * BODIES) / 2**30
        print(f"a day without bodies {a_bare_day / 2**20:.1f} MiB, with bodies {a_day_with_bodies / 2**20:.1f} MiB; "
              f"365 days would come to {whole:.1f} GiB (not measured)")  # fmt: skip
    last = f"FO-{days * a_day - 1000}"
    for arguments in (("orders", "--limit", "1"), ("status",), ("orders",), ("order", "show", last)):
        runs = [command(file, *arguments) for _ in range(2)]
        wall, cpu = min(runs)
        print(f"{' '.join(arguments):24} {wall:6.2f} s by wall clock, {cpu:5.2f} s of CPU (the better of two)")
    with Ledger.open(f"sqlite:///{ledger}") as opened, served(world.read(), opened) as page:
        time.sleep(2)
        for path in [path.format(order=last) for path in PAGES]:
            first, median, best, cpu = first_bytes(page.base, path)
            print(f"{path:44} first byte {first:5.0f} ms at first, {median:5.0f} ms median, {best:5.0f} ms at best; "
                  f"{cpu:5.0f} ms of CPU")  # fmt: skip
    print(json.dumps({"days": days, "a_day": a_day, "bytes": size}))


if __name__ == "__main__":
    main()
