"""The execution of one job: its state, its effects in the ledger, and the exceptions that end it.

A flow (`allocation`, `invoice`) is a sequence of steps on a `JobExecution`. A step that cannot continue raises
`RetryLater` or `HoldJob`; only `work` turns these into the job's state. Every call to the ERP or to ShipperOne goes
through `effect`, which commits the intent before it and records the outcome after it.
"""

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from typing import TypeVar
from zoneinfo import ZoneInfo

from shipperone_erp.domain.allocated_parties import with_allocated_parties
from shipperone_erp.domain.amounts.approved_totals import approved_total, reading_at
from shipperone_erp.domain.amounts.discount_readings import settled
from shipperone_erp.domain.amounts.expected_totals import Discount
from shipperone_erp.domain.amounts.listed_amounts import cleaned
from shipperone_erp.domain.hook_answers import (
    AlreadyIssued,
    AuthFailed,
    Invoice,
    Pending,
    Refused,
    Reservation,
    Transient,
    Unknown,
    Voided,
    seconds,
)
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.line_selection import sort_out
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.records import Effect
from shipperone_erp.domain.reservations import Allocated, reserved_rows
from shipperone_erp.domain.serialization import invoice_text
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, Step
from shipperone_erp.domain.supply_date import allocation_accepted_at, believed
from shipperone_erp.domain.without_vat import without_vat
from shipperone_erp.kernel.errors import ContractViolation, LeaseLost, LedgerError
from shipperone_erp.kernel.json import dumps
from shipperone_erp.workflow.interruptions import HoldJob, ListingChanged, RetryLater, ShutdownRequested
from shipperone_erp.workflow.ports import Contention, StagePorts
from shipperone_erp.workflow.retry_schedule import failed_attempts, next_attempt

AnswerT = TypeVar("AnswerT")

VOIDED_AT_MOST = 3
"""The number of documents in a row that may turn out to be void until the job is held."""

LOG = logging.getLogger("shipperone_erp.run")


