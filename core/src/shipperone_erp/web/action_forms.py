"""The actions of an operator for one job on the page: each with its inputs and its function in `operations`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial

from shipperone_erp.config import Configuration
from shipperone_erp.domain.job import CreditNote, Job
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import (
    approving,
    document_adoption,
    invoice_dating,
    job_actions,
    lost_documents,
    recorded_credits,
)
from shipperone_erp.operations import release as releasing
from shipperone_erp.operations.document_adoption import Made, amount, parsed
from shipperone_erp.operations.job_selection import Pick
from shipperone_erp.web.texts import text

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """One action on one job: the ledger to write, and the operator's input."""

    ledger: Ledger
    configuration: Configuration
    job: Job
    now: datetime
    note: str | None
    values: Values = field(default_factory=dict)

    def timezone(self) -> str:
        """The tenant's time zone. UsageError if the tenant cannot be loaded."""
        if self.job.tenant not in self.configuration.tenants:
            raise UsageError(f"{self.job.tenant} has an invalid configuration")
        return self.configuration.tenants[self.job.tenant].timezone


@dataclass(frozen=True, slots=True)
class JobAction:
    """An action of the page. `fits`: whether it applies to the job in its present state.

    `fields`: the inputs besides the note; an action with fields is for one job at a time.
    """

    name: str
    fits: Callable[[Job], bool]
    run: Callable[[ActionRequest], str | None]
    """Returns the next step, if the job itself does not show it."""
    needs_note: bool = False
    fields: tuple[str, ...] = ()
    harmless: bool = False
    """It creates and changes no document by itself: a list's button runs it without a preview."""


@dataclass(frozen=True, slots=True)
class BackgroundAction(JobAction):
    """An action that first reads ShipperOne's queues or the ERP: for one job at a time, in `in_background`.

    The form is answered at once; the order's page shows the result.
    """

    in_background: Callable[[ActionRequest], Awaitable[None]] = field(kw_only=True)


def _note(request: ActionRequest) -> str:
    job_actions.note_down(request.ledger, request.job, request.now, request.note)
    return text("note_kept")


def _simple(command: Callable[[Ledger, Job, datetime, str | None], None], request: ActionRequest) -> None:
    command(request.ledger, request.job, request.now, request.note)


def _approve(request: ActionRequest) -> str | None:
    needed = approving.persons(request.configuration, request.job)
    done = job_actions.approve(request.ledger, request.job, request.now, request.note, persons=needed)
    return None if done else text("second_approval")


def _approve_total(request: ActionRequest) -> None:
    approving.approve_sum(
        request.ledger, request.configuration, request.job, request.now, request.note, total=_amount(request, "total")
    )


def _adopt(request: ActionRequest) -> None:
    made = Made(
        Pick(request.job.order_id, request.job.tenant, request.job.stage, request.job.key),
        _filled(request, "reference"),
        request.values.get("number") or None, _amount(request, "total"), _day(request, "date"),
    )  # fmt: skip
    document_adoption.adopt(request.ledger, [made], request.now, request.note)


def _credited(request: ActionRequest) -> None:
    off = _amount(request, "amount")
    if off is None:
        raise UsageError("fill in the credited amount, such as 30.00")
    known = request.configuration.tenants.get(request.job.tenant)
    credit = CreditNote(_filled(request, "number"), off)
    currency = known.currency if known else None
    recorded_credits.credited(request.ledger, request.job, request.now, request.note, credit=credit, currency=currency)


def _dated(set_date: invoice_dating.SetDate, request: ActionRequest) -> None:
    set_date(request.ledger, request.job, request.now, request.note, _needed_day(request), request.timezone())


def _one_at_a_time(request: ActionRequest) -> None:
    raise UsageError(f"{request.job.key}: this action queries the other systems first; run it for one order at a time")


async def _release(request: ActionRequest) -> None:
    await releasing.release_unlisted(request.ledger, request.configuration, request.job, request.note or "")


async def _make_anew(request: ActionRequest) -> None:
    await asyncio.to_thread(
        lost_documents.make_anew, request.ledger, request.configuration, [request.job], request.now, request.note
    )


