"""`alerts`: test the delivery; watch the ledger from a separate process."""

import asyncio
import signal
from typing import Annotated

import typer

from shipperone_erp.cli.logs import LogForm, start_logging
from shipperone_erp.cli.options import DEFAULT_FILE, ConfigFile, configuration, print_text
from shipperone_erp.config import Configuration
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.alerts import watch as watching

app = typer.Typer(no_args_is_help=True, help="Alerts: send a test message; watch beside the service.")


@app.command("test")
def send_test(config: ConfigFile = DEFAULT_FILE) -> None:
    """Send a test message to every address and to the command. They are those of [runtime.alerts]; ends with 1 if one
    fails.
    """
    loaded = _wanted(config)
    failed = False
    for one in watching.test(loaded):
        failed = failed or one.why is not None
        print_text(f"OK    {one.to}" if one.why is None else f"FAIL  {one.to}: {one.why}")
    if failed:
        raise typer.Exit(Ending.FAILED)


@app.command()
def watch(
    config: ConfigFile = DEFAULT_FILE,
    once: Annotated[bool, typer.Option("--once", help="Check once and exit, for cron.")] = False,
) -> None:
    """Send alerts from a separate process, until Ctrl-C. It also notices that the service has died.

    `run` and `web` send them as well; each alert is sent by only one process.
    """
    start_logging(LogForm.AUTO)
    loaded = _wanted(config)
    with Ledger.open(loaded.runtime.ledger) as ledger:
        alerts = watching.AlertWatch(loaded, ledger)
        if once:
            alerts.tick()
            return

        async def go() -> None:
            stopping = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stopping.set)
            await watching.watch(alerts, loaded.runtime.alerts.every, stopping)

        asyncio.run(go())


def _wanted(config: ConfigFile) -> Configuration:
    loaded = configuration(config, tenants_may_fail=True)
    if not loaded.runtime.alerts.wanted:
        raise UsageError(
            "alerts have no recipient: set `to` or `command` in [runtime.alerts]; see docs/how-to/alerts.md"
        )
    return loaded
