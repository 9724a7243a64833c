"""Commands by which operators set the dates of an invoice: order supply-date, order retry --issue-date."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from shipperone_erp.cli.options import DEFAULT_FILE, ConfigFile, configuration, print_text, settings_of
from shipperone_erp.cli.orders import OnlyTenant
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import invoice_dating, job_selection
from shipperone_erp.operations.document_adoption import parsed
from shipperone_erp.operations.job_selection import Pick


def supply_date(
    order_id: Annotated[str, typer.Argument(metavar="ID", help="The order's id, or the job's key.")],
    dated: Annotated[str, typer.Option("--date", help="The day of supply, as 2026-03-01.")],
    note: Annotated[str, typer.Option("--note", help="The reason; recorded with the action.")],
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    key: Annotated[str | None, typer.Option("--key", help="The job with this key.")] = None,
) -> None:
    """Set the day of supply of a held invoice. It is held because the listed day is implausible (date_implausible)."""
    day = _day(dated, "--date")
    pick = Pick(order_id, tenant, Stage.INVOICE, key)
    _date(
        config,
        pick,
        invoice_dating.lacks_true_supply_date,
        invoice_dating.set_supply_date,
        day,
        note,
        "has another day of supply",
    )


def issue_date(config: Path, pick: Pick, dated: str, note: str | None) -> None:
    """Implements `order retry --issue-date`."""
    day = _day(dated, "--issue-date")
    _date(
        config,
        pick,
        invoice_dating.is_refused_for_its_date,
        invoice_dating.set_issue_date,
        day,
        note,
        "will be issued with another date",
    )


def _date(
    config: Path,
    pick: Pick,
    fits: Callable[[Job], bool],
    act: invoice_dating.SetDate,
    day: date,
    note: str | None,
    what: str,
) -> None:
    loaded = configuration(config, tenants_may_fail=True)
    with Ledger.open(loaded.runtime.ledger) as ledger:
        job = job_selection.pick(ledger, pick, fits, "dated so")
        act(ledger, job, utc_now(), note, day, settings_of(loaded, job.tenant).timezone)
    print_text(f"{job.tenant} {job.order_id}: its invoice {what}, {day}; a running service processes it at once")


def _day(text: str, option: str) -> date:
    day = parsed(date.fromisoformat, text, option, "a date such as 2026-03-01")
    if day is None:
        raise UsageError(f"{option}: write a date such as 2026-03-01")
    return day
