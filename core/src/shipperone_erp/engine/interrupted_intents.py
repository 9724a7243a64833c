"""Recovers the work of an earlier process: the outcome of an intent without one is unknown from here on."""

import asyncio

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.records import Effect
from shipperone_erp.domain.states import EffectKind, Outcome, State
from shipperone_erp.engine.cycle_ports import CyclePorts
from shipperone_erp.ledger.repository import Ledger

KILLS_AT_MOST = 2
"""The number of crashes that a job may cause while it runs alone until it is held."""


async def recover(ledger: Ledger, context: CyclePorts) -> set[int]:
    """Settle a stage's open intents as far as possible; returns the ids of the jobs to be retried alone.

    A confirmation is settled by reading the queue; a hook is called again with the same key, alone at first. A job that
    ShipperOne has accepted, or that has ended, is never opened again: only its intent is recorded as unknown.
    """
    suspects: set[int] = set()
    effect_log, lost = context.effect_log, "the process ended before the answer arrived"
    await _heal(ledger, context)
    for effect in await asyncio.to_thread(ledger.open_effects, context.settings.name, context.stage):
        job = await asyncio.to_thread(ledger.job, effect.job_id)
        if job is None:
            effect_log.record_outcome(effect, Outcome.UNKNOWN, lost)
        elif effect.kind is EffectKind.CONFIRM:
            effect_log.record_outcome(effect, Outcome.UNKNOWN, lost, _asked(job, context))
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


async def _heal(ledger: Ledger, context: CyclePorts) -> None:
    """Restore the state of jobs that an earlier version's recovery overwrote; see `Job.healed`."""
    for job in await asyncio.to_thread(ledger.living_jobs, context.settings.name, context.stage):
        after = job.healed()
        if after is not job:
            context.effect_log.save(after)
            context.changed(job, after)
    await context.effect_log.flushed()


def _asked(job: Job, context: CyclePorts) -> Job | None:
    """The job after a confirmation whose answer was lost with the process; None if ShipperOne has nothing to decide."""
    if not job.open or job.contradiction is not None:
        return None
    sentence = "the process ended during a request to ShipperOne; ShipperOne's queue shows whether it was accepted"
    return job.outcome_unknown(sentence, context.now(), settle=context.settings.settle).answered(None)


def _inside_a_hook(job: Job, effect: Effect, context: CyclePorts) -> Job:
    kills = job.crashes_alone + (1 if effect.alone else 0)
    after = job.process_died(kills)
    if kills < KILLS_AT_MOST:
        return after
    return after.held(
        Reason.CONNECTOR_BUG,
        f"{effect.kind} of this order crashed the process {kills} times while it ran alone: see the system's log. "
        f"After the connector is fixed: `order retry {job.order_id}`",
        Owner.IT,
        at=context.now(),
    )
