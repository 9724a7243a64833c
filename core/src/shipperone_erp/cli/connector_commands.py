"""Commands of `connectors`: the installed connectors, their capabilities, and their conformance to the contract."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from shipperone_erp.cli.options import AsJson, print_json, print_text
from shipperone_erp.cli.tables import print_table
from shipperone_erp.connector import discovery
from shipperone_erp.connector.installed import CONNECTORS, names
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.operations import connector_page
from shipperone_erp.operations.queue_files import read_file

Harness = Annotated[
    str | None, typer.Option(metavar="MODULE:CLASS", help="The harness; default: the one that the package declares.")
]
Live = Annotated[bool, typer.Option("--live", help="Allow the harness to use a real ERP.")]


def list_(as_json: AsJson = False) -> None:
    """Every installed connector; a broken one is listed with its error."""
    rows = [discovery.describe(name) for name in names(CONNECTORS)]
    if as_json:
        print_json(rows)
        return
    columns = ["connector", "package", "version", "api", "state"]
    print_table(columns, [[row[column] for column in columns] for row in rows])


def show(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a page to publish, in Markdown.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="With --markdown: a file with the output of `connectors test NAME --json`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """One connector: its package, hooks, capabilities and settings."""
    if name not in names(CONNECTORS):
        raise UsageError(discovery.unknown(CONNECTORS, name, "connector"))
    document = discovery.describe(name)
    if markdown and document["state"] == "ok":
        print_text(*connector_page.page(document, _tested(report) if report else None).split("\n"))
        return
    if as_json:
        print_json(document)
        return
    print_text(f"{name} is from {document['package']} {document['version']}")
    if document["state"] != "ok":
        print_text(f"it cannot be used: {document['state']}")
        return
    print_text(
        f"written for the connector API {document['api']}",
        f"hooks: {', '.join(document['hooks']) or 'none'}",
        f"capabilities: {', '.join(document['capabilities']) or 'none'}",
        "",
    )
    rows = [
        (key, "required" if setting["required"] else "", setting["says"])
        for key, setting in document["settings"].items()
    ]
    print_table(["setting", "", "what it is"], rows)


def _tested(file: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(document["cases"], list) and document["suite"]:
            return dict(document)
    except (OSError, ValueError, TypeError, KeyError):
        pass
    raise UsageError(f"{file} does not contain the output of `shipperone-erp connectors test NAME --json`")


def prove(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    case: Annotated[list[str] | None, typer.Option(help="Only this case, such as R3 (repeatable).")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Skip this case (repeatable).")] = None,
    harness: Harness = None,
    live: Live = False,
    jobs: Annotated[int, typer.Option(min=1, help="Run this many cases in parallel, each in its own process.")] = 1,
    failed_first: Annotated[
        bool, typer.Option("--failed-first", help="Run the cases that failed last time first.")
    ] = False,
    durations: Annotated[int, typer.Option(min=0, help="Also list this many of the slowest cases.")] = 0,
    capture: Annotated[
        Path | None, typer.Option(help="A file written by `capture`: its orders are processed as well.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Test a connector with the conformance kit. Each case passes, fails with its cost for a merchant, or is skipped
    with the reason.
    """
    from shipperone_erp.testing import report
    from shipperone_erp.testing.cases import CASES
    from shipperone_erp.testing.harness_lookup import harness_of
    from shipperone_erp.testing.last_failures import LastFailures
    from shipperone_erp.testing.parallel import run_at_once
    from shipperone_erp.testing.runner import ability, chosen, not_compared, run_all

    for wanted in (*(case or ()), *(exclude or ())):
        if wanted not in CASES:
            raise UsageError(f"there is no case {wanted}; the cases are {', '.join(CASES)}")
    found = harness_of(name, harness)
    if capture is not None:
        if jobs > 1:
            raise UsageError("--capture works in one process only: leave out --jobs")
        read_file(capture)  # a file without orders is refused before any database is created
        found = type(found.__name__, (found,), {"capture": capture.resolve(), "__module__": found.__module__})
    last = LastFailures(name)
    cases = chosen(case or (), exclude or (), last.ids() if failed_first else ())
    results = []
    with tempfile.TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        (look := folder / "look").mkdir()
        invoices = any("build_invoice" in one.needs for one in cases)
        blind = not_compared(found, look, live=live) if invoices else ()
        if blind and not as_json:
            print_text(*report.first_lines(blind))
        if jobs > 1:
            running = run_at_once(name, harness, folder, cases, live=live, jobs=jobs)
        else:
            running = run_all(found, folder, live=live, cases=cases)
        for result in running:
            results.append(result)
            if not as_json:
                print_text(*report.line(result).split("\n"))
    last.keep(results)
    results = report.in_order(results)
    if junit is not None:
        junit.write_text(report.junit(name, results, blind), encoding="utf-8")
    line = report.published(results, ability(found), found.departures, len(blind))
    if as_json:
        print_json(report.document(name, results, blind, line))
    else:
        print_text(*report.slowest(results, durations), report.summary(name, results))
        if line is not None:
            print_text(f"to publish: {line}")
    if any(result.outcome == "failed" for result in results):
        raise typer.Exit(Ending.FAILED)
