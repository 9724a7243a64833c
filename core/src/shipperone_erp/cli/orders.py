"""Commands that read: status, orders, order show."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from shipperone_erp.cli.options import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    configuration,
    ledger_to_read,
    must_know,
    print_json,
    print_json_rows,
    say,
)
from shipperone_erp.cli.tables import print_paragraphs, print_table
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel import csv_files
from shipperone_erp.kernel.errors import LedgerDamaged, UsageError
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.queries import Wanted
from shipperone_erp.operations.disk_space import full_disk
from shipperone_erp.operations.fleet_report import status_with_fleet, worker_line
from shipperone_erp.operations.job_selection import Pick, known_jobs
from shipperone_erp.operations.open_documents import open_documents
from shipperone_erp.operations.order_timeline import story_lines
from shipperone_erp.operations.reports import NO_TAX, Row, order_row, order_story

OnlyTenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant.")]
OnlyStage = Annotated[Stage | None, typer.Option("--stage", help="Only this stage.")]


STATUS = {
    "tenant": "tenant", "stage": "stage", "pending": "pending", "waiting": "waiting", "held": "held",
    "accepted_not_issued": "late", "oldest": "oldest", "last_good_cycle": "last_good_cycle", "paused": "paused",
    "served_by": "served_by",
}  # fmt: skip
"""The column of each field of a row of status."""


NOTES = {
    "reserved_not_shipped": "{tenant}: {reserved_not_shipped} reserved, and not shipped within ship_within",
    "not_compared": "{tenant}: {not_compared} invoice(s) not compared: the ERP stated no total",
    "tax_not_compared": f"{{tenant}}: tax not compared of {{tax_not_compared}} invoice(s): {NO_TAX}",
    "denials": "{tenant}/{stage}: {denials}",
    "silent": "{tenant}/{stage}: {silent}",
    "overdue": "{tenant}: {overdue} shipped, and not invoiced within invoice_within",
}
"""The sentence below the table for a field of a row of status that is not empty."""


def status(config: ConfigFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Show each tenant's queues: jobs by state, the oldest, pauses. By stage, with reason, owner, the last good cycle,
    and the process that serves it.
    """
    loaded = configuration(config, tenants_may_fail=True)
    with ledger_to_read(loaded) as ledger:
        rows, workers = status_with_fleet(loaded, ledger, utc_now())
    if full := full_disk(loaded.runtime.ledger):
        rows.append({"tenant": None, "stage": None, "paused": "disk_full", "sentence": full})
    if as_json:
        print_json(rows)
        return
    print_table(
        [*STATUS.values(), "owners", "why"],
        [
            [*(row.get(column) for column in STATUS), _counted(row.get("owners", {})), _counted(row.get("reasons", {}))]
            for row in rows
        ],
    )
    print_paragraphs(*map(worker_line, workers))
    for tenant, refused in {row["tenant"]: row.get("refused", ()) for row in rows}.items():
        print_paragraphs(*(f"{tenant}: not served by {sentence}" for sentence in refused))
    for row in rows:
        if row["sentence"]:
            place = "/".join(part for part in (row["tenant"], row["stage"]) if part) or "every tenant"
            print_paragraphs(f"{place}: {row['sentence']}")
        for field, sentence in NOTES.items():
            if row.get(field):
                print_paragraphs(sentence.format_map(row))


def _counted(numbers: Mapping[str, int]) -> str:
    """'298 erp_unavailable, 2 not_enough_stock'"""
    return ", ".join(f"{count} {name}" for name, count in numbers.items())


ORDERS = ("tenant", "stage", "order_id", "state", "reason", "owner", "next_attempt_at", "sentence")
NAMED = 20
"""The largest number of unreadable rows that are named."""

DOCUMENTS = ("tenant", "document", "order_id", "reference", "number", "erp", "state", "since")


