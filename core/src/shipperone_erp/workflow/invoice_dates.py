"""The dates of an invoice: the day of supply and, where an operator has set one, the date of issue.

The day of supply is checked whenever work on the job begins or resumes, until the invoice is issued: before anything is
built, before each POST, and once more after ShipperOne's acceptance, before the invoice becomes fiscal
(`settle_supply_day`).
"""

from datetime import date

from shipperone_erp.domain.absence import may_exist
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Step
from shipperone_erp.domain.supply_date import Window, implausible
from shipperone_erp.workflow.compensation import rebuild
from shipperone_erp.workflow.execution import JobExecution
from shipperone_erp.workflow.interruptions import HoldJob

REBUILT_AT_MOST = 3
"""The number of rebuilds of a draft for another listed day until the job is held."""


def supply_date(execution: JobExecution, *, issuing: bool = False) -> date | None:
    """The day of supply, fixed at the first attempt.

    It is the operator's, or the day of shipping, of the first listing, or (None until then) of issue.
    """
    rule = execution.ports.settings.tax_date
    if execution.job.supply_date is not None:
        execution.job = execution.job.supply_day_is(execution.job.supply_date)
    elif rule == "issued" and not issuing:
        return None
    elif execution.job.tax_date is None:
        match rule:
            case "issued":
                day = execution.day(execution.ports.now())
            case "shipped" if execution.listed.shipped_at is not None:
                day = execution.day(execution.listed.shipped_at)
            case _:
                day = execution.day(execution.job.first_listed_at)
        execution.job = execution.job.supply_day_is(day)
    return execution.job.tax_date


def dates_set(execution: JobExecution) -> str | None:
    """The dates of the request as they are recorded with its intent; None where no operator has set one."""
    job = execution.job
    if not job.dated_by_operator:
        return None
    issued = f", issue_date {job.issue_date}" if job.issue_date is not None else ""
    return f"tax_date {job.tax_date}{issued}"


def recorded(*parts: str | None) -> str | None:
    """The recorded text of a request; None if it is empty."""
    return "; ".join(part for part in parts if part) or None


async def settle_supply_day(execution: JobExecution) -> None:
    """Hold the job if its day of supply is implausible; take over another day that ShipperOne lists by now.

    Does nothing for an invoice that is issued, or whose day an operator has set.
    """
    job = execution.job
    issued = job.invoice is not None and job.invoice.issued
    if issued or job.supply_date is not None or job.step in (Step.ISSUED, Step.DELIVERING, Step.DONE):
        return
    rules = execution.ports.settings
    window = Window.of(rules, job.first_listed_at, execution.allocated_at)
    against = implausible(execution.listed, rules, window, listed=execution.dates.get("shipped_at"))
    if job.tax_date is not None:
        begun = implausible(execution.listed, rules, window, fixed=job.tax_date)
        if against is None and not job.accepted:
            await _take_listed_day(execution, begun)
        against = (
            implausible(execution.listed, rules, window, fixed=execution.job.tax_date)
            if execution.job.tax_date
            else None
        )
    if against is not None:
        raise _held(execution, against)


async def _take_listed_day(execution: JobExecution, begun: str | None) -> None:
    """Take over a listed day that differs from the invoice's. A draft in the ERP with an implausible day is kept."""
    if execution.ports.settings.tax_date != "shipped":
        return
    shipped_at = execution.listed.shipped_at
    day = execution.day(shipped_at) if shipped_at is not None else execution.job.tax_date if begun is None else None
    if day == execution.job.tax_date:
        return
    if not may_exist(execution.job):
        execution.job = execution.job.draft_forgotten()
    elif begun is None:
        if execution.job.rebuilds >= REBUILT_AT_MOST:
            raise _held(execution, f"ShipperOne lists a different shipped_at at each read, now {day}")
        execution.job = execution.job.rebuild_counted()
        await rebuild(execution, f"ShipperOne lists {day} as the day of supply, which was {execution.job.tax_date}")
        execution.job = execution.job.supply_day_is(None)


def _held(execution: JobExecution, against: str) -> HoldJob:
    draft = f"; {execution.job.reference} in the ERP stays as it is" if execution.job.reference else ""
    accepted = "ShipperOne has accepted it, the invoice is not issued yet: " if execution.job.accepted else ""
    return HoldJob(
        Reason.DATE_IMPLAUSIBLE,
        f"{accepted}{against}{draft}. Have the date corrected at ShipperOne, or set the true day with "
        f"`order supply-date {execution.job.order_id} --date YYYY-MM-DD --note …`",
        Owner.ACCOUNTANT,
        until=execution.later() if execution.job.accepted else None,
    )
