"""`connectors list` and `show`: what is installed, and what each offers."""

from typing import Annotated

import typer

from shipperone_erp import discovery
from shipperone_erp.cli.options import AsJson, print_json, print_table

app = typer.Typer(help="Connectors: list, show, new.", no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every installed connector; a broken one is listed with what is wrong with it."""
    rows = [
        discovery.describe(name) for name in sorted({found.name for found in discovery.installed(discovery.CONNECTORS)})
    ]
    if as_json:
        print_json(rows)
        return
    columns = ["connector", "package", "version", "api", "state"]
    print_table(columns, [[row[column] for column in columns] for row in rows])


@app.command()
def show(name: Annotated[str, typer.Argument(metavar="NAME")], as_json: AsJson = False) -> None:
    """One connector: its package, the hooks that it offers, its settings."""
    print_json(discovery.describe(name))
