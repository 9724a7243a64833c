"""`connectors`: list, describe and test installed connectors; create a new one; call a single hook."""

import typer

from shipperone_erp.cli.lazy_group import Place, group_of

COMMANDS = {
    "list": Place("connector_commands", "list_", "Every installed connector; a broken one is listed with its error."),
    "show": Place(
        "connector_commands",
        "show",
        "One connector: its package, its hooks, the capabilities of its ERP, its settings.",
    ),
    "test": Place(
        "connector_commands",
        "prove",
        "Test for every expensive mistake: passed, failed with its cost for a merchant, or skipped with the reason.",
    ),
    "new": Place(
        "scaffold",
        "new",
        "Write the package of a new connector, with an ERP in SQLite that works at once; asks questions on a terminal.",
    ),
    "try": Place(
        "try_hook",
        "try_",
        "Call one hook, after its prerequisites: its answer, core's reaction to it, the ERP's documents afterwards.",
    ),
}

app = typer.Typer(cls=group_of(COMMANDS), help="Connectors: list, show, new, test, try; list if nothing is said.")


@app.callback(invoke_without_command=True)
def _(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from shipperone_erp.cli.connector_commands import list_

        list_()
