"""The command line imports what the typed command needs; `--help` imports none of the runtime."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
import typer
from typer.testing import CliRunner

from shipperone_erp.cli import app, connectors, order

HEAVY = ("alembic", "httpx", "pluggy", "procrastinate", "psycopg", "pydantic", "sqlalchemy", "stevedore", "uvicorn")
TABLES = {"": app.COMMANDS, "order": order.COMMANDS, "connectors": connectors.COMMANDS}


def imported_by(*arguments: str) -> set[str]:
    code = (
        "import sys\nfrom shipperone_erp.cli.app import app\nsys.argv[1:] = " + repr(list(arguments)) + "\n"
        "try: app(standalone_mode=True)\nexcept SystemExit as ended: code = ended.code\n"
        "print('\\n'.join(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stderr.splitlines()}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["order", "--help"], ["connectors", "--help"]])
def test_help_imports_no_library_of_the_runtime(arguments):
    by_typer = {"pydantic"} if len(arguments) > 1 else set()  # which reads the arguments of a group with it
    assert imported_by(*arguments).isdisjoint({*HEAVY} - by_typer)


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group, table in TABLES.items() for name in table], ids=" ".join
)
def test_help_lists_each_command_with_its_own_first_sentence(group, name):
    place = TABLES[group][name]
    found = getattr(import_module(f"shipperone_erp.cli.{place.module}"), place.name)
    text = found.info.help if isinstance(found, typer.Typer) else inspect.getdoc(found)
    assert place.help == " ".join(text.split("\n\n")[0].split())


@pytest.mark.parametrize(
    "group", [[], ["order"], ["connectors"], ["ledger"], ["config"], ["worker"], ["alerts"], ["sql"]]
)
def test_help_shows_the_whole_first_sentence_of_each_command(group):
    """Typer cuts a sentence that is longer than the rest of the line, and ends it with three dots."""
    shown = CliRunner().invoke(app.app, [*group, "--help"], env={"COLUMNS": "80"})
    assert shown.exit_code == 0
    commands = shown.stdout.partition("Commands:")[2].splitlines()
    assert len(commands) > 1
    assert [line for line in commands if line.endswith("...")] == []
