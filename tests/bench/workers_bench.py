"""Workers of a fleet on one PostgreSQL: orders a second of 1, 2 and 4, latency of an order, takeover after SIGKILL.

    nox -s bench_fleet                              all of it, in some minutes
    nox -s bench_fleet -- --only throughput --workers 1,2

Each worker is a process of its own, and so are the sandboxes. A rate is that from the first order's listing until nine
of ten orders are invoiced, so that neither a worker's start nor the last tenant counts. CPU is that of the workers alone.
"""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

HERE = Path(__file__).parent
for place in (HERE, HERE.parent, HERE.parent / "support"):
    sys.path.insert(0, str(place))

from endurance.process import cost  # noqa: E402
from ledger_databases import empty_postgresql, running_postgresql  # noqa: E402
from shipperone_erp.domain.states import Stage, State  # noqa: E402
from shipperone_erp.fleet import schema_upgrade  # noqa: E402
from shipperone_erp.ledger.fleet_store import FleetStore  # noqa: E402
from shipperone_erp.ledger.repository import Ledger  # noqa: E402
from shipperone_erp.sandbox import Fault, Post, Sandbox, generate  # noqa: E402

COMMAND = "from shipperone_erp.cli import main; main()"
STALLED = 20.0
"""The default, with which takeovers are measured."""


@dataclass(frozen=True)
class Load:
    """What each shop's ERP allows, and how many orders there are."""

    seconds: float
    concurrency: int
    orders: int

    @property
    def at_most(self) -> float:
        """Orders a second of one shop: three hooks an order."""
        return self.concurrency / (3 * self.seconds)


SLOW = Load(seconds=0.2, concurrency=4, orders=80)
FAST = Load(seconds=0.02, concurrency=8, orders=125)