class JobExecution:
    """A job while it is worked on.

    `listed` is the order with every row, as it is confirmed. `order` has the rows (and the dates) for the connector.
    `dates` are its dates as ShipperOne lists them, where they are known. `allocated_at`: see `domain.supply_date`.
    """

    def __init__(
        self,
        job: Job,
        ports: StagePorts,
        allocated: Allocated | None = None,
        *,
        alone: bool = False,
    ) -> None:
        self._job = job
        self._clock_moved = ports.clock_moved
        self.ports = ports
        known = allocated or Allocated()
        newest = ports.newest(job.order_id)
        # use the order that was parsed from the read instead of parsing the ledger's text again
        fresh = newest if newest and newest.fingerprint == job.fingerprint else None
        self.listed = fresh.order if fresh else job.order
        self.dates: Mapping[str, str] = fresh.dates if fresh else {}
        self.goods = sort_out(believed(self.listed, job), ports.settings, known.known)
        self.known = known
        if job.stage is Stage.INVOICE:
            rows = with_allocated_parties(self.goods.invoiced, known.made, ports.settings.unlisted_parties)
        else:
            rows = self._to_reserve()
        rows = without_vat(rows, (job, *known.made), known.made)
        self.order = cleaned(rows, rows.currency or ports.settings.currency, tolerance=ports.settings.tolerance)
        self.allocated_at = allocation_accepted_at(known.made)
        self.reservations: tuple[Reservation, ...] = known.reservations
        self._voided = 0
        self.amounts_checked: tuple[object, Problem | None] | None = None
        """Of the last check of its amounts: what it was based on, and its finding; see `order_checks`."""
        self.alone = alone
        """The process died while the job was inside a hook: it is retried while nothing else runs."""

    @property
    def job(self) -> Job:
        """The job with the next values to write; its times follow a clock that is set during the work."""
        moved = self.ports.clock_moved
        if moved != self._clock_moved:
            self._job, self._clock_moved = self._job.moved(moved - self._clock_moved), moved
        return self._job

    @job.setter
    def job(self, job: Job) -> None:
        self._job = job

    def _to_reserve(self) -> FulfillmentOrder:
        """The rows of the reservation, existing or planned."""
        if self.job.step is Step.NEW or self.goods.stocked is self.goods.listed:
            return self.goods.stocked
        return replace(self.goods.listed, items=reserved_rows(self.job, self.ports.settings))

    def void(self, step: Step = Step.NEW) -> None:
        """The document of this key is void: continue under the next key, at most `VOIDED_AT_MOST` times in one
        execution.
        """
        self._voided += 1
        if self._voided > VOIDED_AT_MOST:
            raise HoldJob(
                Reason.ERP_REFUSED,
                f"the ERP has voided the document of every key so far, up to {self.job.key}: a user or a program "
                "deletes or cancels this order's documents there",
                Owner.IT,
                until=self.later() if self.job.accepted else None,
            )
        self.job = self.job.next_generation(step)

    async def effect(
        self,
        kind: EffectKind,
        call: Callable[[], Awaitable[AnswerT | Pending]],
        *,
        step: Step,
        request: str | None = None,
    ) -> AnswerT:
        """Record the intent, call, record the outcome. Returns the answer; a hook's exception becomes `RetryLater` or
        `HoldJob`.

        `step` is the job's step during the call, and after it if the outcome is unknown. `request`: the part of the
        request to be recorded.
        """
        if self.ports.stopping:
            raise ShutdownRequested
        down = self.ports.hooks.down(kind, self.job.order_id)
        if down is not None:
            raise RetryLater(down.reason, down.sentence, until=down.until, owner=down.owner, counts=False)
        before = self.job.step
        self.job = self.job.call_begins(step)
        effect = await self.ports.effect_log.record_intent(self.job, kind, request=request, alone=self.alone)
        try:
            answer = await call()
        except AuthFailed as failure:
            self._nothing_happened(effect, before, failure.sentence)
            # the ERP's circuit breaker probes by itself; this order need not wait longer
            soon = self.later(0)
            raise RetryLater(Reason.ERP_AUTH, failure.sentence, until=soon, owner=Owner.IT, counts=False) from failure
        except Transient as failure:
            self._nothing_happened(effect, before, failure.sentence)
            until = self.later(failure.retry_after)
            counts = not isinstance(failure, Contention)
            raise RetryLater(Reason.ERP_UNAVAILABLE, failure.sentence, until=until, counts=counts) from failure
        except Refused as refusal:
            self.ports.hooks.answered(kind, self.job)
            self.ports.effect_log.record_outcome(effect, Outcome.REFUSED, f"{refusal.reason}: {refusal.sentence}")
            raise HoldJob(refusal.reason, refusal.sentence, refusal.owner) from refusal
        except AlreadyIssued as issued:
            self.ports.hooks.answered(kind, self.job)
            self.ports.effect_log.record_outcome(effect, Outcome.REFUSED, invoice_text(issued.invoice))
            raise
        except Unknown as lost:
            self.ports.effect_log.record_outcome(effect, Outcome.UNKNOWN, lost.sentence)
            raise RetryLater(Reason.OUTCOME_UNKNOWN, lost.sentence, until=self.later()) from lost
        except ContractViolation as violation:
            self.ports.effect_log.record_outcome(effect, Outcome.UNKNOWN, str(violation))
            self._burst(kind, violation)
            raise HoldJob(Reason.CONNECTOR_BUG, str(violation), Owner.IT) from violation
        except Exception as bug:  # an undeclared exception of a connector: this job is held, all others continue
            self.ports.effect_log.record_outcome(effect, Outcome.UNKNOWN, self.ports.redact(_traceback(bug)))
            self._burst(kind, bug)
            where = f"`order show {self.job.order_id} --raw`"
            sentence = f"the connector raised {type(bug).__name__} in {kind}; the traceback is in {where}"
            raise HoldJob(Reason.CONNECTOR_BUG, sentence, Owner.IT) from bug
        self.ports.hooks.answered(kind, self.job)
        if isinstance(answer, Pending):
            self.ports.effect_log.record_outcome(effect, Outcome.PENDING, answer.sentence)
            until = self.later(seconds(answer.retry_after))
            raise RetryLater(Reason(answer.reason), answer.sentence, until=until, owner=Owner(answer.owner))
        self.ports.effect_log.record_outcome(effect, Outcome.OK, _text(answer))
        return answer

    def _burst(self, kind: EffectKind, error: Exception) -> None:
        """Wait, with all other orders, if every order raises this exception."""
        down = self.ports.hooks.raised(kind, self.job, error)
        if down is not None:
            raise RetryLater(down.reason, down.sentence, until=down.until, owner=down.owner, counts=False) from error

    def _nothing_happened(self, effect: Effect, before: Step, sentence: str) -> None:
        self.ports.effect_log.record_outcome(effect, Outcome.NOT_SENT, sentence)
        self.job = self.job.call_had_no_effect(before)

    def later(self, delay: float | None = None) -> datetime:
        """The time of the next attempt: after `delay` seconds, or after the next delay of the back-off."""
        return next_attempt(self.job, self.ports.now(), delay)

    @cached_property
    def allocated(self) -> tuple[FulfillmentOrder, ...]:
        """The order as its allocations listed it, in the rows that are invoiced."""
        return tuple(sort_out(job.order, self.ports.settings).invoiced for job in self.known.made)

    @property
    def allocated_if_discounted(self) -> tuple[FulfillmentOrder, ...]:
        """`allocated` where it can prove how a discount is listed: it is parsed from the ledger for that alone."""
        return self.allocated if any(item.discount for item in self.order.items) else ()

    @cached_property
    def discount(self) -> Discount:
        """The reading of the order's discounts: the tenant's setting, else the proven one, else the one an operator
        accepted.

        None where it is undecided.
        """
        earlier = [job.order for job in self.ports.recorded(self.listed).invoices] if self.job.part else []
        proven = settled(
            self.order,
            self.currency(),
            self.ports.settings.discount,
            tolerance=self.ports.settings.tolerance,
            part=self.job.part,
            allocated=self.allocated_if_discounted,
            earlier=earlier,
        )
        return proven or reading_at(self.order, self.currency(), approved_total(self.job))

    def currency(self) -> str | None:
        """The order's currency, or the tenant's where the order lists none."""
        return self.order.currency or self.ports.settings.currency

    def day(self, moment: datetime) -> date:
        """The date of that moment in the tenant's time zone."""
        try:
            return moment.astimezone(ZoneInfo(self.ports.settings.timezone)).date()
        except OverflowError:  # the last hours of the calendar, which an earlier version of the ledger may hold
            return moment.date()


