"""`connectors`: list, describe and test installed connectors; create a new one; call a single hook."""

import typer

from shipperone_erp.cli.lazy_group import Place, group_of

COMMANDS = {
    "list": Place("connector_commands", "list_", "Every installed connector; a broken one is listed with its error."),
    "show": Place(
        "connector_commands",
        "show",
        "One connector: its package, hooks, capabilities and settings.",
    ),
    "test": Place(
        "connector_commands",
        "prove",
        "Test a connector with the conformance kit. Each case passes, fails with its cost for a "
        "merchant, or is skipped with the reason.",
    ),
    "new": Place(
        "scaffold",
        "new",
        "Write the package of a new connector, with a working ERP in SQLite. On a terminal: ask questions.",
    ),
    "try": Place(
        "try_hook",
        "try_",
        "Call one hook, and show its answer. Its prerequisites are called first; core's reaction and the"
        " ERP's documents afterwards are shown too.",
    ),
}

app = typer.Typer(cls=group_of(COMMANDS), help="Connectors: list, show, new, test, try. Without a subcommand: list.")


@app.callback(invoke_without_command=True)
def _(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from shipperone_erp.cli.connector_commands import list_

        list_()
