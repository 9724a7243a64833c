"""One alert for a tenant whose ShipperOne keeps denying confirmations that it has taken."""

from collections.abc import Callable
from datetime import timedelta

from shipperone_erp.domain.job import Job

DISPROVED_AT_LEAST = 3
"""So many denials must be disproved before it is a finding of the tenant: one may be a slip."""

DISPROVED_WITHIN = timedelta(days=7)
"""How far back `status` and `doctor` count."""


def disproved_sentence(count: int, words: str) -> str | None:
    """The finding, for `status`, `doctor` and the log; None while there are too few."""
    if count < DISPROVED_AT_LEAST:
        return None
    return (
        f"ShipperOne denied {count} confirmations that its own queue shows as taken (last: {words}). Each of these "
        "orders waits for two reads of the queue before it proceeds. Have ShipperOne correct its answers"
    )


class DenialAlert:
    """Counts the denials that the queue has disproved while this process runs, and says so once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._disproved: set[int] = set()
        self._said = False

    def observe(self, job: Job) -> None:
        """A job as it is after a change."""
        if self._said or not (job.inferred and job.accepted) or job.refusal is None:
            return
        self._disproved.add(job.id)
        sentence = disproved_sentence(len(self._disproved), job.refusal)
        if sentence is not None:
            self._said = True
            self._say(sentence)
