"""An operator's actions on a job, as the command line performs them."""

from typing import Any

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage
from shipperone_erp.operations import job_actions, job_selection
from world import World

ACTS = {
    "retry": (job_actions.can_be_retried, job_actions.retry),
    "repeat": (job_actions.can_be_repeated, job_actions.repeat),
    "resolve": (job_actions.can_be_resolved, job_actions.resolve),
}


def perform(world: World, what: str, order_id: str, stage: Stage | None = None, **options: Any) -> Job:
    """`order WHAT ID`; the job as it was."""
    fits, act = ACTS[what]
    with world.ledger() as ledger:
        job = job_selection.pick(ledger, job_selection.Pick(order_id, stage=stage), fits, what)
        act(ledger, job, world.clock(), "by a test", **options)
    return job


def until_held(world: World, order_id: str, stage: Stage, *, runs: int = 8) -> Job:
    """Run until that job is held: what was confirmed and is still listed is left alone for some reads first."""
    for _ in range(runs):
        world.once(settle_for=0.3)
        job = world.job(order_id, stage)
        if job.state == "held":
            return job
    raise AssertionError(world.stuck())
