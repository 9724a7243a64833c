"""What an earlier process left behind: intents without an outcome are unknown from here on."""

import asyncio

from shipperone_erp.ledger.records import Effect, Job
from shipperone_erp.ledger.store import Ledger
from shipperone_erp.ledger.writes import EndEffect
from shipperone_erp.model.work import EffectKind, Outcome, State
from shipperone_erp.reasons import Owner, Reason
from shipperone_erp.runtime.desk import StageDesk

KILLS_AT_MOST = 2
"""How often a job may kill the process while it runs alone until it is held."""


async def recover(desk: StageDesk, ledger: Ledger) -> set[int]:
    """Record that they are unknown; the ids of the jobs that were inside a hook, which are to be tried alone at first.

    A confirmation is settled by reading the queue; a hook is called again with the same key.
    """
    suspects: set[int] = set()
    effects = await asyncio.to_thread(ledger.open_effects, desk.settings.name, desk.stage)
    for effect in effects:
        job = await asyncio.to_thread(ledger.job, effect.job_id)
        lost = "the process ended before the answer came"
        desk.journal.record(EndEffect(effect.id, Outcome.UNKNOWN, desk.now(), lost, effect.kind))
        if job is None:
            continue
        if effect.kind is EffectKind.CONFIRM:
            desk.journal.save(_to_be_settled(job, desk))
            continue
        kills = job.crashes_alone + (1 if effect.alone else 0)
        if kills >= KILLS_AT_MOST:
            held = _held(job, effect, kills, desk)
            desk.journal.save(held)
            desk.changed(job, held)
        else:
            suspects.add(job.id)
            desk.journal.save(job.with_(crashes_alone=kills, next_attempt_at=None))
    await desk.journal.flushed()
    return suspects


def _to_be_settled(job: Job, desk: StageDesk) -> Job:
    now = desk.now()
    return job.with_(
        state=State.WAITING,
        reason=Reason.OUTCOME_UNKNOWN,
        sentence="the process ended while ShipperOne was asked; its queue will tell",
        owner=Owner.NOBODY,
        since=now,
        lost_at=now,
        settle_reads=(),
        next_attempt_at=now + desk.settings.settle,
    )


def _held(job: Job, effect: Effect, kills: int, desk: StageDesk) -> Job:
    return job.with_(
        state=State.HELD,
        reason=Reason.CONNECTOR_BUG,
        sentence=f"{effect.kind} of this order ended the whole process {kills} times while it ran alone",
        owner=Owner.IT,
        since=desk.now(),
        crashes_alone=kills,
        next_attempt_at=None,
    )
