"""Exit codes, and which one a run ends with: the first in `FIRST_THAT_FITS` of its tenants' results."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import State


class Ending(IntEnum):
    """Exit codes, in no order; `worst` applies their precedence."""

    FINISHED = 0
    FAILED = 1
    USAGE = 2
    HELD = 3
    PLATFORM = 4
    ERP = 5
    CONFIGURATION = 78


FIRST_THAT_FITS = (
    Ending.CONFIGURATION,
    Ending.USAGE,
    Ending.FAILED,
    Ending.PLATFORM,
    Ending.ERP,
    Ending.HELD,
    Ending.FINISHED,
)


@dataclass(frozen=True, slots=True)
class Ended:
    """The result of one tenant's run, with a sentence for operators.

    `unknown`: the ids of the run's requested orders that this tenant does not have. Empty while one of its queues was
    not read.
    """

    ending: Ending
    sentence: str
    unknown: frozenset[str] = frozenset()


AWAY = {
    Reason.PLATFORM_UNAVAILABLE: Ending.PLATFORM,
    Reason.PLATFORM_RATE_LIMITED: Ending.PLATFORM,
    Reason.PLATFORM_AUTH: Ending.PLATFORM,
    Reason.ERP_UNAVAILABLE: Ending.ERP,
    Reason.ERP_AUTH: Ending.ERP,
    Reason.ERP_BUSY: Ending.ERP,
    Reason.CONNECTOR_BUG: Ending.ERP,
}
"""For waiting jobs. A job waits with `connector_bug` only if many jobs raised the same exception."""


def ended_with(unfinished: Sequence[Job]) -> Ended:
    """The result of a tenant with these unfinished jobs: one side did not answer, some job is held, or neither."""
    for ending, who in ((Ending.PLATFORM, "ShipperOne"), (Ending.ERP, "the ERP")):
        waiting = [job for job in unfinished if job.state is State.WAITING and _away(job) is ending]
        if waiting:
            job = waiting[0]
            sentence = (
                f"{len(waiting)} order(s) wait for an answer of {who}; {job.stage} of {job.order_id}: {job.sentence}"
            )
            return Ended(ending, sentence)
    held = Counter(job.reason for job in unfinished if job.state is State.HELD)
    if not held:
        return Ended(Ending.FINISHED, "")
    why = ", ".join(f"{count} {reason}" for reason, count in held.most_common())
    return Ended(Ending.HELD, f"{held.total()} held for an operator ({why}); `shipperone-erp orders` lists them")


def _away(job: Job) -> Ending | None:
    if job.reason is Reason.OUTCOME_UNKNOWN:
        return Ending.PLATFORM if job.lost_at else Ending.ERP
    return AWAY.get(job.reason) if job.reason else None


def worst(endings: Iterable[Ending]) -> Ending:
    """The exit code of a run whose parts ended like this."""
    found = set(endings)
    return next((ending for ending in FIRST_THAT_FITS if ending in found), Ending.FINISHED)
