"""One job being worked on: its state, its effects in the ledger, and the ways in which work on it can stop.

A flow (`allocation`, `invoice`) is a sequence of steps on a `JobExecution`. A step that cannot continue raises
`RetryLater` or `HoldJob`; `work` alone turns these into the job's state. Every call to the ERP or to ShipperOne goes
through `effect`, which commits the intent before it and records the outcome after it.
"""

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TypeVar
from zoneinfo import ZoneInfo

from shipperone_erp.domain.approved_totals import approved_total, reading_at
from shipperone_erp.domain.discount_readings import settled
from shipperone_erp.domain.hook_answers import (
    AlreadyIssued,
    AuthFailed,
    Pending,
    Refused,
    Reservation,
    Transient,
    Unknown,
    Voided,
    seconds,
)
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.line_selection import sort_out
from shipperone_erp.domain.listed_amounts import cleaned
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.post_answer import PostAnswer, PostOutcome
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.records import Effect
from shipperone_erp.domain.reservations import Allocated, reserved_rows
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, Step
from shipperone_erp.domain.supply_date import allocation_accepted_at, believed
from shipperone_erp.domain.totals import Discount
from shipperone_erp.domain.without_vat import without_vat
from shipperone_erp.kernel.errors import ContractViolation, LeaseLost, LedgerError
from shipperone_erp.kernel.json import dumps
from shipperone_erp.workflow.ports import Contention, EffectLog, StagePorts

AnswerT = TypeVar("AnswerT")

VOIDED_AT_MOST = 3
"""How many documents in a row may turn out to be void until a person is asked."""

LOG = logging.getLogger("shipperone_erp.run")


class RetryLater(Exception):
    """Time, stock or the far side will solve it: the job is taken up again at `until` (or when the ports resumes)."""

    def __init__(
        self,
        reason: Reason,
        sentence: str,
        *,
        until: datetime,
        owner: Owner = Owner.NOBODY,
        counts: bool = True,
    ) -> None:
        super().__init__(sentence)
        self.reason, self.sentence, self.until, self.owner, self.counts = reason, sentence, until, owner, counts


class HoldJob(Exception):
    """A person must act: the job stays as it is until they do, or until its cause is gone.

    `until` is set where it is tried again by itself all the same: what ShipperOne has accepted is late, not lost.
    """

    def __init__(
        self,
        reason: Reason,
        sentence: str,
        owner: Owner,
        differences: tuple[Difference, ...] = (),
        until: datetime | None = None,
    ) -> None:
        super().__init__(sentence)
        self.reason, self.sentence, self.owner, self.differences = reason, sentence, owner, differences
        self.until = until


class ShutdownRequested(Exception):
    """The job rests at a recorded point: `StagePorts.stopping` came before its next effect."""


class ListingChanged(Exception):
    """The newest read no longer shows the order as this job has it: planning decides what to do."""


