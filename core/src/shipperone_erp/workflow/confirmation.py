"""Confirms a job at ShipperOne and handles the answer. The same for both stages.

accepted         the job continues, and is never superseded any more
refused (400)    a fresh read, a comparison, `handle_mismatch`; then a retry, a next generation, or a hold
nothing happened the connection was never made, 429, 503 with Retry-After, 401, 403: later, no attempt counted
unknown          the answer was lost, or is a 2xx that denies it: nothing is undone or sent again until two reads of
                 the queue have decided (see `domain.absence`); a denied order that is still listed counts as refused
"""

from dataclasses import replace

from shipperone_erp.domain.hook_requests import Difference, Mismatch, Resolution, Verdict
from shipperone_erp.domain.invoice_checks.comparison import order_differences, reason_for, side_by_side
from shipperone_erp.domain.listing import Listed, ReadFailed
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.personal_data import discreet
from shipperone_erp.domain.post_answer import PostAnswer, PostOutcome, faulty_post
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, Step
from shipperone_erp.kernel.errors import LeaseLost, LedgerError
from shipperone_erp.kernel.json import dumps
from shipperone_erp.workflow.compensation import rebuild
from shipperone_erp.workflow.execution import LOG, JobExecution
from shipperone_erp.workflow.interruptions import HoldJob, ListingChanged, RetryLater, ShutdownRequested
from shipperone_erp.workflow.order_checks import check_amounts

AT_MOST = 3
"""The number of retries, and of rebuilds, after a mismatch until the job is held."""

LOST_AT_MOST = 3
"""The number of lost answers (or 500s) in a row until the job is held."""

BLOCKED = 30.0
"""Seconds until a confirmation is retried that a firewall blocks, with all others."""

UNREACHED = 5.0
"""Seconds until a confirmation that never reached ShipperOne is sent again."""


OUTCOMES = {
    PostOutcome.ACCEPTED: Outcome.OK,
    PostOutcome.REFUSED: Outcome.REFUSED,
    PostOutcome.UNKNOWN: Outcome.UNKNOWN,
}
"""The ledger's outcome of a POST; every other one means that nothing happened."""


async def confirm(execution: JobExecution) -> None:
    """Send the confirmation if the newest read shows the order as this job has it; act on the answer.

    Returns with the job accepted, or at an earlier step of its next generation; raises `RetryLater`, `HoldJob` or
    `ListingChanged`.
    """
    listed = execution.ports.newest(execution.job.order_id)
    if listed is None or listed.fingerprint != execution.job.fingerprint:
        raise ListingChanged
    refused = execution.ports.token_refused()
    if refused is not None:
        raise _token_refused(execution, refused)
    blocked = execution.ports.firewall_blocks()
    if blocked is not None:
        raise RetryLater(Reason.PLATFORM_UNAVAILABLE, blocked, until=execution.later(BLOCKED), counts=False)
    async with execution.ports.sales_order(execution.order.order_number), execution.ports.turn_to_confirm() as seconds:
        if seconds is not None:
            sentence = f"ShipperOne limits the rate of requests; this confirmation is sent in about {seconds:.0f} s"
            raise RetryLater(Reason.PLATFORM_RATE_LIMITED, sentence, until=execution.later(seconds), counts=False)
        if execution.job.stage is Stage.INVOICE:
            check_amounts(execution)  # while a draft waited, another part or another order may have been invoiced
        answer = await _post(execution)
    if answer.outcome in (PostOutcome.ACCEPTED, PostOutcome.REFUSED):
        execution.ports.platform_answers()
    if answer.outcome is PostOutcome.ACCEPTED:
        return
    if answer.outcome is PostOutcome.REFUSED and answer.status == 400:
        await _refused(execution, answer.message, f"ShipperOne refused it: {answer.message.rstrip('. ')}")
    elif answer.outcome is PostOutcome.REFUSED:
        raise HoldJob(Reason.PLATFORM_REFUSED, f"ShipperOne answered {answer.status}: {answer.message}", Owner.IT)
    elif answer.outcome is PostOutcome.UNAUTHORISED:
        execution.ports.pause_platform(answer.message)
        raise _token_refused(execution, answer.message)
    elif answer.outcome is PostOutcome.THROTTLED:
        until = execution.later(answer.retry_after)
        raise RetryLater(Reason.PLATFORM_RATE_LIMITED, answer.message, until=until, counts=False)
    elif answer.outcome is PostOutcome.NOT_SENT:
        raise RetryLater(Reason.PLATFORM_UNAVAILABLE, answer.message, until=execution.later(UNREACHED), counts=False)
    else:
        _lost(execution, answer)


