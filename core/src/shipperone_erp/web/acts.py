"""What an operator can do to one job from the page: each act with what it needs, and the function of `operations`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Literal

from shipperone_erp.config import Configuration
from shipperone_erp.domain.credit_note import CreditNote
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import adoption, approving, credit_notes, invoice_dates, job_commands
from shipperone_erp.operations.adoption import Made, amount, parsed
from shipperone_erp.operations.job_commands import Pick
from shipperone_erp.web.texts import text

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Doing:
    """One act on one job: the ledger that is written, and what the operator has filled in."""

    ledger: Ledger
    configuration: Configuration
    job: Job
    now: datetime
    note: str | None
    values: Values = field(default_factory=dict)

    def timezone(self) -> str:
        """The tenant's. UsageError if the tenant is not usable as it is configured."""
        if self.job.tenant not in self.configuration.tenants:
            raise UsageError(f"{self.job.tenant} is not usable as it is configured")
        return self.configuration.tenants[self.job.tenant].timezone


@dataclass(frozen=True, slots=True)
class Act:
    """An act as the page offers it: `fits` says whether the job is such that it can be done.

    `fields`: what has to be filled in beside the note; an act with fields is for one job at a time.
    """

    name: str
    fits: Callable[[Job], bool]
    do: Callable[[Doing], str | None]
    """Returns what follows, where the job itself does not show it."""
    needs_note: bool = False
    fields: tuple[str, ...] = ()
    aside: bool = False
    """It reads ShipperOne's queues first, so it runs beside the request (`releasing`)."""


def _retry(doing: Doing, *, rebuild: bool) -> None:
    job_commands.retry(doing.ledger, doing.job, doing.now, doing.note, rebuild=rebuild)


def _note(doing: Doing) -> str:
    job_commands.note_down(doing.ledger, doing.job, doing.now, doing.note)
    return text("note_kept")


def _resolve(doing: Doing, *, outcome: Literal["confirmed", "cancelled"]) -> None:
    job_commands.resolve(doing.ledger, doing.job, doing.now, doing.note, outcome=outcome)


def _simple(act: Callable[[Ledger, Job, datetime, str | None], None], doing: Doing) -> None:
    act(doing.ledger, doing.job, doing.now, doing.note)


def _approve(doing: Doing) -> str | None:
    needed = approving.persons(doing.configuration, doing.job)
    done = job_commands.approve(doing.ledger, doing.job, doing.now, doing.note, persons=needed)
    return None if done else text("second_approval")


def _approve_total(doing: Doing) -> None:
    approving.approve_sum(
        doing.ledger, doing.configuration, doing.job, doing.now, doing.note, total=_amount(doing, "total")
    )


def _adopt(doing: Doing) -> None:
    made = Made(
        Pick(doing.job.order_id, doing.job.tenant, doing.job.stage, doing.job.key), _filled(doing, "reference"),
        doing.values.get("number") or None, _amount(doing, "total"), _day(doing, "date"),
    )  # fmt: skip
    adoption.adopt(doing.ledger, [made], doing.now, doing.note)


def _credited(doing: Doing) -> None:
    off = _amount(doing, "amount")
    if off is None:
        raise UsageError("fill in what the credit note takes off, such as 30.00")
    known = doing.configuration.tenants.get(doing.job.tenant)
    credit = CreditNote(_filled(doing, "number"), off)
    currency = known.currency if known else None
    credit_notes.credited(doing.ledger, doing.job, doing.now, doing.note, credit=credit, currency=currency)


def _supply_date(doing: Doing) -> None:
    invoice_dates.set_supply_date(
        doing.ledger, doing.job, doing.now, doing.note, day=_needed_day(doing), timezone=doing.timezone()
    )


def _issue_date(doing: Doing) -> None:
    invoice_dates.set_issue_date(
        doing.ledger, doing.job, doing.now, doing.note, day=_needed_day(doing), timezone=doing.timezone()
    )


def _aside(doing: Doing) -> None:
    raise UsageError(f"{doing.job.key}: this act reads ShipperOne's queues first; it is done for one order at a time")


def _filled(doing: Doing, name: str) -> str:
    value = doing.values.get(name, "").strip()
    if not value:
        raise UsageError(f"fill in the {name}")
    return value


def _amount(doing: Doing, name: str) -> Decimal | None:
    return parsed(amount, doing.values.get(name, "").strip(), name, "an amount such as 24.99")


def _day(doing: Doing, name: str) -> date | None:
    return parsed(date.fromisoformat, doing.values.get(name, "").strip(), name, "a date such as 2026-03-01")


def _needed_day(doing: Doing) -> date:
    day = _day(doing, "date")
    if day is None:
        raise UsageError("fill in the date, such as 2026-03-01")
    return day


ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (
        Act("approve", job_commands.can_be_approved, _approve),
        Act("retry", job_commands.can_be_retried, partial(_retry, rebuild=False)),
        Act("rebuild", job_commands.can_be_rebuilt, partial(_retry, rebuild=True)),
        Act("repeat", job_commands.can_be_repeated, partial(_simple, job_commands.repeat), needs_note=True),
        Act("approve_total", job_commands.total_can_be_approved, _approve_total, needs_note=True, fields=("total",)),
        Act(
            "approve_without_vat", job_commands.vat_can_be_left_out, partial(_simple, job_commands.approve_without_vat),
            needs_note=True,
        ),
        Act("supply_date", invoice_dates.lacks_true_supply_date, _supply_date, needs_note=True, fields=("date",)),
        Act("issue_date", invoice_dates.is_refused_for_its_date, _issue_date, needs_note=True, fields=("date",)),
        Act("resolve_confirmed", job_commands.can_be_resolved, partial(_resolve, outcome="confirmed"), needs_note=True),
        Act(
            "resolve_cancelled", lambda job: job_commands.can_be_resolved(job) and not job.accepted,
            partial(_resolve, outcome="cancelled"), needs_note=True,
        ),
        Act("adopt", adoption.can_be_adopted, _adopt, needs_note=True, fields=("reference", "number", "total", "date")),
        Act("credited", credit_notes.can_be_credited, _credited, needs_note=True, fields=("number", "amount")),
        Act("release", job_commands.can_be_released, _aside, needs_note=True, aside=True),
        Act("ignore", job_commands.can_be_ended, partial(_simple, job_commands.ignore), needs_note=True),
        Act("note", lambda job: True, _note, needs_note=True),
    )
}  # fmt: skip
"""In the order in which the page offers them: what cures first, what ends last."""

IN_BULK = tuple(act.name for act in ACTS.values() if not act.fields and not act.aside)


def fitting(job: Job) -> list[Act]:
    """What can be done to this job now. A part that is for one stage alone is left out of the other."""
    return [act for act in ACTS.values() if act.fits(job)]


def fields_of(act: Act, job: Job) -> tuple[str, ...]:
    """What has to be filled in: a reservation has a reference and nothing more."""
    return ("reference",) if act.name == "adopt" and job.stage is Stage.ALLOCATION else act.fields