class JobExecution:
    """A job while it is worked on.

    `listed` is the order with every row, as it is confirmed; `order` has the rows (and the dates) that the connector is
    given. `dates` are its dates as ShipperOne lists them, where they are known; `allocated_at`: see `supply_day`.
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
        # what was parsed a moment ago need not be parsed again from the ledger's text
        fresh = newest if newest and newest.fingerprint == job.fingerprint else None
        self.listed = fresh.order if fresh else job.order
        self.dates: Mapping[str, str] = fresh.dates if fresh else {}
        self.goods = sort_out(believed(self.listed, job), ports.settings, known.known)
        self.known = known
        rows = self.goods.invoiced if job.stage is Stage.INVOICE else self._to_reserve()
        rows = without_vat(rows, (job, *known.made))
        self.order = cleaned(rows, rows.currency or ports.settings.currency, tolerance=ports.settings.tolerance)
        self.allocated_at = allocation_accepted_at(known.made)
        self.reservations: tuple[Reservation, ...] = known.reservations
        self._voided = 0
        self.alone = alone
        """It was inside a hook when the process died: it is tried while nothing else runs."""

    @property
    def job(self) -> Job:
        """The job as it will be written next; its times follow a clock that is set while it is worked on."""
        moved = self.ports.clock_moved
        if moved != self._clock_moved:
            self._job, self._clock_moved = self._job.moved(moved - self._clock_moved), moved
        return self._job

    @job.setter
    def job(self, job: Job) -> None:
        self._job = job

    def _to_reserve(self) -> FulfillmentOrder:
        """The rows that the reservation is of, or will be."""
        if self.job.step is Step.NEW or self.goods.stocked is self.goods.listed:
            return self.goods.stocked
        return replace(self.goods.listed, items=reserved_rows(self.job, self.ports.settings))

    def void(self, step: Step = Step.NEW) -> None:
        """The document of this key is void: go on under the next one, but not without end in one go."""
        self._voided += 1
        if self._voided > VOIDED_AT_MOST:
            raise HoldJob(
                Reason.ERP_REFUSED,
                f"the ERP has voided the document of every key so far, up to {self.job.key}: somebody (or something) "
                "deletes or cancels there what is made for this order",
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
        """Intent, call, outcome. Answers come back as they are; what a hook raises becomes `RetryLater` or `HoldJob`.

        `step` is where the job stands while the call is under way, and where it stays if the outcome is unknown.
        `request`: what is to be kept of what was asked.
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
            # the ERP's own probes say when there is hope; this order is no reason to wait longer
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
            self.ports.effect_log.record_outcome(effect, Outcome.REFUSED, dumps(issued.invoice))
            raise
        except Unknown as lost:
            self.ports.effect_log.record_outcome(effect, Outcome.UNKNOWN, lost.sentence)
            raise RetryLater(Reason.OUTCOME_UNKNOWN, lost.sentence, until=self.later()) from lost
        except ContractViolation as violation:
            self.ports.effect_log.record_outcome(effect, Outcome.UNKNOWN, str(violation))
            self._burst(kind, violation)
            raise HoldJob(Reason.CONNECTOR_BUG, str(violation), Owner.IT) from violation
        except Exception as bug:  # whatever a connector raises that it should not: this job is held, all others go on
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
        # a void document's answer has the same fields as one that is good
        said = {"voided": True, "reference": answer.reference} if isinstance(answer, Voided) else answer
        self.ports.effect_log.record_outcome(effect, Outcome.OK, dumps(said))
        return answer

    def _burst(self, kind: EffectKind, error: Exception) -> None:
        """Wait, with all others, if every order meets this exception."""
        down = self.ports.hooks.raised(kind, self.job, error)
        if down is not None:
            raise RetryLater(down.reason, down.sentence, until=down.until, owner=down.owner, counts=False) from error

    def _nothing_happened(self, effect: Effect, before: Step, sentence: str) -> None:
        self.ports.effect_log.record_outcome(effect, Outcome.NOT_SENT, sentence)
        self.job = self.job.call_had_no_effect(before)

    def later(self, delay: float | None = None) -> datetime:
        """When to try again: after `delay` seconds, or after the next delay of the backoff."""
        if delay is None:
            return self.ports.now() + self.ports.backoff(self.tries)
        return self.ports.now() + timedelta(seconds=max(delay, 0.05))

    @property
    def tries(self) -> int:
        """How often it has met trouble. That stock was short so often is none: the ERP has answered."""
        return 0 if self.job.reason is Reason.NOT_ENOUGH_STOCK else self.job.attempts

    @cached_property
    def allocated(self) -> tuple[FulfillmentOrder, ...]:
        """The order as its allocations listed it, in the rows that are invoiced."""
        return tuple(sort_out(job.order, self.ports.settings).invoiced for job in self.known.made)

    @cached_property
    def discount(self) -> Discount:
        """How the order's discounts count: as the tenant says, else as is proven, else as an operator has accepted it.

        None where that is open.
        """
        earlier = [job.order for job in self.ports.recorded(self.listed).invoices] if self.job.part else []
        proven = settled(
            self.order,
            self.currency(),
            self.ports.settings.discount,
            tolerance=self.ports.settings.tolerance,
            part=self.job.part,
            allocated=self.allocated if any(item.discount for item in self.order.items) else (),
            earlier=earlier,
        )
        return proven or reading_at(self.order, self.currency(), approved_total(self.job))

    def currency(self) -> str | None:
        """The order's currency, or the tenant's where the order does not say."""
        return self.order.currency or self.ports.settings.currency

    def day(self, moment: datetime) -> date:
        """The date of that moment where the tenant is."""
        try:
            return moment.astimezone(ZoneInfo(self.ports.settings.timezone)).date()
        except OverflowError:  # the last hours of the calendar, as an earlier version of the ledger may hold them
            return moment.date()


