"""One alert for a tenant whose ShipperOne keeps denying confirmations that it has taken."""

from collections.abc import Callable

from shipperone_erp.domain.disproved_denials import disproved_sentence
from shipperone_erp.domain.job import Job


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
