"""Orders per second and CPU per order, with the ledger and without it, on the same ERP and sandbox in one run.

    nox -s bench                        2,000 orders, concurrency 32, three rounds
    nox -s bench -- --concurrency 8     where the ERP is what bounds it
    nox -s bench -- --sizes 200,20000   cost per order at several sizes
    nox -s bench -- --calls             function calls per order in the event loop's thread: the same at any load

The bare loop does what the runtime does to the outside (reads the queues, calls the same hooks in as many threads,
posts the same bodies over the same client) and keeps nothing: no ledger, no plan, no comparison.
"""

import argparse
import asyncio
import cProfile
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from pydantic import SecretStr  # noqa: E402
from slow_erp import TAKES, NoErpSettings, SlowErp  # noqa: E402

from shipperone_erp import BuildInvoice, FulfillmentOrder, IssueInvoice, ReserveStock  # noqa: E402
from shipperone_erp.config import Configuration, load  # noqa: E402
from shipperone_erp.domain.exit_codes import Ending  # noqa: E402
from shipperone_erp.domain.states import Stage  # noqa: E402
from shipperone_erp.engine.hook_threads import HookThreads  # noqa: E402
from shipperone_erp.engine.process_settings import collect_less_often  # noqa: E402
from shipperone_erp.engine.runtime import Runtime  # noqa: E402
from shipperone_erp.ledger.repository import Ledger  # noqa: E402
from shipperone_erp.shipperone.account import Account  # noqa: E402
from shipperone_erp.shipperone.client import ShipperOne  # noqa: E402
from shipperone_erp.shipperone.http_exchange import ExchangeLimits, HttpExchange  # noqa: E402
from shipperone_erp.shipperone.order_parser import OrderWire  # noqa: E402
from shipperone_erp.shipperone.queue_reader import QueueReader  # noqa: E402
from shipperone_erp.shipperone.request_bodies import confirmation_body  # noqa: E402


@asynccontextmanager
async def sandbox(orders: int) -> AsyncIterator[str]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "sandbox_process.py"), str(orders)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


async def bare(base_url: str, orders: int, concurrency: int) -> None:
    account = Account("bench", base_url, "default", SecretStr("bench"))
    client = ShipperOne(account, HttpExchange(account.root, ExchangeLimits(concurrency)))
    erp = SlowErp(NoErpSettings(), tenant="bench")
    threads = HookThreads("bench", concurrency)

    async def allocate(order: FulfillmentOrder) -> None:
        await threads.run(erp.reserve_stock, ReserveStock(order.order_id, order, 1, "arrived"), deadline=60)
        await client.confirm(Stage.ALLOCATION, confirmation_body(Stage.ALLOCATION, order))

    async def invoice(order: FulfillmentOrder) -> None:
        built = await threads.run(erp.build_invoice, BuildInvoice(order.order_id, order, 1, None, ()), deadline=60)
        await client.confirm(Stage.INVOICE, confirmation_body(Stage.INVOICE, order))
        await threads.run(erp.issue_invoice, IssueInvoice(order.order_id, built, order, None), deadline=60)

    async def stage(which: Stage, work: Callable[[FulfillmentOrder], Awaitable[None]]) -> int:
        listing = await QueueReader(client, which, OrderWire({})).read()
        waiting = iter([listed.order for listed in listing.orders.values()])

        async def worker() -> None:
            for order in waiting:
                await work(order)

        # as many at once as the runtime has in flight: what waits for ShipperOne holds no thread
        await asyncio.gather(*(worker() for _ in range(3 * concurrency)))
        return len(listing.orders)

    assert await stage(Stage.ALLOCATION, allocate) == orders
    assert await stage(Stage.INVOICE, invoice) == orders
    await client.aclose()
    threads.close()


def configured(folder: Path, base_url: str, concurrency: int) -> Configuration:
    """A tenant whose ledger is there already, as it is on every day but the first."""
    file = folder / "shipperone-erp.toml"
    file.write_text(
        f'''
[runtime]
ledger = "sqlite:///ledger.db"
[tenants.bench]
base_url = "{base_url}"
store_code = "default"
token = {{ env = "BENCH_TOKEN" }}
connector = "slow"
concurrency = {concurrency}
go_live = "now"
currency = "EUR"
'''
    )
    configuration = load(file, environment={"BENCH_TOKEN": "bench"})
    Ledger.open(configuration.runtime.ledger, migrate=True).close()
    return configuration


async def with_ledger(configuration: Configuration, orders: int) -> None:
    async with Runtime(configuration) as runtime:
        endings = await runtime.once(settle_for=timedelta(seconds=30))
        assert endings["bench"].ending is Ending.FINISHED, endings
        done = [job for job in runtime.ledger.find_jobs() if job.step == "done"]
        assert len(done) == 2 * orders, len(done)


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(arm: str, orders: int, concurrency: int) -> tuple[float, float]:
    """Orders a second, and CPU milliseconds an order in this process, through both stages."""
    async with sandbox(orders) as base_url:
        with tempfile.TemporaryDirectory() as folder:
            configuration = configured(Path(folder), base_url, concurrency)
            began, used = time.perf_counter(), cpu()
            if arm == "bare":
                await bare(base_url, orders, concurrency)
            else:
                await with_ledger(configuration, orders)
            return orders / (time.perf_counter() - began), (cpu() - used) * 1000 / orders


async def calls(arm: str, orders: int, concurrency: int) -> float:
    """Function calls an order in the event loop's thread, those of libraries and of the interpreter included."""
    profile = cProfile.Profile()
    profile.enable()
    try:
        await measure(arm, orders, concurrency)
    finally:
        profile.disable()
    return sum(entry.callcount for entry in profile.getstats()) / orders


async def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--orders", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--concurrency", type=int, default=32)
    options.add_argument("--sizes", default="")
    options.add_argument("--calls", action="store_true")
    chosen = options.parse_args()
    collect_less_often()
    if chosen.calls:
        for arm in ("bare", "ledger"):
            print(f"{arm:6}   {await calls(arm, chosen.orders, chosen.concurrency):8.0f} calls an order")
        return
    if chosen.sizes:
        print("orders   orders/s   CPU ms/order")
        for size in map(int, chosen.sizes.split(",")):
            speed, used = await measure("ledger", size, chosen.concurrency)
            print(f"{size:6}   {speed:8.0f}   {used:12.2f}")
        return
    most = chosen.concurrency / (3 * TAKES)
    print(
        f"{chosen.orders} orders through both stages; 3 hooks of 20 ms each, {chosen.concurrency} at once: at most {most:.0f}/s"
    )
    print("round   bare loop            with ledger          ratio")
    ratios = []
    for number in range(1, chosen.rounds + 1):
        plain, plain_cpu = await measure("bare", chosen.orders, chosen.concurrency)
        kept, kept_cpu = await measure("ledger", chosen.orders, chosen.concurrency)
        ratios.append(kept / plain)
        print(
            f"{number:5}   {plain:5.0f}/s {plain_cpu:5.2f} ms     {kept:5.0f}/s {kept_cpu:5.2f} ms     {ratios[-1]:.2f}"
        )
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    asyncio.run(main())
