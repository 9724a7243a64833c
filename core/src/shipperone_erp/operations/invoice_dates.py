"""What an operator sets about an invoice's dates: the day of supply, or the date of issue. Recorded with the actor.

Two facts, two acts. The day of supply is set only in place of one that cannot be true (`date_implausible`); the date of
issue only where the ERP takes no invoice of the day of supply (`erp_period_locked`: a locked period, or numbers that
follow the dates). After either an approval is asked for again. A draft that is known is discarded and built anew with
these dates; what ShipperOne has accepted is issued with them.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.job_commands import steer

OLDEST = timedelta(days=3653)
"""Before its first listing: an earlier day of supply is a slip of the pen."""


def lacks_true_supply_date(job: Job) -> bool:
    """Held because its day of supply cannot be true."""
    return _can_be_dated(job) and job.reason is Reason.DATE_IMPLAUSIBLE


def is_refused_for_its_date(job: Job) -> bool:
    """The ERP takes no invoice of its day of supply."""
    return _can_be_dated(job) and job.reason is Reason.ERP_PERIOD_LOCKED


def _can_be_dated(job: Job) -> bool:
    issued = job.invoice is not None and job.invoice.issued
    return job.stage is Stage.INVOICE and job.state in (State.HELD, State.WAITING) and not job.adopted and not issued


def set_supply_date(ledger: Ledger, job: Job, now: datetime, note: str | None, *, day: date, timezone: str) -> None:
    """The day of supply is `day`. UsageError for a day to come, or of long ago, or without a note."""
    _noted(note, "--date")
    today = _day(now, timezone)
    if day > today:
        raise UsageError(
            f"--date {day} is later than today ({today} in {timezone}): nothing can have been supplied then"
        )
    if day < _day(job.first_listed_at, timezone) - OLDEST:
        raise UsageError(f"--date {day} is more than ten years before the order was first listed")
    was = f" (was {job.tax_date})" if job.tax_date is not None else ""
    steer(ledger, job, job.supply_date_set(now, day), f"supply-date {day}{was}", now, note)


def set_issue_date(ledger: Ledger, job: Job, now: datetime, note: str | None, *, day: date, timezone: str) -> None:
    """The invoice is issued with the date `day`, from the day of supply on up to today. Else UsageError."""
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
        raise UsageError(f"{option} needs --note: why the invoice gets this date")