class Fleet:
    """So many workers on an empty ledger; `urls` are the shops' addresses."""

    def __init__(self, folder: Path, server: str, urls: Sequence[str], load: Load, stack: ExitStack, poll: str) -> None:
        self.tenants = [f"shop{number:03}" for number in range(len(urls))]
        self._folder = folder
        self._stack = stack
        self._file = folder / "shipperone-erp.toml"
        url = stack.enter_context(empty_postgresql(server))
        self._file.write_text(
            f'[runtime]\nledger = "{url}"\n[runtime.fleet]\nheavy = 1000000\n[defaults]\nconnector = "slow"\n'
            f'token = {{ env = "BENCH_TOKEN" }}\ngo_live = "now"\ncurrency = "EUR"\npoll_interval = "{poll}"\n'
            f"concurrency = {load.concurrency}\n[defaults.slow]\nseconds = {load.seconds}\n"
            + "".join(f'[tenants.{name}]\nbase_url = "{at}"\n' for name, at in zip(self.tenants, urls, strict=True))
        )
        self.ledger = stack.enter_context(Ledger.open(url, migrate=True))
        store = self.ledger.fleet()
        assert store is not None
        self.store: FleetStore = store
        schema_upgrade.prepare(store)
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self, count: int) -> None:
        """Start the workers; returns once each tenant has a group of its own and the groups are divided among them."""
        for _ in range(count):
            log = self._stack.enter_context((self._folder / f"worker{len(self.workers)}.log").open("w"))
            process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, "worker", "-c", str(self._file), "--name", f"w{len(self.workers)}"],
                env={**os.environ, "BENCH_TOKEN": "bench", "PYTHONPATH": str(HERE)}, stdout=log, stderr=log,
            )  # fmt: skip
            self._stack.callback(process.wait)
            self._stack.callback(process.kill)
            self.workers.append(process)
        until(lambda: len(self.store.tenants(stalled=STALLED)) == len(self.tenants))
        for tenant in self.tenants:
            self.store.part(tenant)
        most = -(-len(self.tenants) // len(self.workers)) + 1
        until(lambda: sum(self._served()) == len(self.tenants) and max(self._served()) <= most, 180)

    def _served(self) -> list[int]:
        return [row.tenants for row in self.store.workers(stalled=STALLED)] or [0]

    def cpu(self) -> float:
        """Seconds of all workers."""
        return sum(cost(process.pid).cpu_seconds for process in self.workers)

    def done(self) -> int:
        """Orders whose invoice is issued."""
        return len(self.ledger.find_jobs(stage=Stage.INVOICE, states=[State.DONE]))


def until(true: Callable[[], bool], seconds: float = 600.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends:
            raise TimeoutError(f"it did not come true within {seconds:g} s")
        time.sleep(0.1)


@contextmanager
def shops(count: int, orders: int) -> Iterator[tuple[list[str], Callable[[], None]]]:
    """Their addresses, and what lists their orders."""
    arguments = [sys.executable, str(HERE / "shops_process.py"), str(count), str(orders)]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    into = process.stdin

    def go() -> None:
        into.write("\n")
        into.flush()

    try:
        yield process.stdout.readline().split(), go
    finally:
        process.kill()
        process.wait()


def throughput(server: str, workers: int, tenants: int, load: Load) -> tuple[float, float]:
    """Orders a second, and CPU milliseconds an order."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls, go = stack.enter_context(shops(tenants, load.orders))
        fleet = Fleet(folder, server, urls, load, stack, poll="2s")
        fleet.start(workers)
        used = fleet.cpu()
        go()
        orders = tenants * load.orders
        until(lambda: fleet.done() == orders)
        used = fleet.cpu() - used
        ended = sorted(job.since for job in fleet.ledger.find_jobs(stage=Stage.INVOICE, states=[State.DONE]))
        first = min(job.first_listed_at for job in fleet.ledger.find_jobs(stage=Stage.ALLOCATION))
        most = orders * 9 // 10
        return most / (ended[most - 1] - first).total_seconds(), 1000 * used / orders


def side_by_side(server: str, title: str, rows: Sequence[tuple[int, int]], load: Load) -> None:
    """A line for each number of workers and tenants, beside the first."""
    print(f"{title}; {load.concurrency} calls at once, {load.seconds * 1000:g} ms each")
    print("workers  tenants  at most   orders/s  times  CPU ms/order", flush=True)
    one = 0.0
    for workers, tenants in rows:
        speed, used = throughput(server, workers, tenants, load)
        one = one or speed
        most = tenants * load.at_most
        print(f"{workers:7}  {tenants:7}  {most:5.0f}/s  {speed:8.1f}  {speed / one:5.2f}  {used:12.1f}", flush=True)


@contextmanager
def watched(count: int) -> Iterator[tuple[list[Sandbox], dict[tuple[int, str], float]]]:
    """Sandboxes in this process, and when each order of each of them was confirmed as allocated."""
    confirmed: dict[tuple[int, str], float] = {}
    with ExitStack() as stack:
        sandboxes = [stack.enter_context(Sandbox(token="bench")) for _ in range(count)]
        for number, sandbox in enumerate(sandboxes):

            def seen(post: Post, number: int = number) -> None:
                confirmed.setdefault((number, post.order_id or ""), time.monotonic())

            sandbox.faults.add(Fault("call", action="allocate", payload=seen))
        yield sandboxes, confirmed


def latency(server: str, orders: int) -> None:
    """From the moment in which ShipperOne lists an order to the POST that confirms it, one order after another."""
    chance = random.Random(1)
    with ExitStack() as stack:
        sandboxes, confirmed = stack.enter_context(watched(8))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleet = Fleet(folder, server, [one.base_url for one in sandboxes], FAST, stack, poll="1s")
        fleet.start(1)
        listed: dict[tuple[int, str], float] = {}
        for order in generate(orders, seed=1):
            shop = chance.randrange(len(sandboxes))
            listed[shop, order.order_id] = time.monotonic()
            sandboxes[shop].add(order)
            time.sleep(chance.uniform(0.1, 0.5))
        until(lambda: confirmed.keys() >= listed.keys())
        whole = [confirmed[key] - listed[key] for key in listed]
        jobs = fleet.ledger.find_jobs(stage=Stage.ALLOCATION)
        read = [(job.accepted_at - job.first_listed_at) / timedelta(seconds=1) for job in jobs if job.accepted_at]
    print(f"latency of {orders} orders, poll_interval 1 s, reserve_stock {FAST.seconds * 1000:g} ms")
    for what, found in (("listed at ShipperOne until confirmed", whole), ("first read until confirmed", read)):
        print(f"  {what:38} median {statistics.median(found):.2f} s, most {max(found):.2f} s", flush=True)


def takeovers(server: str, times: int) -> None:
    """After SIGKILL, with the default times, until an order of each tenant of the killed worker is confirmed."""
    took = []
    for _ in range(times):
        with ExitStack() as stack:
            sandboxes, confirmed = stack.enter_context(watched(6))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            fleet = Fleet(folder, server, [one.base_url for one in sandboxes], FAST, stack, poll="1s")
            fleet.start(2)
            until(lambda fleet=fleet: len({row.worker for row in fleet.store.tenants(stalled=STALLED)}) == 2)
            rows = fleet.store.tenants(stalled=STALLED)
            its = [fleet.tenants.index(row.tenant) for row in rows if row.worker == "w0"]
            fleet.workers[0].send_signal(signal.SIGKILL)
            killed = time.monotonic()
            (order,) = generate(1, seed=1)
            for shop in its:
                sandboxes[shop].add(order)
            until(lambda its=its, order=order, confirmed=confirmed: all((n, order.order_id) in confirmed for n in its))
            took.append(max(confirmed[shop, order.order_id] for shop in its) - killed)
    found = ", ".join(f"{seconds:.0f}" for seconds in took)
    print(f"takeover after SIGKILL, default times: {found} s until the last tenant's order was confirmed", flush=True)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--only", choices=["throughput", "latency", "takeover"])
    options.add_argument("--workers", default="1,2,4")
    options.add_argument("--tenants", type=int, default=8, help="of each worker")
    options.add_argument("--orders", type=int, default=100, help="of the latency")
    options.add_argument("--takeovers", type=int, default=3)
    chosen = options.parse_args()
    workers = [int(number) for number in chosen.workers.split(",")]
    with running_postgresql() as server:
        if chosen.only in (None, "throughput"):
            own = [(number, number * chosen.tenants) for number in workers]
            side_by_side(server, "as many tenants for each worker, a slow ERP", own, SLOW)
            same = [(number, 2 * chosen.tenants) for number in workers]
            side_by_side(server, "the same tenants for all workers, a fast ERP", same, FAST)
        if chosen.only in (None, "latency"):
            latency(server, chosen.orders)
        if chosen.only in (None, "takeover"):
            takeovers(server, chosen.takeovers)


if __name__ == "__main__":
    main()