async def work(execution: JobExecution, flow: Callable[[JobExecution], Awaitable[None]]) -> None:
    """Run a flow until the job is done or cannot continue, and record the job's state."""
    before = execution.job
    now = execution.ports.now
    try:
        await flow(execution)
    except ShutdownRequested:
        pass  # the progress so far is saved below, and the next process continues from there
    except RetryLater as wait:
        tried = execution.job.attempts if wait.reason is Reason.NOT_ENOUGH_STOCK else failed_attempts(execution.job)
        attempts = tried + 1 if wait.counts else tried
        execution.job = execution.job.waiting(
            wait.reason, wait.sentence, wait.owner, until=wait.until, attempts=attempts
        )
    except HoldJob as hold:
        held = execution.job.held(hold.reason, hold.sentence, hold.owner, until=hold.until)
        execution.job = held.attempt_failed(hold.differences)
    except ContractViolation as violation:
        execution.job = execution.job.held(Reason.CONNECTOR_BUG, str(violation), Owner.IT)
    except ListingChanged:
        sentence = "ShipperOne no longer lists the order as it was; it is read again"
        attempts = execution.job.attempts
        execution.job = execution.job.waiting(
            Reason.ITEMS_CHANGED, sentence, Owner.NOBODY, until=now(), attempts=attempts
        )
    except (LeaseLost, LedgerError):
        raise  # nothing can be recorded any more: the caller handles it
    except Exception as fault:  # any exception concerns this order alone: all others continue
        LOG.exception("%s %s: order %s", execution.job.tenant, execution.job.stage, execution.job.order_id)
        sentence = f"a bug in the connector or in shipperone-erp, {type(fault).__name__}: the traceback is in the log"
        until = execution.later() if execution.job.accepted else None
        held = execution.job.held(Reason.CONNECTOR_BUG, sentence, Owner.IT, until=until)
        execution.job = held.attempt_failed(execution.job.differences)
    if execution.alone:
        execution.job = execution.job.survived_alone()
    execution.job = execution.job.since_change(before, now())
    execution.ports.effect_log.save(execution.job)
    execution.ports.changed(before, execution.job)


def _text(answer: object) -> str:
    if isinstance(answer, Invoice):
        return invoice_text(answer)
    # the answer for a void document has the same fields as one for a good document
    return dumps({"voided": True, "reference": answer.reference} if isinstance(answer, Voided) else answer)


def _traceback(bug: BaseException) -> str:
    """The place where it was raised, without the message of a pydantic error's input or any local values."""
    return "".join(traceback.format_exception(bug, limit=-6, chain=False))
