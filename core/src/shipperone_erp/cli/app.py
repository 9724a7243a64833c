"""The command line: one module a group of commands; errors are rendered here and nowhere else."""

from importlib.metadata import version
from typing import Annotated

import typer

from shipperone_erp.cli import (
    adoption,
    alerts,
    capture,
    config,
    connectors,
    demo,
    doctor,
    explain,
    fleet,
    init,
    inspect,
    invoice_dates,
    job_commands,
    ledger,
    orders,
    plugins,
    reconcile,
    run,
    scaffold,
    serving,
    try_hook,
)
from shipperone_erp.cli.options import print_text, say
from shipperone_erp.cli.process_exit import leave
from shipperone_erp.cli.redaction import REDACTION, keep_out_of_logs, last_words
from shipperone_erp.domain.hook_answers import ConnectorError
from shipperone_erp.domain.run_outcome import Ending
from shipperone_erp.kernel.errors import ShipperOneErpError

app = typer.Typer(
    name="shipperone-erp",
    cls=plugins.WithPlugged,
    help="Connects an ERP to ShipperOne: reserves stock for what is to be shipped, invoices what has shipped.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(asked: bool) -> None:
    if asked:
        print_text(f"shipperone-erp {version('shipperone-erp')}")
        raise typer.Exit


@app.callback()
def _(
    told: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the version and end.")
    ] = False,
) -> None:
    """What stands before any command."""


app.command("demo")(demo.demo)
app.command("sandbox")(demo.sandbox)
app.command("init")(init.init)
app.command("inspect")(inspect.inspect)
app.command("capture")(capture.capture)
app.add_typer(config.app, name="config")
app.command("doctor")(doctor.doctor)
app.command("run")(run.run)
app.command("go-live")(job_commands.go_live)
app.command("pause")(job_commands.pause)
app.command("resume")(job_commands.resume)
app.command("status")(orders.status)
app.command("orders")(orders.orders)
app.command("reconcile")(reconcile.command)
app.command("web")(serving.web)
app.add_typer(fleet.app, name="worker")
order = typer.Typer(
    help="One order: show, retry, resolve, ignore, repeat, adopt, approve, credited, release, supply-date.",
    no_args_is_help=True,
)
order.command("show")(orders.show)
order.command("retry")(job_commands.retry)
order.command("resolve")(job_commands.resolve)
order.command("ignore")(job_commands.ignore)
order.command("repeat")(job_commands.repeat)
order.command("adopt")(adoption.adopt)
order.command("approve")(adoption.approve)
order.command("credited")(adoption.credited)
order.command("release")(adoption.release)
order.command("supply-date")(invoice_dates.supply_date)
app.add_typer(order, name="order")
app.add_typer(ledger.app, name="ledger")
connectors.app.command("new")(scaffold.new)
connectors.app.command("try")(try_hook.try_)
app.add_typer(connectors.app, name="connectors")
app.add_typer(alerts.app, name="alerts")
app.command("explain")(explain.explain)


def main() -> None:
    """The entry point: runs the command and ends with its exit code."""
    keep_out_of_logs(REDACTION)
    leave(_exit_code())


def _exit_code() -> int:
    try:
        app(standalone_mode=True)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            say(*REDACTION(ended.code).split("\n"))
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except ShipperOneErpError as error:
        said = REDACTION(str(error))
        say(*(said.split("\n") if error.has_lines else [said]))
        return error.exit_code
    except ConnectorError as error:
        say(REDACTION(error.sentence))
        return Ending.ERP
    except Exception:
        say(*last_words().splitlines(), "this is a fault of shipperone-erp or of a connector")
        return Ending.FAILED
    return Ending.FINISHED