async def _post(execution: JobExecution) -> PostAnswer:
    if execution.ports.stopping:
        raise ShutdownRequested
    before = execution.job.step
    execution.job = execution.job.call_begins(Step.CONFIRMING)
    effect = await execution.ports.effect_log.record_intent(
        execution.job, EffectKind.CONFIRM, request=execution.ports.body(execution.listed)
    )
    try:
        answer = await execution.ports.post(execution.listed, execution.job.fingerprint)
        # the ledger keeps ShipperOne's text; in lists and logs it names nobody
        quiet = answer and _without_names(answer, execution.listed)
    except (LeaseLost, LedgerError):
        raise  # nothing was sent, and nothing can be recorded
    except Exception as fault:  # an exception of this program does not show whether ShipperOne accepted it
        LOG.exception("%s %s: order %s", execution.job.tenant, execution.job.stage, execution.job.order_id)
        answer = quiet = faulty_post(fault)
    if answer is None or quiet is None:
        execution.ports.effect_log.record_outcome(effect, Outcome.NOT_SENT, "the order changed before it was sent")
        execution.job = execution.job.call_had_no_effect(before)
        raise ListingChanged
    execution.job = execution.job.answered(quiet.denial)
    if answer.outcome is PostOutcome.ACCEPTED:
        accept(execution)
    elif answer.outcome is PostOutcome.UNKNOWN:
        execution.job = execution.job.answer_lost(execution.ports.now())
        execution.ports.note(execution.job)
    else:
        execution.job = execution.job.call_had_no_effect(before)
    # its status and its body unchanged, and in the same commit the resulting job: ShipperOne cannot be queried for an
    # answer again, and an outcome without its job would make the order look untouched
    text = dumps({"status": answer.status, "message": answer.message, "body": answer.body})
    outcome = OUTCOMES.get(answer.outcome, Outcome.NOT_SENT)
    execution.ports.effect_log.record_outcome(effect, outcome, text, execution.job)
    return quiet


def _without_names(answer: PostAnswer, order: FulfillmentOrder) -> PostAnswer:
    if not answer.message and answer.denial is None:
        return answer  # as ShipperOne accepts most orders: without a word
    denial = None if answer.denial is None else discreet(answer.denial, [order])
    return replace(answer, message=discreet(answer.message, [order]), denial=denial)


def accept(execution: JobExecution, *, inferred: bool = False) -> None:
    """ShipperOne has it. From here on the job is never superseded."""
    execution.job = execution.job.accepted_by_shipperone(execution.ports.now(), inferred=inferred)
    execution.ports.note(execution.job)


def _token_refused(execution: JobExecution, sentence: str) -> RetryLater:
    # Due at the next cycle: the token may have been replaced by then, and no additional read is needed.
    return RetryLater(Reason.PLATFORM_AUTH, sentence, until=execution.ports.now(), owner=Owner.IT, counts=False)


def _blocked(execution: JobExecution, answer: PostAnswer) -> RetryLater | HoldJob:
    """A firewall has answered. ShipperOne's queue must prove that the order was not received, as for an unknown
    outcome.
    """
    every_order = execution.ports.firewall_refused(execution.job.order_id, answer.message)
    times = execution.job.attempts + 1
    if times >= LOST_AT_MOST and not every_order:
        order_id = execution.job.order_id
        return HoldJob(
            Reason.OUTCOME_UNKNOWN,
            f"the confirmation of this order was refused {times} times: {answer.message}. Have the cause removed "
            f"for this order, then run `order retry {order_id}`; if ShipperOne accepted the order nevertheless, run "
            f"`order resolve {order_id} --outcome confirmed`",
            Owner.IT,
        )
    until = execution.later(execution.ports.settings.settle.total_seconds())
    sentence = f"{answer.message}; it is sent again once ShipperOne's queue proves that it was not accepted"
    return RetryLater(Reason.OUTCOME_UNKNOWN, sentence, until=until, counts=not every_order)


