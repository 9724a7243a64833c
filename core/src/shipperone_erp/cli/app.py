"""The command line: one module a group of commands; errors are rendered here and nowhere else."""

from importlib.metadata import version
from typing import Annotated

import typer

from shipperone_erp.cli import (
    capturing,
    configuring,
    connecting,
    dating,
    deciding,
    examining,
    explaining,
    inspecting,
    keeping,
    playing,
    plugged,
    reading,
    reconciling,
    running,
    scaffolding,
    serving,
    steering,
    trying,
)
from shipperone_erp.cli.leaving import leave
from shipperone_erp.cli.options import print_text, say
from shipperone_erp.cli.secrecy import REDACTION, keep_out_of_logs, last_words
from shipperone_erp.errors import ShipperOneErpError
from shipperone_erp.model.answers import ConnectorError
from shipperone_erp.runtime.outcome import Ending

app = typer.Typer(
    name="shipperone-erp",
    cls=plugged.WithPlugged,
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


app.command("demo")(playing.demo)
app.command("sandbox")(playing.sandbox)
app.command("init")(configuring.init)
app.command("inspect")(inspecting.inspect)
app.command("capture")(capturing.capture)
app.add_typer(configuring.app, name="config")
app.command("doctor")(examining.doctor)
app.command("run")(running.run)
app.command("go-live")(steering.go_live)
app.command("pause")(steering.pause)
app.command("resume")(steering.resume)
app.command("status")(reading.status)
app.command("orders")(reading.orders)
app.command("reconcile")(reconciling.command)
app.command("web")(serving.web)
order = typer.Typer(
    help="One order: show, retry, resolve, ignore, repeat, adopt, approve, credited, release, supply-date.",
    no_args_is_help=True,
)
order.command("show")(reading.show)
order.command("retry")(steering.retry)
order.command("resolve")(steering.resolve)
order.command("ignore")(steering.ignore)
order.command("repeat")(steering.repeat)
order.command("adopt")(deciding.adopt)
order.command("approve")(deciding.approve)
order.command("credited")(deciding.credited)
order.command("release")(deciding.release)
order.command("supply-date")(dating.supply_date)
app.add_typer(order, name="order")
app.add_typer(keeping.app, name="ledger")
connecting.app.command("new")(scaffolding.new)
connecting.app.command("try")(trying.try_)
app.add_typer(connecting.app, name="connectors")
app.command("explain")(explaining.explain)


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
