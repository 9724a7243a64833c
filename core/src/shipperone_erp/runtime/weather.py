"""Whether a tenant's ERP can be asked just now: one probe with backoff while it is away; no order's attempts count."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from shipperone_erp.model.answers import AuthFailed, Transient
from shipperone_erp.reasons import Owner, Reason
from shipperone_erp.stages.desk import Down

LONGEST = timedelta(seconds=60)


class Weather:
    """Told how each call ended; says whether the next may go out.

    A refused login means down at once; `patience` transient failures in a row, with no success between them, as well
    (one alone may be a lock on one row). While it is down a single call at a time goes out, as a probe.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        say: Callable[[str], None],
        *,
        patience: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._say = say
        self._patience = patience
        self._failures = 0
        self._monotonic = monotonic
        self._delay = timedelta(seconds=1)
        self._probe_at = 0.0
        """On the monotonic clock: somebody who sets the other one must not keep the ERP from being asked."""
        self.down: Down | None = None

    def admits(self) -> Down | None:
        """None: go ahead (while it is down this is the probe). Else why not, and until when."""
        if self.down is None or self._monotonic() < self._probe_at:
            return self.down
        self._wait()
        return None

    def succeeded(self) -> None:
        """The ERP answered, whatever it said."""
        if self.down is not None:
            self._say("the ERP answers again")
        self.down, self._failures, self._delay = None, 0, timedelta(seconds=1)

    def failed(self, failure: Transient | AuthFailed) -> None:
        """The ERP could not be reached, or refused our login."""
        self._failures += 1
        if self.down is None and not isinstance(failure, AuthFailed) and self._failures < self._patience:
            return
        if self.down is None:
            self._say(f"the ERP is not available: {failure.sentence}")
        refuses = isinstance(failure, AuthFailed)
        reason = Reason.ERP_AUTH if refuses else Reason.ERP_UNAVAILABLE
        self.down = self._until(reason, failure.sentence, Owner.IT if refuses else Owner.NOBODY)

    def _wait(self) -> None:
        if self.down is not None:
            self._delay = min(self._delay * 2, LONGEST)
            self.down = self._until(self.down.reason, self.down.sentence, self.down.owner)

    def _until(self, reason: Reason, sentence: str, owner: Owner) -> Down:
        self._probe_at = self._monotonic() + self._delay.total_seconds()
        return Down(reason, sentence, owner, self._now() + self._delay)
