"""A service that runs for very long: does its memory grow, or its files, threads or tasks?

    nox -s soak                        120,000 cycles, the first half of them to fill every cache
    nox -s soak -- --cycles 2000
    nox -s soak -- --page              with the operations page open and its metrics scraped

One process reads both queues of a ShipperOne over HTTP as fast as it can. Now and then an order comes, in parts, short of
stock, with lost and refused answers, so that everything runs; a person ignores what is held. The slope of the memory is a linear regression over the
second half, when every cache is full.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from endurance import shop
from endurance.process import cost
from shipperone_erp.config import Configuration, load
from shipperone_erp.domain.states import State
from shipperone_erp.engine.process_settings import collect_less_often, keep_memory_together
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.kernel.redaction import Redaction
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import job_actions
from shipperone_erp.web.page_server import local_page
from world import COUNTING, Erp

SAMPLES = 200
READS_FOR_AN_ORDER = 20
"""So that every cache is full after the first half: of the numbers issued last, 1,000 are kept in mind."""
SLOPE_AT_MOST = 16 * 1024
"""Bytes for 1,000 cycles. At a poll of 30 s these take a queue eight hours: half a mebibyte in ten days."""

SETTINGS = """\
[runtime]
ledger = "sqlite:///ledger.db"
[tenants.shop]
base_url = "{base_url}"
token = {{ env = "TOKEN" }}
connector = "counting"
poll_interval = "1ms"
settle = "0.5s"
stock_retry = "1s"
gone_grace = "1s"
go_live = "now"
currency = "EUR"
[tenants.shop.counting]
database = "{erp}"
"""


@dataclass(frozen=True)
class Sample:
    """At one moment."""

    cycles: int
    rss: int
    files: int
    threads: int
    tasks: int


@dataclass(frozen=True)
class Soaked:
    """The samples of a run, and how many jobs it has done."""

    samples: tuple[Sample, ...]
    done: int
    unfinished: int
    seconds: float

    @property
    def second_half(self) -> tuple[Sample, ...]:
        return self.samples[len(self.samples) // 2 :]

    @property
    def slope(self) -> float:
        """Bytes of memory for 1,000 cycles, over the second half."""
        half = self.second_half
        line = statistics.linear_regression([sample.cycles for sample in half], [sample.rss for sample in half])
        return line.slope * 1000

    def grew(self, what: str) -> int:
        """How many more of `files`, `threads` or `tasks` there were at once in the second half than in the first."""
        first = self.samples[: len(self.samples) // 2]
        return max(getattr(s, what) for s in self.second_half) - max(getattr(s, what) for s in first)


@contextlib.asynccontextmanager
async def looked_at(configuration: Configuration, runtime: Runtime) -> AsyncIterator[None]:
    """While inside, the page is open in the same loop: its screens are read all the time, and its metrics scraped."""
    page = local_page(configuration, runtime.ledger, Redaction(), runtime.events)
    async with page as base, httpx.AsyncClient(base_url=base, timeout=60) as client:

        async def read() -> None:
            while True:
                for path in ("/", "/held", "/waiting", "/actions", "/metrics", "/statusz"):
                    answer = await client.get(path)
                    assert answer.status_code == 200, (path, answer.status_code)
                    await asyncio.sleep(0.2)

        reading = asyncio.create_task(read())
        try:
            yield
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading


async def soak(
    configuration: Configuration, running: shop.Shop, erp: Erp, cycles: int, *, page: bool = False
) -> Soaked:
    """Serve until the queues were read so often; with `page`, the operations page is open meanwhile."""
    stopping = asyncio.Event()
    samples: list[Sample] = []
    began = time.monotonic()
    async with contextlib.AsyncExitStack() as open_things:
        runtime = await open_things.enter_async_context(Runtime(configuration))
        if page:
            await open_things.enter_async_context(looked_at(configuration, runtime))
        serving = asyncio.create_task(runtime.serve(stopping))
        reads = 0
        before: tracemalloc.Snapshot | None = None
        while reads < cycles:
            await asyncio.sleep(0.05)
            reads = await asyncio.to_thread(running.reads)
            if reads < cycles * (len(samples) + 1) / SAMPLES:
                continue
            if len(samples) % 10 == 0:
                # what is short comes, and is short again
                await asyncio.to_thread(erp.stock, "TEA", cycles // SAMPLES * 11 // READS_FOR_AN_ORDER)
            await asyncio.to_thread(_ignore_what_is_held, runtime.ledger)
            now = cost(os.getpid())
            if tracemalloc.is_tracing() and before is None and reads > cycles / 2:
                gc.collect()
                before = tracemalloc.take_snapshot()
            samples.append(Sample(reads, now.rss, now.files, now.threads, len(asyncio.all_tasks())))
        if before is not None:
            gc.collect()
            _print_growth(before, tracemalloc.take_snapshot())
        stopping.set()
        await serving
        jobs = runtime.ledger.find_jobs()
    done = sum(job.state is State.DONE for job in jobs)
    return Soaked(tuple(samples), done, sum(not job.ended for job in jobs), time.monotonic() - began)


def _ignore_what_is_held(ledger: Ledger) -> None:
    for job in ledger.find_jobs(states=[State.HELD]):
        if job_actions.can_be_ended(job):
            with contextlib.suppress(UsageError):  # it has just changed
                job_actions.ignore(ledger, job, datetime.now(UTC), "the soak does not mend it")


def main() -> int:
    options = argparse.ArgumentParser(prog="nox -s soak --")
    options.add_argument("--cycles", type=int, default=120_000)
    options.add_argument("--page", action="store_true", help="with the operations page open and its metrics scraped")
    options.add_argument("--trace", action="store_true", help="say where memory has grown in the second half")
    chosen = options.parse_args()
    sys.path.append(str(COUNTING))
    collect_less_often()
    keep_memory_together()
    logging.getLogger("shipperone_erp").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory() as folder, shop.running(trickle=READS_FOR_AN_ORDER) as running:
        erp = Erp(Path(folder) / "erp.db")
        file = Path(folder) / "shipperone-erp.toml"
        file.write_text(SETTINGS.format(base_url=running.base_url, erp=erp.file))
        configuration = load(file, environment={"TOKEN": shop.TOKEN})
        if chosen.trace:
            tracemalloc.start(8)
        soaked = asyncio.run(soak(configuration, running, erp, chosen.cycles, page=chosen.page))
    _print(soaked)
    grew = {what: soaked.grew(what) for what in ("files", "threads", "tasks")}
    bad = soaked.slope > SLOPE_AT_MOST or any(more > 8 for more in grew.values())
    print("it grows" if bad else "it does not grow")
    return 1 if bad else 0


def _print_growth(before: tracemalloc.Snapshot, after: tracemalloc.Snapshot) -> None:
    """The places whose memory has grown most since `before`."""
    for grown in after.compare_to(before, "traceback")[:12]:
        print(f"{grown.size_diff / 1024:+8.0f} KiB in {grown.count_diff:+} pieces")
        print("\n".join(grown.traceback.format()))


def _print(soaked: Soaked) -> None:
    print(" cycles   RSS MiB   files   threads   tasks")
    step = max(1, len(soaked.samples) // 10)
    for sample in soaked.samples[step - 1 :: step]:
        print(
            f"{sample.cycles:7}   {sample.rss / 2**20:7.1f}   {sample.files:5}   {sample.threads:7}   {sample.tasks:5}"
        )
    print(
        f"{soaked.samples[-1].cycles} cycles in {soaked.seconds:.0f} s; {soaked.done} jobs done, "
        f"{soaked.unfinished} unfinished"
    )
    print(f"slope of the memory over the second half: {soaked.slope:+.0f} bytes for 1,000 cycles")


if __name__ == "__main__":
    sys.exit(main())
