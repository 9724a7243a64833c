"""`reconcile`: compares the ledger's documents with the ERP's."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from shipperone_erp.cli.options import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    configuration,
    ledger_to_read,
    print_json,
    say,
    settings_of,
)
from shipperone_erp.cli.tables import print_table
from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.exit_codes import Ending, worst
from shipperone_erp.kernel import csv_files
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.operations.document_adoption import parsed
from shipperone_erp.operations.reconcile.finding_kinds import CSV_COLUMNS, Compared
from shipperone_erp.operations.reconcile.period_totals import sentences
from shipperone_erp.operations.reconcile.running import reconcile_since, reconciled

COLUMNS = (
    "finding", "document", "order_id", "reference", "number", "date", "total_incl_tax", "currency", "state_in_erp",
    "sentence",
)  # fmt: skip


def command(
    tenant: Annotated[str, typer.Argument(metavar="TENANT")],
    config: ConfigFile = DEFAULT_FILE,
    since: Annotated[
        str | None,
        typer.Option(
            help="Compare orders first listed and documents created from this day on, as 2026-03-01, in the "
            "tenant's timezone.",
            show_default="the first day of last month",
        ),
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Also write every document to this file, including those that agree.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the ledger with the ERP and with ShipperOne's queues. Shows the differences and changes nothing; of the
    ERP its own list of documents is read.

    Ends with 0 if all agree and nothing is open, 3 if there is a finding, 5 if the ERP did not respond or refused, 4 if
    ShipperOne did not respond, 1 if the connector keeps no list.
    """
    loaded = configuration(config, tenants_may_fail=True)
    settings = settings_of(loaded, tenant)
    start = reconcile_since(settings, parsed(date.fromisoformat, since, "--since", "a date such as 2026-03-01"))
    with ledger_to_read(loaded) as ledger:
        done = reconciled(ledger, settings, start, max_response=loaded.runtime.max_response)
    found = done.found
    if csv_file is not None:
        _write(csv_file, found)
    shown = [one for one in found if one.finding is not None]
    if as_json:
        print_json([one.row() for one in shown])
    elif shown:
        print_table(COLUMNS, [[one.row()[column] for column in COLUMNS] for one in shown])
    say(_summary(settings, start, found, compared=done.not_compared is None))
    for line in sentences(found, done.shipped, done.own):
        say(f"{tenant}: {line}")
    endings = []
    for who, missing in (("the ERP was not compared", done.not_compared), ("ShipperOne was not read", done.not_read)):
        if missing is not None:
            say(f"{tenant}: {who}: {missing.why}")
            endings.append(missing.ending)
    if endings or done.open:
        raise typer.Exit(worst([*endings, Ending.HELD] if done.open else endings))


def _summary(settings: TenantSettings, start: datetime, found: Sequence[Compared], *, compared: bool) -> str:
    """'acme, since 2026-10-01: 214 document(s) agree; 1 missing_in_erp, 2 open'; no agreement without a list."""
    counted = Counter(one.finding.value for one in found if one.finding)
    what = ", ".join(f"{count} {finding}" for finding, count in counted.items()) or "no findings"
    if not compared:
        return f"{settings.name}, since {start:%Y-%m-%d}: not compared with the ERP; in the ledger alone: {what}"
    agree = sum(1 for one in found if one.finding is None)
    return f"{settings.name}, since {start:%Y-%m-%d}: {agree} document(s) agree; {what}"


def _write(file: Path, found: Sequence[Compared]) -> None:
    rows = (one.row() for one in found)
    try:
        csv_files.write(file, CSV_COLUMNS, ([row[column] for column in CSV_COLUMNS] for row in rows))
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from None