async def work(case: JobExecution, flow: Callable[[JobExecution], Awaitable[None]]) -> None:
    """Run a flow on a case until it is done or cannot go on, and record where the job stands then."""
    before = case.job
    now = case.ports.now
    try:
        await flow(case)
    except ShutdownRequested:
        pass  # what was reached is saved below; whoever comes next goes on from there
    except RetryLater as wait:
        tried = case.job.attempts if wait.reason is Reason.NOT_ENOUGH_STOCK else case.tries
        attempts = tried + 1 if wait.counts else tried
        case.job = case.job.waiting(wait.reason, wait.sentence, wait.owner, until=wait.until, attempts=attempts)
    except HoldJob as hold:
        held = case.job.held(hold.reason, hold.sentence, hold.owner, until=hold.until)
        case.job = held.attempt_failed(hold.differences)
    except ContractViolation as violation:
        case.job = case.job.held(Reason.CONNECTOR_BUG, str(violation), Owner.IT)
    except ListingChanged:
        sentence = "ShipperOne no longer lists the order as it was; it is read again"
        attempts = case.job.attempts
        case.job = case.job.waiting(Reason.ITEMS_CHANGED, sentence, Owner.NOBODY, until=now(), attempts=attempts)
    except (LeaseLost, LedgerError):
        raise  # nothing can be recorded any more: this is for whoever runs the stage
    except Exception as fault:  # whatever it is, it is about this order: all others go on
        LOG.exception("%s %s: order %s", case.job.tenant, case.job.stage, case.job.order_id)
        sentence = f"a fault of the connector or of ours, {type(fault).__name__}: the traceback is in the log"
        until = case.later() if case.job.accepted else None
        held = case.job.held(Reason.CONNECTOR_BUG, sentence, Owner.IT, until=until)
        case.job = held.attempt_failed(case.job.differences)
    if case.alone:
        case.job = case.job.survived_alone()
    case.job = case.job.since_change(before, now())
    case.ports.effect_log.save(case.job)
    case.ports.changed(before, case.job)


def _traceback(bug: BaseException) -> str:
    """Where it was raised, without the message of a pydantic error's input or any local values."""
    return "".join(traceback.format_exception(bug, limit=-6, chain=False))


OUTCOMES = {
    PostOutcome.ACCEPTED: Outcome.OK,
    PostOutcome.REFUSED: Outcome.REFUSED,
    PostOutcome.UNKNOWN: Outcome.UNKNOWN,
}
"""What a POST's outcome is in the ledger; every other one means that nothing happened."""


def record_post(effect_log: EffectLog, effect: Effect, answer: PostAnswer, job: Job) -> None:
    """Record what ShipperOne answered, the status and the body as it came, and in the same commit what it means.

    Nothing would ask ShipperOne again what it has said: an outcome without its job would let the order look untouched.
    """
    outcome = OUTCOMES.get(answer.outcome, Outcome.NOT_SENT)
    said = dumps({"status": answer.status, "message": answer.message, "body": answer.body})
    effect_log.record_outcome(effect, outcome, said, job)
