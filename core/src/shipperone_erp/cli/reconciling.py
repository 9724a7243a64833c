"""`reconcile`: the ledger's documents beside the ERP's."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Annotated, TypeVar
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
from shipperone_erp.reasons import Reason
from shipperone_erp.runtime.clock import utc_now
from shipperone_erp.runtime.outcome import Ending

AnswerT = TypeVar("AnswerT")

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

    Ends with 0 if both agree and nothing is open, 3 if something is to be looked at, 5 if the ERP did not answer or
    refused, 1 if the connector keeps no list.
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
            identity = _within(settings, "say which database it is", plugins.identity)
            binding = Binding(settings.base_url, settings.store_code, settings.connector, identity)
            check_binding(ledger, tenant, binding, settings.stages)
            listed = _listed(settings, plugins, start)
        finally:
            Thread(target=plugins.close, daemon=True).start()
        documents = None if isinstance(listed, NotCompared) else listed
        found = reconcile(ledger, tenant, documents, since=start, asked_at=asked_at, settings=settings)
    if csv_file is not None:
        _write(csv_file, found)
    shown = [one for one in found if one.finding is not None]
    if as_json:
        print_json([one.row() for one in shown])
    elif shown:
        print_table(COLUMNS, [[one.row()[column] for column in COLUMNS] for one in shown])
    say(_said(settings, start, found, compared=documents is not None))
    if isinstance(listed, NotCompared):
        say(f"{tenant}: the ERP was not compared: {listed.why}")
        raise typer.Exit(listed.ending)
    if any(one.finding not in NOTES for one in shown):
        raise typer.Exit(Ending.HELD)


def _start(settings: TenantSettings, since: str | None) -> datetime:
    zone = ZoneInfo(settings.timezone)
    day = parsed(date.fromisoformat, since, "--since", "a date such as 2026-03-01")
    last_month = (utc_now().astimezone(zone).date().replace(day=1) - timedelta(days=1)).replace(day=1)
    return datetime.combine(day or last_month, time(), zone)


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Why there is no list of the ERP's, and the exit code that says so."""

    why: str
    ending: Ending


def _listed(settings: TenantSettings, plugins: TenantPlugins, start: datetime) -> list[Document] | NotCompared:
    if "list_documents" not in plugins.offers:
        why = f"connector {settings.connector} keeps no list of its documents (list_documents)"
        return NotCompared(why, Ending.FAILED)
    try:
        return _within(settings, "list its documents", partial(plugins.list_documents, start - EARLIER))
    except Refused as said:
        ending = Ending.FAILED if said.reason == Reason.CONFIG_INCOMPLETE else Ending.ERP
        return NotCompared(said.sentence, ending)


def _within(settings: TenantSettings, what: str, call: Callable[[], AnswerT]) -> AnswerT:
    """The connector's answer. Transient if there is none within `hook_timeout`: the thread is left behind."""
    answered: Future[AnswerT] = Future()

    def ask() -> None:
        try:
            answered.set_result(call())
        except BaseException as raised:  # handed to whoever waits
            answered.set_exception(raised)

    Thread(target=ask, daemon=True, name=f"{settings.name}: {what}").start()
    within = settings.hook_timeout.total_seconds()
    try:
        return answered.result(within)
    except TimeoutError:
        if answered.done():
            raise
        raise Transient(f"{settings.name}: the ERP did not {what} within {within:g} s") from None


def _said(settings: TenantSettings, start: datetime, found: Sequence[Compared], *, compared: bool) -> str:
    """'acme, since 2026-10-01: 214 document(s) agree; 1 missing_in_erp, 2 open'; without a list, none does."""
    counted = Counter(one.finding.value for one in found if one.finding)
    what = ", ".join(f"{count} {finding}" for finding, count in counted.items()) or "nothing to look at"
    if not compared:
        return f"{settings.name}, since {start:%Y-%m-%d}: not compared with the ERP; in the ledger alone: {what}"
    agree = sum(1 for one in found if one.finding is None)
    return f"{settings.name}, since {start:%Y-%m-%d}: {agree} document(s) agree; {what}"


def _write(file: Path, found: Sequence[Compared]) -> None:
    columns = [*COLUMNS[:-1], "tax_date", "issue_date", "key", "url", "sentence"]
    try:
        csv_files.write(file, columns, ([one.row()[column] for column in columns] for one in found))
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from None