def _lost(execution: JobExecution, answer: PostAnswer) -> None:
    if answer.by_proxy:
        raise _blocked(execution, answer)
    report = f" (report {answer.report_id})" if answer.report_id else ""
    if answer.denial is None and execution.job.attempts + 1 >= LOST_AT_MOST:
        raise HoldJob(
            Reason.OUTCOME_UNKNOWN,
            f"ShipperOne's answer was lost {execution.job.attempts + 1} times, last: {answer.message}{report}. Ask "
            f"whether it accepted the order, then run `order resolve {execution.job.order_id} --outcome confirmed` or "
            "`cancelled`",
            Owner.SHIPPERONE,
        )
    settle = execution.ports.settings.settle.total_seconds()
    lost = f"ShipperOne's answer was lost ({answer.message}{report})" if answer.denial is None else answer.message
    raise RetryLater(
        Reason.OUTCOME_UNKNOWN,
        f"{lost}; two reads of its queue decide whether the order was accepted",
        until=execution.later(settle),
    )


async def refused(execution: JobExecution) -> None:
    """Handle a confirmation that was denied in a 2xx while two reads still list the order: as after a 400.

    Returns with the job at an earlier step of its next generation; raises `RetryLater`, `HoldJob` or `ListingChanged`.
    """
    words = execution.job.refusal or ""
    await _refused(execution, words, f"ShipperOne denied it: {words.rstrip('. ')}")


async def _refused(execution: JobExecution, words: str, sentence: str) -> None:
    try:
        now = await execution.ports.fresh(execution.job.order_id)
    except ReadFailed as failure:
        raise RetryLater(Reason.PLATFORM_UNAVAILABLE, failure.sentence, until=execution.later()) from failure
    differences = order_differences(execution.listed, now.order if now else None)
    if execution.job.adopted:
        both = side_by_side(differences, "sent", "ShipperOne now")
        raise HoldJob(
            Reason.PLATFORM_REFUSED,
            f"ShipperOne refused {execution.job.reference}, which was created elsewhere: {words}"
            f"{'; ' + both if both else ''}. Correct it and run `order adopt` again",
            Owner.ACCOUNTANT if execution.job.stage is Stage.INVOICE else Owner.WAREHOUSE,
            differences,
        )
    resolution = await execution.ports.hooks.handle_mismatch(
        Mismatch(
            action="allocate" if execution.job.stage is Stage.ALLOCATION else "invoice",
            sent=execution.listed,
            now=now.order if now else None,
            invoice=execution.job.invoice,
            message=words,
            differences=differences,
        )
    )
    await resolve(execution, resolution, now, differences, sentence)


async def resolve(
    execution: JobExecution,
    resolution: Resolution,
    now: Listed | None,
    differences: tuple[Difference, ...],
    message: str,
) -> None:
    """Apply the resolution of a 400. If every policy abstained: rebuild if there is a difference, else retry."""
    verdict = resolution.verdict
    if verdict is Verdict.ABSTAIN:
        verdict = Verdict.REBUILD if differences else Verdict.RETRY
    if verdict is Verdict.HOLD:
        reason = Reason(resolution.reason or Reason.PLATFORM_REFUSED)
        raise HoldJob(reason, resolution.sentence or message, Owner(resolution.owner or Owner.IT), differences)
    as_it_is = now is not None and now.fingerprint == execution.job.fingerprint
    if now is None:
        raise RetryLater(Reason.PLATFORM_REFUSED, f"{message}; the order is no longer listed", until=execution.later())
    if verdict is Verdict.RETRY:
        if execution.job.retries >= AT_MOST:
            raise _asked_often(execution, differences, message)
        execution.job = execution.job.retry_counted()
        if not as_it_is:
            raise ListingChanged
        raise RetryLater(Reason.PLATFORM_REFUSED, f"{message}; it is sent again", until=execution.later())
    if execution.job.rebuilds >= AT_MOST:
        raise _asked_often(execution, differences, message)
    execution.job = execution.job.rebuild_counted()
    if not as_it_is:
        raise ListingChanged
    await rebuild(execution, f"rebuilt after: {message}")


def _asked_often(execution: JobExecution, differences: tuple[Difference, ...], message: str) -> HoldJob:
    both = side_by_side(differences, "sent", "ShipperOne now")
    return HoldJob(
        reason_for(differences, Reason.PLATFORM_REFUSED),
        f"{message}{'; ' + both if both else ''}; sent again {AT_MOST} times. Ask ShipperOne, then run `order retry "
        f"{execution.job.order_id}`",
        Owner.SHIPPERONE,
        differences,
    )
