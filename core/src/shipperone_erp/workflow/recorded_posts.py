"""Records ShipperOne's answer to a confirmation together with the resulting job."""

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.post_answer import PostAnswer, PostOutcome
from shipperone_erp.domain.records import Effect
from shipperone_erp.domain.states import Outcome
from shipperone_erp.kernel.json import dumps
from shipperone_erp.workflow.ports import EffectLog

OUTCOMES = {
    PostOutcome.ACCEPTED: Outcome.OK,
    PostOutcome.REFUSED: Outcome.REFUSED,
    PostOutcome.UNKNOWN: Outcome.UNKNOWN,
}
"""The ledger's outcome of a POST; every other one means that nothing happened."""


def record_post(effect_log: EffectLog, effect: Effect, answer: PostAnswer, job: Job) -> None:
    """Record ShipperOne's answer, its status and its body unchanged, and in the same commit the resulting job.

    ShipperOne cannot be queried for an answer again: an outcome without its job would make the order look untouched.
    """
    outcome = OUTCOMES.get(answer.outcome, Outcome.NOT_SENT)
    text = dumps({"status": answer.status, "message": answer.message, "body": answer.body})
    effect_log.record_outcome(effect, outcome, text, job)
