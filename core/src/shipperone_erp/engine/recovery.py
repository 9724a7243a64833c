"""Takes up what an earlier process left behind: intents without an outcome, which are unknown from here on."""

import asyncio

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.records import Effect
from shipperone_erp.domain.states import EffectKind, Outcome, State, Step
from shipperone_erp.engine.stage_context import StageContext
from shipperone_erp.ledger.repository import Ledger

KILLS_AT_MOST = 2
"""How often a job may kill the process while it runs alone until it is held."""


async def recover(ledger: Ledger, context: StageContext) -> set[int]:
    """Settle what can be settled of a stage's open intents; returns the ids of the jobs that are to be tried alone.

    A confirmation is settled by reading the queue; a hook is called again with the same key, alone at first. A job that
    ShipperOne has accepted, or that has ended, is never opened again: only its intent is recorded as unknown.
    """
    suspects: set[int] = set()
    effect_log, lost = context.effect_log, "the process ended before the answer came"
    await _heal(ledger, context)
    for effect in await asyncio.to_thread(ledger.open_effects, context.settings.name, context.stage):
        job = await asyncio.to_thread(ledger.job, effect.job_id)
        if job is None:
            effect_log.record_outcome(effect, Outcome.UNKNOWN, lost)
        elif effect.kind is EffectKind.CONFIRM:
            effect_log.record_outcome(effect, Outcome.UNKNOWN, lost, _asked(job, context) if job.open else None)
        elif job.ended or job.state is State.IGNORED:
            effect_log.record_outcome(effect, Outcome.UNKNOWN, lost)
        else:
            after = _inside_a_hook(job, effect, context)
            effect_log.record_outcome(effect, Outcome.UNKNOWN, lost, after)
            if after.state is State.HELD:
                context.changed(job, after)
            else:
                suspects.add(job.id)
    effect_log.release_all(context.settings.name, context.stage)
    await effect_log.flushed()
    return suspects


async def _heal(ledger: Ledger, context: StageContext) -> None:
    """Give jobs back the state that an earlier version's recovery took from them; see `healed`."""
    for job in await asyncio.to_thread(ledger.living_jobs, context.settings.name, context.stage):
        after = healed(job)
        if after is not job:
            context.effect_log.save(after)
            context.changed(job, after)
    await context.effect_log.flushed()


def healed(job: Job) -> Job:
    """The job without the contradiction of being closed and waiting for ShipperOne's answer at once.

    Version 0.1.0 opened jobs again at its start that had been accepted or had ended, because the intent of their POST
    had no outcome. How far a job had come still shows in its step. Every other job is returned as it is.
    """
    if job.open or job.ended or job.state is State.IGNORED or job.lost_at is None:
        return job
    if job.accepted_at is None:
        state, sentence = State.SUPERSEDED, "it had ended before; ShipperOne's answer to its confirmation is not known"
    elif job.step is Step.NEW:
        state, sentence = State.GONE, "it was given back before"
    elif job.step is Step.DONE and job.ending is None:
        state, sentence = State.DONE, None
    else:
        state, sentence = State.NEW, None
    return job.with_(
        state=state, reason=None, sentence=sentence, owner=None, next_attempt_at=None, lost_at=None, settle_reads=()
    )


def _asked(job: Job, context: StageContext) -> Job:
    now = context.now()
    return job.with_(
        state=State.WAITING,
        reason=Reason.OUTCOME_UNKNOWN,
        sentence="the process ended while ShipperOne was asked; ShipperOne's queue will tell",
        owner=Owner.NOBODY,
        since=now,
        lost_at=now,
        settle_reads=(),
        refusal=None,
        next_attempt_at=now + context.settings.settle,
    )


def _inside_a_hook(job: Job, effect: Effect, context: StageContext) -> Job:
    kills = job.crashes_alone + (1 if effect.alone else 0)
    if kills < KILLS_AT_MOST:
        return job.with_(crashes_alone=kills, next_attempt_at=None)
    return job.with_(
        state=State.HELD,
        reason=Reason.CONNECTOR_BUG,
        sentence=f"{effect.kind} of this order ended the whole process {kills} times while it ran alone: the system's "
        f"log may say how. Once the connector is mended: `order retry {job.order_id}`",
        owner=Owner.IT,
        since=context.now(),
        crashes_alone=kills,
        next_attempt_at=None,
    )
