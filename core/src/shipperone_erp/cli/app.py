"""The command line: one module for each group of commands; errors are printed here and nowhere else.

A command's module is imported when it is used: `--help` imports neither the database, nor HTTP, nor the settings.
"""

import os
from importlib.metadata import version
from typing import Annotated

import typer

from shipperone_erp.cli.lazy_group import Place
from shipperone_erp.cli.plugins import WithPlugged

COMMANDS = {
    "demo": Place(
        "demo",
        "demo",
        "Process 40 orders with a sandbox and a SQLite ERP. Needs nothing; some orders are held, with an explanation.",
    ),
    "sandbox": Place("demo", "sandbox", "Run a sandbox of ShipperOne over real HTTP, until Ctrl-C."),
    "init": Place(
        "init",
        "init",
        "Set up a tenant. On a terminal: ask questions, check each answer, and write a working TOML file.",
    ),
    "inspect": Place(
        "inspect",
        "inspect",
        "Read the queues, locate each field and check the sums. Changes nothing in ShipperOne or the ERP.",
    ),
    "capture": Place(
        "capture",
        "capture",
        "Write the queues to a file, with their texts masked. Only what is known to be harmless stays "
        "readable; nothing else changes.",
    ),
    "config": Place("config", "app", "The configuration: check, show, schema."),
    "doctor": Place(
        "doctor",
        "doctor",
        "Check all that a tenant needs: one line each, with the cure. Address, token, store code, "
        "queues, ERP, ledger, clock, disk and secrets.",
    ),
    "run": Place("run", "run", "Serve the tenants: read the queues, call the ERP, confirm."),
    "go-live": Place(
        "job_commands",
        "go_live",
        "Decide about the orders listed before this tenant's go-live. Without an option: show them.",
    ),
    "pause": Place(
        "job_commands",
        "pause",
        "Pause a tenant, or one stage of it, until `resume`. No new work is started; it takes effect at once.",
    ),
    "resume": Place("job_commands", "resume", "Resume a paused tenant or stage."),
    "status": Place(
        "orders",
        "status",
        "Show each tenant's queues: jobs by state, the oldest, pauses. By stage, with reason, owner, the"
        " last good cycle, and the process that serves it.",
    ),
    "orders": Place("orders", "orders", "The unfinished jobs, the most urgent first. Or those in --state, or --all."),
    "order": Place(
        "order",
        "app",
        "One order: show, retry, resolve, approve and seven more. The others are ignore, note, repeat, "
        "adopt, credited, release, supply-date.",
    ),
    "reconcile": Place(
        "reconcile",
        "command",
        "Compare the ledger with the ERP and with ShipperOne's queues. Shows the differences and changes"
        " nothing; of the ERP its own list of documents is read.",
    ),
    "web": Place(
        "web",
        "web",
        "Serve the operations page beside a running service. On the same ledger, until Ctrl-C; needs the extra web.",
    ),
    "worker": Place(
        "fleet",
        "app",
        "Serve a share of the tenants; list the workers, drain one. Many workers share one ledger on PostgreSQL.",
    ),
    "ledger": Place("ledger", "app", "The ledger: backup, restored, adopt."),
    "connectors": Place("connectors", "app", "Connectors: list, show, new, test, try. Without a subcommand: list."),
    "alerts": Place("alerts", "app", "Alerts: send a test message; watch beside the service."),
    "explain": Place(
        "explain",
        "explain",
        "The meaning of a reason, its owner, and the cure. And what the runtime does meanwhile.",
    ),
}
"""Every command of core, in the sequence of `--help`; each text is the first paragraph of the command's own help."""

app = typer.Typer(
    name="shipperone-erp",
    cls=type("Commands", (WithPlugged,), {"places": COMMANDS}),
    help="Connects an ERP to ShipperOne: reserves stock for orders to be shipped, and invoices shipped orders.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"shipperone-erp {version('shipperone-erp')}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Runs before any command."""
    if context.obj is not None:
        context.obj()


def _redacted() -> None:
    from shipperone_erp.cli.output_redaction import REDACTION, keep_out_of_logs
    from shipperone_erp.kernel.redaction import environment_secrets

    REDACTION.add(environment_secrets(os.environ))
    keep_out_of_logs(REDACTION)


def main() -> None:
    """The entry point: runs the command and ends with its exit code."""
    code = _exit_code()
    from shipperone_erp.cli.process_exit import leave

    leave(code)


def _exit_code() -> int:
    try:
        app(standalone_mode=True, obj=_redacted)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            from shipperone_erp.cli.options import say
            from shipperone_erp.cli.output_redaction import REDACTION

            say(*REDACTION(ended.code).split("\n"))
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except Exception as error:
        from shipperone_erp.cli.failures import report

        return report(error)
    return 0
