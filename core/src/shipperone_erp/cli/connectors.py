"""`connectors`: what is installed, what each offers, whether it keeps the contract; a new one, a hook tried out."""

import typer

from shipperone_erp.cli.lazy_group import Place, group_of

COMMANDS = {
    "list": Place(
        "connector_commands", "list_", "Every installed connector; a broken one is listed with what is wrong with it."
    ),
    "show": Place(
        "connector_commands",
        "show",
        "One connector: its package, the hooks that it offers, what its ERP can do, its settings.",
    ),
    "test": Place(
        "connector_commands",
        "prove",
        "Look for every expensive mistake: passed, failed with what it costs a merchant, skipped because.",
    ),
    "new": Place(
        "scaffold",
        "new",
        "Write the package of a new connector, with an ERP in SQLite that works at once; on a terminal it asks.",
    ),
    "try": Place(
        "try_hook",
        "try_",
        "Call one hook: its answer, what core would make of it, what the ERP then holds. What it needs is made before.",
    ),
}

app = typer.Typer(cls=group_of(COMMANDS), help="Connectors: list, show, new, test, try; list if nothing is said.")


@app.callback(invoke_without_command=True)
def _(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from shipperone_erp.cli.connector_commands import list_

        list_()
