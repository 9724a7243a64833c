"""Runs the demo: most orders are processed, some held, one needs an operator. All output is computed from the run."""

import asyncio
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

from shipperone_erp.config import load
from shipperone_erp.demo.erp import DemoErp
from shipperone_erp.demo.sample_orders import LOST, MISMATCH, PERSON, SHORTAGE, STORIES, TRANSFER, orders, stock
from shipperone_erp.demo.summary import summary_lines
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.kernel import private_files
from shipperone_erp.sandbox import Fault, Sandbox

SETTLE_FOR = timedelta(seconds=25)
PEOPLE_TAKE = 2.0
"""Seconds until the simulated staff receives goods, or unloads a transfer."""

FILES = ("shipperone-erp.toml", "ledger.db", "ledger.db-wal", "ledger.db-shm", "erp.db", "erp.db-wal", "erp.db-shm")

CONFIGURATION = """\
# Written by `shipperone-erp demo`. ShipperOne's sandbox at this address ended with the demo.
[runtime]
ledger = "sqlite:///ledger.db"

[tenants.demo]
base_url = "{base_url}"
store_code = "default"
token = {{ env = "DEMO_TOKEN" }}
connector = "generic_sql"
currency = "EUR"
timezone = "Europe/Bratislava"
go_live = "now"        # a real tenant starts with "ask"
settle = "2s"          # short, for the demo
stock_retry = "3s"

{connector}"""

Say = Callable[[str], None]
Page = Callable[[Runtime], AbstractAsyncContextManager[str]]
"""A context manager that serves the operations page, and yields its address."""


def run_demo(folder: Path, say: Say, *, seed: int = 7, page: Page | None = None) -> int:
    """Run it in that folder (files of an earlier demo there are replaced) and print a summary. Returns an exit code.

    With `page` it continues as a service with the page, until SIGINT or SIGTERM.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    listed = orders(seed)
    with Sandbox() as sandbox:
        erp = DemoErp(folder / "erp.db", stock(listed))
        sandbox.auto_ship = True
        for order in listed:
            sandbox.add(order)
        _trouble(sandbox)
        file = folder / "shipperone-erp.toml"
        connector = erp.recipe.for_tenant("demo")
        with private_files.written(file) as written:
            written.write(CONFIGURATION.format(base_url=sandbox.base_url, connector=connector))
        say(f"{len(listed)} orders wait at ShipperOne's sandbox, {sandbox.base_url}; the ERP is {folder / 'erp.db'}")
        say("")
        return asyncio.run(_run(file, sandbox, erp, len(listed), say, page))


def _trouble(sandbox: Sandbox) -> None:
    def dearer(raw: dict[str, object]) -> dict[str, object]:
        return {**raw, "shipping_amount_incl_tax": 7, "total_incl_tax": 96}

    sandbox.faults.add(Fault("lost_answer", action="invoice", order_id=LOST, times=1))
    changes = Fault(
        "call", action="invoice", order_id=MISMATCH, times=1, payload=lambda post: sandbox.change(MISMATCH, dearer)
    )
    sandbox.faults.add(changes)


async def _run(file: Path, sandbox: Sandbox, erp: DemoErp, count: int, say: Say, page: Page | None) -> int:
    configuration = load(file, environment={"DEMO_TOKEN": sandbox.token})
    began = time.monotonic()
    teller = _Teller(say, erp, count, began)
    async with Runtime(configuration, observers=[teller.changed]) as runtime:
        await runtime.once(settle_for=SETTLE_FOR)
        seconds = time.monotonic() - began
        say("")
        for line in summary_lines(runtime.ledger, sandbox, erp.counted(), count, seconds):
            say(line)
        if page is not None:
            await _serve(runtime, page, say)
    folder = file.parent
    say("")
    say(f"Files: {file} (the configuration), {folder / 'ledger.db'}, {folder / 'erp.db'}")
    say("Type next:")
    # a virtual environment that is not activated has the command beside the running one
    command = "shipperone-erp" if shutil.which("shipperone-erp") else sys.argv[0]
    say(f"  export DEMO_TOKEN=any; {command} orders -c {file}")
    say(f"  {command} order show {PERSON} -c {file}")
    say(f"  {command} explain amount_unexplained")
    return 0


async def _serve(runtime: Runtime, page: Page, say: Say) -> None:
    """Continue the same runtime as a service: actions on the page take effect at once."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with page(runtime) as address:
        say("")
        say(f"The operations page: {address}   (Ctrl-C ends the demo)")
        say(f"One order needs an operator: {address}/order/demo/{PERSON}")
        await runtime.serve(stopping)


class _Teller:
    """Prints events as they happen, and triggers the actions of the simulated staff."""

    def __init__(self, say: Say, erp: DemoErp, count: int, began: float) -> None:
        self._say = say
        self._erp = erp
        self._count = count
        self._began = began
        self._done = 0
        self._people: set[str] = set()

    def changed(self, before: Job | None, after: Job) -> None:
        """Observes a change of a job."""
        if before is not None and (before.state, before.reason) == (after.state, after.reason):
            return
        if after.state in (State.NEW, State.WORKING):
            return
        if after.order_id in STORIES:
            why = f" {after.reason}: {after.sentence}" if after.reason else ""
            made = f" {after.number or after.reference}" if after.state is State.DONE else ""
            self._print(f"{after.order_id:<12} {after.stage:<10} {after.state}{made}{why}")
        if after.state is State.DONE:
            self._done += 1
            if self._done % 20 == 0:
                self._print(f"{self._done} jobs done")
        self._work_in_the_warehouse(after)

    def _work_in_the_warehouse(self, job: Job) -> None:
        if job.stage is not Stage.ALLOCATION or job.state is not State.WAITING or job.order_id in self._people:
            return
        self._people.add(job.order_id)
        loop = asyncio.get_running_loop()
        if job.order_id == SHORTAGE:
            loop.call_later(PEOPLE_TAKE, self._receive)
        elif job.order_id == TRANSFER:
            loop.call_later(PEOPLE_TAKE, self._unload)

    def _receive(self) -> None:
        self._erp.receive("main", "VASE", 5)
        self._print("the warehouse receives 5 VASE")

    def _unload(self) -> None:
        self._erp.unload_transfers()
        self._print("the transfer from the outlet is unloaded")

    def _print(self, text: str) -> None:
        self._say(f"{time.monotonic() - self._began:5.1f} s  {text}")
