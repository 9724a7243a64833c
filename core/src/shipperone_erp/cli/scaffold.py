"""`connectors new`: writes the complete package of a new connector, with passing tests, by copier."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from shipperone_erp.cli.options import print_text
from shipperone_erp.connector.installed import CONNECTORS, names
from shipperone_erp.kernel.errors import UsageError


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The connector's name, as written in a tenant's configuration.")
    ],
    into: Annotated[Path | None, typer.Option("--into", help="The folder; default: ./shipperone-erp-NAME.")] = None,
    drafts: Annotated[
        bool | None,
        typer.Option("--drafts/--no-drafts", help="Whether the ERP keeps a draft of an invoice before it is issued."),
    ] = None,
    author: Annotated[str | None, typer.Option(help="The author's name, for the licence.")] = None,
) -> None:
    """Write the package of a new connector, with a working ERP in SQLite. On a terminal: ask questions."""
    from shipperone_erp.scaffold import make

    if name in names(CONNECTORS):
        raise UsageError(f"a connector {name} is installed already; `shipperone-erp connectors show {name}`")
    answers = {key: value for key, value in {"drafts": drafts, "author": author}.items() if value is not None}
    made = make(name, into, answers, ask=sys.stdin.isatty())
    print_text(
        f"wrote the connector {made.connector} into {made.folder}; now:",
        f"  cd {made.folder}",
        "  pip install -e . && pytest",
        "Its README describes how to run it and which parts to replace.",
    )
