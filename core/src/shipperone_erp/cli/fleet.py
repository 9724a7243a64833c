"""`worker`: one of many processes on one ledger; lists and drains workers. Needs the extra fleet."""

import importlib.util
import logging
import os
import socket
from typing import Annotated

import typer

from shipperone_erp.cli.logs import LogForm, start_logging
from shipperone_erp.cli.options import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    configuration,
    ledger_to_read,
    print_json,
    print_text,
)
from shipperone_erp.cli.tables import print_table
from shipperone_erp.cli.web import must_have_web
from shipperone_erp.config import Configuration
from shipperone_erp.kernel.errors import LedgerError, UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.fleet_report import fleet_of, worker_rows

NOT_POSTGRESQL = LedgerError(
    'a fleet of workers needs a ledger on PostgreSQL: [runtime] ledger = "postgresql+psycopg://…". One process with a '
    "SQLite ledger is `shipperone-erp run`",
    exit_code=78,
)

app = typer.Typer(
    help="Serve a share of the tenants; list the workers, drain one. Many workers share one ledger on PostgreSQL."
)


@app.callback(invoke_without_command=True)
def worker(
    context: typer.Context,
    config: ConfigFile = DEFAULT_FILE,
    name: Annotated[
        str | None, typer.Option(help="The worker's name in `worker list`.", show_default="HOST-PID")
    ] = None,
    log: Annotated[LogForm, typer.Option(help="auto: text on a terminal, else JSON lines.")] = LogForm.AUTO,
) -> None:
    """Serve groups of tenants, together with other workers on the same ledger, until SIGTERM or Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    console = start_logging(log)
    loaded = configuration(config, only=())
    _must_be_postgresql(loaded)
    for package in ("procrastinate", "psycopg_pool"):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"a worker needs {package}, which is not installed: pip install 'shipperone-erp[fleet]'")
    shown = None
    if loaded.runtime.http is not None:
        must_have_web()
        shown = configuration(config, tenants_may_fail=True)  # the page lists the tenants of all workers
    from shipperone_erp.cli.run import serve
    from shipperone_erp.engine.runtime import Runtime
    from shipperone_erp.engine.scheduling import Scheduler
    from shipperone_erp.fleet.scheduler import FleetScheduler
    from shipperone_erp.fleet.schema_upgrade import prepare
    from shipperone_erp.fleet.upkeep import FleetUpkeep, LoadCounter

    called = name or f"{socket.gethostname()}-{os.getpid()}"

    def scheduled(runtime: Runtime) -> Scheduler:
        if (store := runtime.ledger.fleet()) is None:
            raise NOT_POSTGRESQL
        prepare(store)
        load = LoadCounter()
        runtime.events.add(load)
        runtime.limits.share(store)
        log = logging.getLogger("shipperone_erp.fleet")
        upkeep = FleetUpkeep(store, load, loaded.runtime.fleet.heavy, runtime.limits, log)
        return FleetScheduler(loaded, store, upkeep, name=called, log=log)

    serve(loaded, [], console=console, scheduled=scheduled, shown_here=shown)


@app.command("list")
def list_(config: ConfigFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """The workers: whether each is alive, what it serves. And which tenants it refuses, with the reason."""
    loaded = configuration(config, only=())
    with ledger_to_read(loaded) as ledger:
        store = fleet_of(ledger)
        rows = worker_rows(store, loaded.runtime.fleet) if store is not None else []
    if as_json:
        print_json(rows)
        return
    columns = ("worker", "state", "groups", "tenants", "hand_outs", "version", "seen_at")
    print_table(columns, [[row[column] for column in columns] for row in rows])
    for row in rows:
        for refusal in row["refuses"]:
            print_text(f"{row['worker']} does not serve {refusal['tenant']}: {refusal['sentence']}")


@app.command("drain")
def drain(
    name: Annotated[str, typer.Argument(help="A name of `worker list`.")], config: ConfigFile = DEFAULT_FILE
) -> None:
    """Let a worker hand its groups over to the others. It accepts none until it is restarted."""
    loaded = configuration(config, only=())
    _must_be_postgresql(loaded)
    with Ledger.open(loaded.runtime.ledger) as ledger:
        store = fleet_of(ledger)
        stalled = loaded.runtime.fleet.stalled.total_seconds()
        if store is None or not store.drain(name, stalled=stalled):
            raise UsageError(f"no live worker is called {name}; `shipperone-erp worker list` names them")
    print_text(f"{name} releases its groups as soon as its calls have returned; then it can be stopped")


def _must_be_postgresql(loaded: Configuration) -> None:
    if not loaded.runtime.ledger.startswith("postgresql"):
        raise NOT_POSTGRESQL
