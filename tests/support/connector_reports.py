"""What the conformance kit has found of the connectors of this repository: docs/reports, from which their pages are made.

python tests/support/connector_reports.py NAME...       runs the kit, and writes the report of each

generic_sql and tryton run on SQLite, as `shipperone-erp connectors test NAME --json` does; odoo from its newest recording.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from odoo_kit import KIT, Player, playing, read, taped
from places import DOCS
from shipperone_erp.testing import ConnectorHarness, report
from shipperone_erp.testing.case import Case
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.harness_lookup import harness_of
from shipperone_erp.testing.runner import ability, not_compared, run_case

REPORTS = DOCS / "reports"
TAPE = max(KIT.glob("*.jsonl"))

HOW = {
    "generic_sql": "Run on SQLite, with the tables of the guarded recipe. CI runs the same cases on PostgreSQL and MariaDB.",
    "odoo": f"Played back from a recording of a real Odoo ({TAPE.stem.replace('-', ', ')}); `nox -s odoo` runs what is "
    "skipped here on a server.",
    "tryton": "Run on a Tryton 8.2 in a SQLite file. The README of connectors/tryton says which cases run in CI, and what "
    "was run on PostgreSQL.",
}
"""By connector: where its report was made. It stands on the connector's page."""


def report_of(name: str) -> dict[str, Any]:
    """The report that is kept, as `connectors test NAME --json` prints it."""
    kept: dict[str, Any] = json.loads((REPORTS / f"{name}.json").read_text(encoding="utf-8"))
    return kept


@cache
def _recording() -> tuple[dict[str, Any], Player]:
    return read(TAPE)


def harness_for(name: str, case: Case) -> type[ConnectorHarness]:
    """With what the case of that connector is run."""
    if name != "odoo":
        return harness_of(name, None)
    header, tape = _recording()
    return taped(tape, playing(header, tape), case.id, header)


def made(name: str) -> dict[str, Any]:
    """A new report. Whatever fails stands in it."""
    with tempfile.TemporaryDirectory(prefix="report-", ignore_cleanup_errors=True) as place:
        results = [
            run_case(case, harness_for(name, case), folder, live=name == "odoo")
            for case, folder in _folders(Path(place))
        ]
        some = harness_for(name, CASES["I1"])
        blind = (
            () if name == "odoo" else not_compared(some, next(folder for _, folder in _folders(Path(place) / "look")))
        )
    line = report.published(results, ability(some), some.departures, len(blind))
    return report.document(name, results, blind, line)


def _folders(place: Path) -> Iterator[tuple[Case, Path]]:
    for case in CASES.values():
        folder = place / case.id
        folder.mkdir(parents=True)
        yield case, folder


if __name__ == "__main__":
    REPORTS.mkdir(exist_ok=True)
    for connector in sys.argv[1:] or HOW:
        text = json.dumps(made(connector), indent=1, ensure_ascii=False)
        (REPORTS / f"{connector}.json").write_text(f"{text}\n", encoding="utf-8")