def _filled(request: ActionRequest, name: str) -> str:
    value = request.values.get(name, "").strip()
    if not value:
        raise UsageError(f"fill in the {name}")
    return value


def _amount(request: ActionRequest, name: str) -> Decimal | None:
    return parsed(amount, request.values.get(name, "").strip(), name, "an amount such as 24.99")


def _day(request: ActionRequest, name: str) -> date | None:
    return parsed(date.fromisoformat, request.values.get(name, "").strip(), name, "a date such as 2026-03-01")


def _needed_day(request: ActionRequest) -> date:
    day = _day(request, "date")
    if day is None:
        raise UsageError("fill in the date, such as 2026-03-01")
    return day


JOB_ACTIONS: Mapping[str, JobAction] = {
    action.name: action
    for action in (
        JobAction("approve", job_actions.can_be_approved, _approve),
        JobAction("retry", job_actions.can_be_retried, partial(_simple, job_actions.retry), harmless=True),
        JobAction("rebuild", job_actions.can_be_rebuilt, partial(_simple, partial(job_actions.retry, rebuild=True))),
        JobAction("repeat", job_actions.can_be_repeated, partial(_simple, job_actions.repeat), needs_note=True),
        JobAction(
            "approve_total", job_actions.total_can_be_approved, _approve_total, needs_note=True, fields=("total",)
        ),
        JobAction(
            "approve_without_vat", job_actions.vat_can_be_left_out, partial(_simple, job_actions.approve_without_vat),
            needs_note=True,
        ),
        JobAction(
            "supply_date", invoice_dating.lacks_true_supply_date, partial(_dated, invoice_dating.set_supply_date),
            needs_note=True, fields=("date",),
        ),
        JobAction(
            "issue_date", invoice_dating.is_refused_for_its_date, partial(_dated, invoice_dating.set_issue_date),
            needs_note=True, fields=("date",),
        ),
        JobAction(
            "resolve_confirmed", job_actions.can_be_resolved,
            partial(_simple, partial(job_actions.resolve, outcome="confirmed")), needs_note=True,
        ),
        JobAction(
            "resolve_cancelled", lambda job: job_actions.can_be_resolved(job) and not job.accepted,
            partial(_simple, partial(job_actions.resolve, outcome="cancelled")), needs_note=True,
        ),
        JobAction(
            "adopt", document_adoption.can_be_adopted, _adopt, needs_note=True,
            fields=("reference", "number", "total", "date"),
        ),
        JobAction(
            "credited", recorded_credits.can_be_credited, _credited, needs_note=True, fields=("number", "amount")
        ),
        BackgroundAction(
            "make_anew", lost_documents.can_be_made_anew, _one_at_a_time, needs_note=True, in_background=_make_anew
        ),
        BackgroundAction(
            "release", job_actions.can_be_released, _one_at_a_time, needs_note=True, in_background=_release
        ),
        JobAction("ignore", job_actions.can_be_ended, partial(_simple, job_actions.ignore), needs_note=True),
        JobAction("note", lambda job: True, _note, needs_note=True),
    )
}  # fmt: skip
"""In the sequence of the page: first the actions that cure, last those that end a job."""

IN_BACKGROUND = tuple(action.name for action in JOB_ACTIONS.values() if isinstance(action, BackgroundAction))
IN_BULK = tuple(a.name for a in JOB_ACTIONS.values() if not a.fields and not isinstance(a, BackgroundAction))

IN_ROW = tuple(name for name in IN_BULK if not JOB_ACTIONS[name].needs_note)
"""Those that need no input at all: each order of a list has a button for the first that fits."""


def available(job: Job) -> list[JobAction]:
    """The actions that apply to this job now."""
    return [action for action in JOB_ACTIONS.values() if action.fits(job)]


def fields_of(action: JobAction, job: Job) -> tuple[str, ...]:
    """The required inputs: for a reservation only the reference."""
    return ("reference",) if action.name == "adopt" and job.stage is Stage.ALLOCATION else action.fields
