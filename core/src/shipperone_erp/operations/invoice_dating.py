"""Sets an invoice's dates on behalf of an operator: the day of supply, or the date of issue. Recorded with the actor.

These are two facts with two commands. The day of supply is set only to replace an implausible one (`date_implausible`).
The date of issue is set only if the ERP accepts no invoice of the day of supply (`erp_period_locked`: a locked period,
or numbers that must follow the dates). After either, a new approval is required. A known draft is discarded and built
again with these dates; an invoice that ShipperOne has accepted is issued with them.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.job_actions import steer

SetDate = Callable[[Ledger, Job, datetime, str | None, date, str], None]
"""One of the two functions here that set a date to a day in a time zone."""

OLDEST = timedelta(days=3653)
"""Before the first listing. An earlier day of supply is treated as a typing error."""


def lacks_true_supply_date(job: Job) -> bool:
    """Whether it is held because its day of supply is implausible."""
    return _can_be_dated(job) and job.reason is Reason.DATE_IMPLAUSIBLE


def is_refused_for_its_date(job: Job) -> bool:
    """Whether the ERP accepts no invoice of its day of supply."""
    return _can_be_dated(job) and job.reason is Reason.ERP_PERIOD_LOCKED


def _can_be_dated(job: Job) -> bool:
    issued = job.invoice is not None and job.invoice.issued
    return job.stage is Stage.INVOICE and job.state in (State.HELD, State.WAITING) and not job.adopted and not issued


def set_supply_date(ledger: Ledger, job: Job, now: datetime, note: str | None, day: date, timezone: str) -> None:
    """Set the day of supply to `day`. UsageError for a day in the future or long ago, or without a note."""
    _noted(note, "--date")
    today = _day(now, timezone)
    if day > today:
        raise UsageError(f"--date {day} is in the future (today is {today} in {timezone})")
    if day < _day(job.first_listed_at, timezone) - OLDEST:
        raise UsageError(f"--date {day} is more than ten years before the order was first listed")
    was = f" (was {job.tax_date})" if job.tax_date is not None else ""
    steer(ledger, job, job.supply_date_set(now, day), f"supply-date {day}{was}", now, note)


def set_issue_date(ledger: Ledger, job: Job, now: datetime, note: str | None, day: date, timezone: str) -> None:
    """Issue the invoice with the date `day`, which must be from the day of supply to today. Else UsageError."""
    _noted(note, "--issue-date")
    today = _day(now, timezone)
    supplied = job.tax_date or _day(job.first_listed_at, timezone)
    if not supplied <= day <= today:
        raise UsageError(
            f"--issue-date {day} is not between the day of supply, {supplied}, and today, {today} in {timezone}"
        )
    steer(ledger, job, job.issue_date_set(now, day), f"retry --issue-date {day}", now, note)


def _day(moment: datetime, timezone: str) -> date:
    return moment.astimezone(ZoneInfo(timezone)).date()


def _noted(note: str | None, option: str) -> None:
    if not (note or "").strip():
        raise UsageError(f"{option} needs --note with the reason for this date")
