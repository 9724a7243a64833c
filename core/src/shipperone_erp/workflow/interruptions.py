"""The exceptions by which a step ends the execution of its job."""

from datetime import datetime

from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.reasons import Owner, Reason


class RetryLater(Exception):
    """Time, stock or the far side will resolve it: the job is retried at `until` (or when the ports resume)."""

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
    """An operator must act: the job is unchanged until then, or until the cause is gone.

    `until` is set where it is retried automatically: an accepted job is late, not lost.
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
    """Work on the job stops at a recorded point: `StagePorts.stopping` was set before its next effect."""


class ListingChanged(Exception):
    """The newest read no longer shows the order as this job has it: planning decides."""
