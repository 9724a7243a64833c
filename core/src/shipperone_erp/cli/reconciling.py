"""`reconcile`: the ledger's documents beside the ERP's."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from shipperone_erp import csv_files
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
from shipperone_erp.errors import UsageError
from shipperone_erp.ledger.binding import check_binding
from shipperone_erp.ledger.records import Binding
from shipperone_erp.model.answers import Document, Refused, Transient
from shipperone_erp.operations.adopting import parsed
from shipperone_erp.operations.reconcile import NOTES, Compared, reconcile
from shipperone_erp.plugins import TenantPlugins
from shipperone_erp.runtime.clock import utc_now
from shipperone_erp.runtime.outcome import Ending

EARLIER = timedelta(hours=1)
"""The ERP is asked from so much before: its clock may be behind ours."""

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
            help="What was first listed, and made in the ERP, from that day on, as 2026-03-01, in the tenant's "
            "timezone.",
            show_default="the first day of last month",
        ),
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Also write every document there, those that agree too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Every document of this tenant in the ledger beside the ERP's own list; what differs is shown. Changes nothing.

    Ends with 0 if both agree and nothing is open, 3 if something is to be looked at, 5 if the ERP did not answer.
    """
    loaded = configuration(config, tenants_may_fail=True)
    settings = settings_of(loaded, tenant)
    start = _start(settings, since)
    asked_at = utc_now()
    with ledger_to_read(loaded) as ledger:
        plugins = TenantPlugins.create(
            tenant, settings.connector, settings.connector_settings, settings.policy_settings
        )
        try:
            binding = Binding(settings.base_url, settings.store_code, settings.connector, plugins.identity())
            check_binding(ledger, tenant, binding, settings.stages)
            listed = asyncio.run(_listed(settings, plugins, start))
        finally:
            plugins.close()
        documents = None if isinstance(listed, str) else listed
        found = reconcile(ledger, tenant, documents, since=start, asked_at=asked_at)
    if csv_file is not None:
        _write(csv_file, found)
    shown = [one for one in found if one.finding is not None]
    if as_json:
        print_json([one.row() for one in shown])
    elif shown:
        print_table(COLUMNS, [[one.row()[column] for column in COLUMNS] for one in shown])
    say(_said(settings, start, found))
    if isinstance(listed, str):
        say(f"{tenant}: the ERP was not compared: {listed}")
        raise typer.Exit(Ending.FAILED)
    if any(one.finding not in NOTES for one in shown):
        raise typer.Exit(Ending.HELD)


def _start(settings: TenantSettings, since: str | None) -> datetime:
    zone = ZoneInfo(settings.timezone)
    day = parsed(date.fromisoformat, since, "--since", "a date such as 2026-03-01")
    last_month = (utc_now().astimezone(zone).date().replace(day=1) - timedelta(days=1)).replace(day=1)
    return datetime.combine(day or last_month, time(), zone)


async def _listed(settings: TenantSettings, plugins: TenantPlugins, start: datetime) -> list[Document] | str:
    """The ERP's list, or why there is none."""
    if "list_documents" not in plugins.offers:
        return f"connector {settings.connector} keeps no list of its documents (list_documents)"
    within = settings.hook_timeout.total_seconds()
    try:
        return await asyncio.wait_for(asyncio.to_thread(plugins.list_documents, start - EARLIER), within)
    except Refused as said:
        return said.sentence
    except TimeoutError:
        raise Transient(f"{settings.name}: the ERP did not list its documents within {within:g} s") from None


def _said(settings: TenantSettings, start: datetime, found: Sequence[Compared]) -> str:
    """'acme, since 2026-10-01: 214 document(s) agree; 1 missing_in_erp, 2 open'"""
    counted = Counter(one.finding.value for one in found if one.finding)
    what = ", ".join(f"{count} {finding}" for finding, count in counted.items()) or "nothing to look at"
    agree = sum(1 for one in found if one.finding is None)
    return f"{settings.name}, since {start:%Y-%m-%d}: {agree} document(s) agree; {what}"


def _write(file: Path, found: Sequence[Compared]) -> None:
    columns = [*COLUMNS[:-1], "tax_date", "issue_date", "key", "url", "sentence"]
    try:
        csv_files.write(file, columns, ([one.row()[column] for column in columns] for one in found))
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from None
