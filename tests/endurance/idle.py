"""What it costs to have nothing to do.

    nox -s idle                       1,000 tenants without an order, polled every 30 s; then 3,000 orders that wait
    nox -s idle -- --tenants 200 --seconds 60 --orders 500

Tenants: a real `shipperone-erp run` with both stages each, their TOML by `include`. CPU is that process's alone.
Orders: all short of stock and not due; a cycle reads the pages, compares them with the ledger and plans.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from endurance import shop
from endurance.process import cost
from places import TESTS
from shipperone_erp.config import Configuration, load
from shipperone_erp.domain.decisions import NoAction
from shipperone_erp.domain.planner import plan
from shipperone_erp.domain.planner_input import PlannerRules
from shipperone_erp.domain.states import Stage
from shipperone_erp.engine.planner_input_loader import load_planner_input
from shipperone_erp.engine.process_settings import collect_less_often, keep_memory_together
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.engine.selection import Selection
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import QueueReader
from world import COUNTING, Erp

COMMAND = "from shipperone_erp.cli import main; main()"
SLOW = TESTS / "bench"
IN_ONE_FILE = 100
RESTS_AFTER = 40.0
"""Seconds from the first read of all queues until each was read again: from then on, unchanged queues are at rest."""

MEBIBYTE = 2**20

RUNTIME = """\
[runtime]
ledger = "sqlite:///ledger.db"
include = ["tenants.d/*.toml"]
[defaults]
go_live = "now"
currency = "EUR"
"""


def tenants(folder: Path, base_url: str, count: int) -> Path:
    """A configuration of so many tenants, a hundred in each included file."""
    file = folder / "shipperone-erp.toml"
    file.write_text(RUNTIME + 'poll_interval = "30s"\n')
    (folder / "tenants.d").mkdir()
    for first in range(0, count, IN_ONE_FILE):
        text = "".join(
            f'[tenants.shop{number}]\nbase_url = "{base_url}"\nstore_code = "store{number}"\n'
            'token = { env = "TOKEN" }\nconnector = "slow"\n'
            for number in range(first, min(first + IN_ONE_FILE, count))
        )
        (folder / "tenants.d" / f"{first}.toml").write_text(text)
    return file


def idle_tenants(count: int, seconds: float) -> None:
    """Start them, wait until every queue was read, and measure."""
    with tempfile.TemporaryDirectory() as folder, shop.running() as running:
        file = tenants(Path(folder), running.base_url, count)
        log = Path(folder) / "log"
        environment = {**os.environ, "PYTHONPATH": str(SLOW), "TOKEN": shop.TOKEN}
        Ledger.open(f"sqlite:///{folder}/ledger.db", migrate=True).close()  # as at every start but the first
        began = time.monotonic()
        with log.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, "run", "-c", str(file)], stdout=out, stderr=out, env=environment
            )
        try:
            while running.reads() < 2 * count:
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
            start, started = cost(process.pid), time.monotonic() - began
            time.sleep(RESTS_AFTER)
            reads, before, at = running.reads(), cost(process.pid), time.monotonic()
            time.sleep(seconds)
            after, passed, more = cost(process.pid), time.monotonic() - at, running.reads() - reads
        finally:
            process.kill()
            process.wait()
        log_text = log.read_text().strip()
    used = (after.cpu_seconds - before.cpu_seconds) * 60 / passed
    print(f"{count} idle tenants, both stages, poll_interval 30s, SQLite")
    print(f"  until every queue was read    {started:8.1f} s, {start.cpu_seconds:.1f} s of CPU")
    print(f"  CPU                           {used:8.2f} s a minute")
    print(f"  cycles                        {more * 60 / passed:8.0f} a minute")
    print(f"  CPU of a cycle                {(after.cpu_seconds - before.cpu_seconds) / more * 1000:8.2f} ms")
    print(f"  RSS                           {after.rss / MEBIBYTE:8.0f} MiB")
    print(f"  threads, open files           {after.threads:8} {after.files}", flush=True)
    if log_text:
        print(f"  it logged: {log_text[:2000]}")


def waiting_orders(count: int) -> None:
    """Let them all run short once; then measure cycles in which nothing is due."""
    with tempfile.TemporaryDirectory() as folder, shop.running(orders=count) as running:
        erp = Erp(Path(folder) / "erp.db")
        for number in range(1, 41):
            erp.stock(f"SKU-{number:03}", 0)
        file = Path(folder) / "shipperone-erp.toml"
        file.write_text(
            f'{RUNTIME}stock_retry = "6h"\n[tenants.shop]\nbase_url = "{running.base_url}"\n'
            f'token = {{ env = "TOKEN" }}\nconnector = "counting"\n[tenants.shop.counting]\ndatabase = "{erp.file}"\n'
        )
        (Path(folder) / "tenants.d").mkdir()
        asyncio.run(_cycles(file, count))


async def _planning(configuration: Configuration, ledger: Ledger, count: int) -> None:
    """What a cycle spends on these orders beside reading ShipperOne's pages: the ledger's jobs, and the plan."""
    settings = configuration.tenants["shop"]
    client = ShipperOne(Account("shop", settings.base_url, settings.store_code, settings.token))
    rules = PlannerRules(settings, Stage.ALLOCATION)
    listing = await QueueReader(client, Stage.ALLOCATION, OrderWire.of(settings, Stage.ALLOCATION)).read()
    assert len(listing.orders) == count
    for number in range(1, 4):
        began = time.process_time()
        planner_input, _ = load_planner_input(ledger, rules, listing, go_live=settings.go_live, shipped={})
        loaded = time.process_time()
        decisions = plan(rules, listing, planner_input, utc_now())
        planned = time.process_time()
        assert all(isinstance(decision, NoAction) for decision in decisions)
        print(
            f"  plan {number}: {(loaded - began) * 1000:5.0f} ms of CPU to read {len(planner_input.jobs)} jobs, "
            f"{(planned - loaded) * 1000:.0f} ms to plan"
        )
    await client.aclose()


async def _service_cycles(runtime: Runtime) -> None:
    """The cycles of a service under one lease; the first plans in full, the others find nothing changed."""
    (tenant,) = runtime.tenants
    runs = {}
    for stage in Stage:
        lease = await runtime._keeper.take(f"{tenant.name}/{stage}")
        runs[stage] = await tenant.stage(stage, lease)
    for number in range(1, 6):
        await runtime._shared.signals.look()
        await runs[Stage.INVOICE].cycle(Selection(), wait=True)
        used, at = time.process_time(), time.perf_counter()
        await runs[Stage.ALLOCATION].cycle(Selection(), wait=True)
        spent, took = time.process_time() - used, time.perf_counter() - at
        print(f"  cycle {number} of a service: {spent * 1000:6.0f} ms of CPU, {took * 1000:6.0f} ms in all")


async def _cycles(file: Path, count: int) -> None:
    configuration = load(file, environment={"TOKEN": shop.TOKEN})
    async with Runtime(configuration) as runtime:

        def hook_calls() -> int:
            return sum(len(runtime.ledger.effects(job.id)) for job in runtime.ledger.find_jobs())

        began = time.monotonic()
        await runtime.once(settle_for=timedelta(0))
        calls = hook_calls()
        assert calls == count, f"{calls} hook calls for {count} orders"
        print(f"{count} orders that all wait for stock ({time.monotonic() - began:.0f} s for the first attempt of all)")
        for number in range(1, 6):
            used, at = time.process_time(), time.perf_counter()
            await runtime.once(settle_for=timedelta(0))
            spent, took = time.process_time() - used, time.perf_counter() - at
            print(f"  run --once {number}: {spent * 1000:6.0f} ms of CPU, {took * 1000:6.0f} ms in all")
        await _service_cycles(runtime)
        await _planning(configuration, runtime.ledger, count)
        print(f"  hook calls in these cycles: {hook_calls() - calls}", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(prog="nox -s idle --")
    options.add_argument("--tenants", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=90)
    options.add_argument("--orders", type=int, default=3000)
    chosen = options.parse_args()
    sys.path.append(str(COUNTING))
    collect_less_often()
    keep_memory_together()
    if chosen.orders:
        waiting_orders(chosen.orders)
    if chosen.tenants:
        idle_tenants(chosen.tenants, chosen.seconds)


if __name__ == "__main__":
    main()
