"""`demo` and `sandbox`: a local ShipperOne for trials, imported only when used."""

import signal
import threading
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shipperone_erp.cli.options import DEFAULT_FILE, ConfigFile, configuration, print_text, settings_of
from shipperone_erp.cli.output_redaction import REDACTION
from shipperone_erp.cli.web import must_have_web
from shipperone_erp.kernel.errors import UsageError

if TYPE_CHECKING:
    from shipperone_erp.engine.runtime import Runtime
    from shipperone_erp.sandbox import Replayed


def demo(
    folder: Annotated[Path, typer.Option("--folder", help="The folder for its files.")] = Path("shipperone-demo"),
    serve: Annotated[
        bool, typer.Option("--serve", help="Keep running afterwards, with the operations page, until Ctrl-C.")
    ] = False,
) -> None:
    """Process 40 orders with a sandbox and a SQLite ERP. Needs nothing; some orders are held, with an explanation."""
    from shipperone_erp.demo.run import run_demo

    if not serve:
        raise typer.Exit(run_demo(folder, print_text))
    must_have_web()
    from shipperone_erp.web.page_server import local_page

    def page(runtime: "Runtime") -> AbstractAsyncContextManager[str]:
        return local_page(runtime.configuration, runtime.ledger, REDACTION, runtime.events)

    raise typer.Exit(run_demo(folder, print_text, page=page))


def sandbox(
    port: Annotated[int, typer.Option(help="0: any free port.")] = 0,
    orders: Annotated[int, typer.Option(min=0, help="How many orders wait in pending_allocation.")] = 40,
    seed: Annotated[int, typer.Option(help="The same seed makes the same orders.")] = 1,
    fault: Annotated[
        list[str] | None, typer.Option(help="A fault to inject, such as lost_answer:invoice:times=1 (repeatable).")
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="Add one order of this kind, such as bundle (repeatable)."),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="A file written by `capture`: its orders replace the generated ones.")
    ] = None,
    tenant: Annotated[
        str | None,
        typer.Option(
            help="With --replay: the tenant whose mapping reads them; default: the mapping that `inspect` finds."
        ),
    ] = None,
    config: ConfigFile = DEFAULT_FILE,
) -> None:
    """Run a sandbox of ShipperOne over real HTTP, until Ctrl-C."""
    from shipperone_erp.sandbox import SCENARIOS, Fault, serve

    for name in scenario or ():
        if name not in SCENARIOS:
            raise UsageError(f"there is no scenario {name}; the scenarios are {', '.join(SCENARIOS)}")
    try:
        faults = [Fault.parse(text) for text in fault or ()]
    except ValueError as error:
        raise UsageError(str(error)) from None
    listed, warehouses = _replayed(replay, tenant, config) if replay else (None, ("main", "outlet"))
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    serve(
        port=port,
        orders=orders,
        seed=seed,
        faults=faults,
        scenarios=scenario or (),
        replayed=listed,
        warehouses=warehouses,
        say=print_text,
        stopped=stopped,
    )


def _replayed(file: Path, tenant: str | None, config: Path) -> "tuple[list[Replayed], tuple[str, ...]]":
    from shipperone_erp.operations.queue_files import read_file
    from shipperone_erp.operations.replay import found_settings, replayed
    from shipperone_erp.operations.warehouse_mapping import codes_of

    queues = read_file(file)
    if tenant is None:
        settings = found_settings(queues)
    else:
        settings = settings_of(configuration(config, tenants_may_fail=True), tenant)
    return replayed(queues, settings), tuple(codes_of(queues.warehouses or ()))
