"""`run`: as a service, once, or as a dry run."""

import asyncio
import logging
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console

from shipperone_erp.cli.logs import ROOT, LogForm, shown, start_logging
from shipperone_erp.cli.options import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    configuration,
    must_know,
    print_json,
    say,
)
from shipperone_erp.cli.output_redaction import REDACTION
from shipperone_erp.cli.tables import print_table
from shipperone_erp.cli.web import must_have_web
from shipperone_erp.config import Configuration, parse_duration
from shipperone_erp.domain.decisions import Foreseen
from shipperone_erp.domain.events import Observer
from shipperone_erp.domain.exit_codes import Ending, worst
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.engine.dry_run import foresee
from shipperone_erp.engine.process_settings import collect_less_often, keep_memory_together
from shipperone_erp.engine.runtime import OpenLedger, Runtime, migrated_ledger
from shipperone_erp.engine.scheduling import Scheduler
from shipperone_erp.engine.selection import Selection, unknown_orders
from shipperone_erp.engine.service_manager import notify, signs_of_life
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.alerts.watch import watching
from shipperone_erp.shipperone.account import Account

LOG = logging.getLogger(f"{ROOT}.run")


def run(
    config: ConfigFile = DEFAULT_FILE,
    once: Annotated[
        bool, typer.Option("--once", help="Run one complete cycle, and further ones while something can make progress.")
    ] = False,
    settle_for: Annotated[str, typer.Option(help="With --once: the longest time for these further cycles.")] = "90s",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done; write nothing.")] = False,
    file: Annotated[
        Path | None,
        typer.Option(help="With --dry-run: read the queues from a file written by `capture`."),
    ] = None,
    supervised: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Ask before each of the first N orders of each kind, then process all orders."
        ),
    ] = None,
    tenant: Annotated[list[str] | None, typer.Option(help="Only this tenant (may be repeated).")] = None,
    order: Annotated[list[str] | None, typer.Option(help="Only this order (may be repeated).")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many orders of each stage.")] = None,
    log: Annotated[LogForm, typer.Option(help="auto: text on a terminal, else JSON lines.")] = LogForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Serve the tenants: read the queues, call the ERP, confirm."""
    try:
        settling = parse_duration(settle_for)
    except ValueError as error:
        raise UsageError(f"--settle-for {settle_for}: {error}") from None
    # loading the configuration may already emit a deprecation of a connector
    console = None if dry_run else start_logging(log)
    loaded = configuration(config, tenants_may_fail=not (once or dry_run))
    chosen = tenant or []
    for name in chosen:
        must_know(loaded, name)
    selection = Selection(frozenset(order or ()), limit)
    if file is not None and (not dry_run or len(chosen or loaded.tenants) != 1):
        raise UsageError("--file needs --dry-run, and one tenant: give --tenant NAME, whose mapping reads it")
    if dry_run:
        raise typer.Exit(_dry_on(file, loaded, chosen, selection, as_json))
    if (order or limit) and not once and supervised is None:
        raise UsageError("--order and --limit need --once or --dry-run")
    if loaded.runtime.http is not None and not once:
        must_have_web()
    collect_less_often()
    keep_memory_together()
    if supervised is not None:
        _ask_first(loaded, chosen, supervised, order or limit)
    if once:
        raise typer.Exit(run_once(loaded, chosen, selection, settling, as_json=as_json, console=console))
    serve(loaded, chosen, console=console)


def _ask_first(loaded: Configuration, tenants: list[str], count: int, restricted: object) -> None:
    """Ask about each order before processing it. typer.Exit unless the operator permits all others at the end."""
    if restricted:
        raise UsageError("--supervised chooses the orders itself: leave out --order and --limit")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--supervised asks before each order: run it on a terminal")
    from shipperone_erp.cli.supervise import supervise

    if not supervise(loaded, tenants, count):
        raise typer.Exit(Ending.HELD)


def run_once(
    loaded: Configuration,
    tenants: list[str],
    selection: Selection,
    settle_for: timedelta,
    *,
    open_ledger: OpenLedger = migrated_ledger,
    as_json: bool = False,
    console: Console | None = None,
) -> int:
    """`run --once`; returns its exit code."""

    async def go() -> int:
        async with Runtime(loaded, tenants=tenants, open_ledger=open_ledger, redaction=REDACTION) as runtime:
            with shown(runtime.progress, console):
                endings = await runtime.once(selection, settle_for)
        missing = unknown_orders(loaded.tenants, {name: ended.unknown for name, ended in endings.items()})
        if as_json:
            print_json({name: {"exit": int(e.ending), "sentence": e.sentence} for name, e in endings.items()})
        else:
            for name, ended in endings.items():
                if ended.ending is not Ending.FINISHED:
                    LOG.warning("%s: %s", name, ended.sentence)
        for sentence in missing:
            LOG.warning("%s", sentence)
        return int(worst([*(ended.ending for ended in endings.values()), *_usage(missing)]))

    return asyncio.run(go())


def serve(
    loaded: Configuration,
    tenants: list[str],
    *,
    open_ledger: OpenLedger = migrated_ledger,
    console: Console | None = None,
    scheduled: Callable[[Runtime], Scheduler] | None = None,
    shown_here: Configuration | None = None,
) -> None:
    """`run` until SIGTERM or SIGINT; a second signal ends the process at once.

    `scheduled` creates another scheduler; `shown_here` is the configuration for the page, if it differs from the one
    that is served here.
    """

    tracing = _tracing(loaded)

    async def go() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()

        def stop() -> None:
            if stopping.is_set():
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.raise_signal(signal.SIGTERM)
            LOG.info("stopping: jobs in progress continue to their next recorded point")
            notify("STOPPING=1")
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        for problem in loaded.problems:
            LOG.warning("paused, config_incomplete: %s", problem)
        async with Runtime(loaded, tenants=tenants, open_ledger=open_ledger, redaction=REDACTION) as runtime:
            if tracing is not None:
                runtime.events.add(tracing)
            started = {
                "event": "started",
                "version": version("shipperone-erp"),
                "tenants": len(runtime.tenants),
                "ledger": runtime.ledger.place,
            }
            words = "shipperone-erp {version} serves {tenants} tenant(s); ledger: {ledger}".format_map(started)
            LOG.info("%s", words, extra={"fields": started})
            living = asyncio.create_task(signs_of_life())
            notify("READY=1")
            with shown(runtime.progress, console):
                here = shown_here or loaded
                async with _page(here, runtime), watching(here, runtime.ledger):
                    await runtime.serve(stopping, scheduled(runtime) if scheduled else None)
            living.cancel()

    asyncio.run(go())


def _tracing(loaded: Configuration) -> Observer | None:
    """The observer for traces, if `[runtime] tracing` is set. UsageError if the extra is not installed."""
    if not loaded.runtime.tracing:
        return None
    from shipperone_erp.engine.observers.tracing import tracing_observer

    return tracing_observer()


def _page(loaded: Configuration, runtime: Runtime) -> AbstractAsyncContextManager[None]:
    """A context manager that serves the operations page, if `[runtime] http` is set."""
    if loaded.runtime.http is None:
        return nullcontext()
    from shipperone_erp.web.page_server import page_in_service

    return page_in_service(loaded, runtime.ledger, REDACTION, runtime.events)


def _dry_on(file: Path | None, loaded: Configuration, tenants: list[str], selection: Selection, as_json: bool) -> int:
    """A dry run on the real queues, or on those in a file, which are served as they were listed."""
    if file is None:
        return asyncio.run(_dry(loaded, tenants, selection, as_json))
    from shipperone_erp.operations.queue_files import read_file
    from shipperone_erp.operations.replay import replayed
    from shipperone_erp.sandbox import Sandbox

    settings = next(settings for name, settings in loaded.tenants.items() if not tenants or name in tenants)
    with Sandbox() as sandbox:
        sandbox.replay(replayed(read_file(file), settings))
        listed_at = Account(settings.name, sandbox.base_url, sandbox.store_code, SecretStr(sandbox.token))
        return asyncio.run(_dry(loaded, tenants, selection, as_json, listed_at))


async def _dry(
    loaded: Configuration,
    tenants: list[str],
    selection: Selection,
    as_json: bool,
    listed_at: Account | None = None,
) -> int:
    foreseen: list[Foreseen] = []
    unknown: dict[str, frozenset[str]] = {}
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as empty:
        ledger = _ledger_or_none(loaded.runtime.ledger, Path(empty))
        try:
            for name, settings in loaded.tenants.items():
                if tenants and name not in tenants:
                    continue
                try:
                    foresight = await foresee(
                        settings, ledger, selection, utc_now(), max_response=loaded.runtime.max_response,
                        listed_at=listed_at,
                    )  # fmt: skip
                    foreseen += foresight.orders
                    unknown[name] = foresight.unknown
                except ReadFailed as failure:
                    failed.append(f"{name}: {failure.sentence}")
        finally:
            ledger.close()
    rows = [(entry.tenant, entry.stage.value, entry.order_id, entry.would) for entry in foreseen]
    if as_json:
        print_json([dict(zip(("tenant", "stage", "order_id", "would"), row, strict=True)) for row in rows])
    else:
        print_table(["tenant", "stage", "order", "would"], rows)
    missing = [] if failed else unknown_orders(loaded.tenants, unknown)
    for sentence in failed + missing:
        say(sentence)
    return int(worst([Ending.PLATFORM for _ in failed] + _usage(missing)))


def _usage(missing: list[str]) -> list[Ending]:
    """An ending for usage if a requested order was not found, whatever the results of the others."""
    return [Ending.USAGE for _ in missing]


def _ledger_or_none(url: str, empty: Path) -> Ledger:
    """The ledger, read-only. An earlier version is read as a migrated copy; without a ledger an empty one is used.

    Files created in `empty` are discarded.
    """
    path = url.removeprefix("sqlite:///")
    if url.startswith("sqlite:///") and not Path(path).exists():
        return Ledger.open(f"sqlite:///{empty / 'nothing.db'}", migrate=True)
    return Ledger.open_for_reading(url, empty)
