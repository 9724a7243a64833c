"""`connectors`: what is installed, what each offers, and whether it keeps the contract; `new` is in `scaffolding`."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shipperone_erp import discovery
from shipperone_erp.cli.options import AsJson, print_json, print_text
from shipperone_erp.cli.tables import print_table
from shipperone_erp.errors import UsageError
from shipperone_erp.runtime.outcome import Ending

if TYPE_CHECKING:
    from shipperone_erp.testing.harness import ConnectorHarness

app = typer.Typer(help="Connectors: list, show, new, test; list if nothing is said.")


@app.callback(invoke_without_command=True)
def _(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_()


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
    _must_be_installed(name)
    told = discovery.describe(name)
    if as_json:
        print_json(told)
        return
    print_text(f"{name} is from {told['package']} {told['version']}")
    if told["state"] != "ok":
        print_text(f"it cannot be used: {told['state']}")
        return
    print_text(
        f"written for the connector API {told['api']}",
        f"hooks: {', '.join(told['hooks']) or 'none'}",
        f"capabilities: {', '.join(told['capabilities']) or 'none'}",
        "",
    )
    rows = [
        (key, "required" if setting["required"] else "", setting["says"]) for key, setting in told["settings"].items()
    ]
    print_table(["setting", "", "what it is"], rows)


def _must_be_installed(name: str) -> None:
    if not any(entry.name == name for entry in discovery.installed(discovery.CONNECTORS)):
        raise UsageError(discovery.unknown(discovery.CONNECTORS, name, "connector"))


@app.command("test")
def prove(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    case: Annotated[list[str] | None, typer.Option(help="Only this case, such as R3 (repeatable).")] = None,
    harness: Annotated[
        str | None, typer.Option(metavar="MODULE:CLASS", help="The harness; else the one that the package declares.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="The harness may talk to a real ERP.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit's XML to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look for every expensive mistake: passed, failed with what it costs a merchant, skipped because."""
    from shipperone_erp.testing import report
    from shipperone_erp.testing.cases import CASES
    from shipperone_erp.testing.running import not_compared, run_all

    for wanted in case or ():
        if wanted not in CASES:
            raise UsageError(f"there is no case {wanted}; they are {', '.join(CASES)}")
    found = _harness(name, harness)
    results = []
    with tempfile.TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True) as folder:
        (look := Path(folder) / "look").mkdir()
        invoices = not case or any("build_invoice" in CASES[wanted].needs for wanted in case)
        blind = not_compared(found, look, live=live) if invoices else ()
        if blind and not as_json:
            print_text(*report.first_lines(blind))
        for result in run_all(found, Path(folder), live=live, only=case or ()):
            results.append(result)
            if not as_json:
                print_text(*report.line(result).split("\n"))
    if junit is not None:
        junit.write_text(report.junit(name, results, blind), encoding="utf-8")
    if as_json:
        print_json(report.document(name, results, blind))
    else:
        print_text(report.summary(name, results))
    if any(result.outcome == "failed" for result in results):
        raise typer.Exit(Ending.FAILED)


def _harness(name: str, given: str | None) -> "type[ConnectorHarness]":
    """The class that is named, or that the connector's package declares."""
    from shipperone_erp.testing.harness import ConnectorHarness

    if given is not None:
        sys.path.insert(0, "")  # a harness among an author's tests is in no package that is installed
        found = discovery.load_object(given)
    elif any(entry.name == name for entry in discovery.installed(discovery.HARNESSES)):
        found = discovery.load_harness(name)
    else:
        _must_be_installed(name)
        raise UsageError(
            f"no package declares a harness for {name}: write a ConnectorHarness (docs/conformance.md), name it by "
            f'--harness MODULE:CLASS, or in pyproject.toml under [project.entry-points."{discovery.HARNESSES}"]'
        )
    if not (isinstance(found, type) and issubclass(found, ConnectorHarness)):
        raise UsageError(
            f"the harness of {name} is {found!r}, not a subclass of shipperone_erp.testing.ConnectorHarness"
        )
    return found