def orders(
    config: ConfigFile = DEFAULT_FILE,
    state: Annotated[State | None, typer.Option(help="Only jobs in this state, ended ones included.")] = None,
    reason: Annotated[Reason | None, typer.Option(metavar="REASON", help="Only jobs with this reason.")] = None,
    owner: Annotated[Owner | None, typer.Option(help="Only jobs with this owner of the next step.")] = None,
    tenant: OnlyTenant = None,
    everything: Annotated[bool, typer.Option("--all", help="Also ended jobs: done, gone, superseded.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many, the most urgent first.")] = None,
    documents: Annotated[
        bool,
        typer.Option(
            "--documents", help="List the documents that are open in the ERP instead, such as reservations and drafts."
        ),
    ] = False,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", help="Write the list with all columns to this file instead, for a spreadsheet."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The unfinished jobs, the most urgent first. Or those in --state, or --all.

    Ends with 1 if a row of the ledger cannot be read: the others are listed, and stderr names it.
    """
    if documents and (state or reason or owner or everything):
        raise UsageError("--documents can be combined with --tenant and --limit only")
    if csv_file and as_json:
        raise UsageError("give either --csv or --json")
    loaded = configuration(config, tenants_may_fail=True)
    damaged: list[str] = []
    with ledger_to_read(loaded) as ledger:
        if tenant is not None:
            must_know(loaded, tenant, ledger)
        if documents:
            columns: Sequence[str] = DOCUMENTS
            rows: Iterable[Row] = open_documents(ledger, tenant)[:limit]
        else:
            wanted = Wanted(tenant=tenant, state=state, reason=reason, owner=owner, ended=everything, limit=limit)
            columns, rows = ORDERS, map(order_row, ledger.listed(wanted, damaged=damaged.append))
        if csv_file is not None:
            say(f"{_written(csv_file, rows)} row(s) written to {csv_file}")
        elif as_json:
            print_json_rows(rows)
        else:
            print_table(columns, ([_marked(row, column) for column in columns] for row in rows))
        if damaged:
            raise LedgerDamaged(_not_listed(damaged, ledger.place))


def _not_listed(damaged: Sequence[str], place: str) -> str:
    named = "; ".join([*damaged[:NAMED], *([f"and {len(damaged) - NAMED} more"] if len(damaged) > NAMED else [])])
    return (
        f"the ledger ({place}) is damaged, and {len(damaged)} row(s) are not listed: {named}. "
        "`shipperone-erp doctor` checks the whole ledger, docs/how-to/operations.md (a damaged ledger) has the cure"
    )


def _written(file: Path, rows: Iterable[Row]) -> int:
    """Write the rows to a CSV file while they are read; returns their number."""
    count = 0

    def cells(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[Sequence[object]]:
        nonlocal count
        for count, row in enumerate(rows, 1):  # noqa: B007
            yield [" ".join(map(str, cell)) if isinstance(cell := row[name], list) else cell for name in columns]

    rows = iter(rows)
    first = next(rows, None)
    columns = tuple(first) if first else ORDERS
    try:
        csv_files.write(file, columns, cells(columns, chain([first] if first else [], rows)))
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from None
    return count


def _marked(row: Row, column: str) -> object:
    """A cell of a list. Beside the state it shows that nothing was compared, or not the tax."""
    if column == "state" and row["not_compared"]:
        return f"{row['state']}, not compared"
    return f"{row['state']}, tax not compared" if column == "state" and row["tax_not_compared"] else row[column]


def show(
    order_id: Annotated[str, typer.Argument(metavar="ID", help="An order's id, or a job's key.")],
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    stage: OnlyStage = None,
    key: Annotated[str | None, typer.Option(help="Only the job with this key.")] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            "--bodies",
            help="Also show every body as sent and received, tracebacks, the order and the invoice.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The timeline of an order in both stages, and the differences. One line per event, with amounts and numbers."""
    loaded = configuration(config, tenants_may_fail=True)
    with ledger_to_read(loaded) as ledger:
        jobs = known_jobs(ledger, Pick(order_id, tenant, stage, key))
        stories = [order_story(ledger, job) for job in sorted(jobs, key=lambda job: job.id)]
    if as_json:
        print_json(stories)
        return
    for number, story in enumerate(stories):
        print_paragraphs(*([""] * (number > 0)), *story_lines(story, raw=raw))
