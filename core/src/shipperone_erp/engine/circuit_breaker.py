"""Circuit breakers: whether a tenant's ERP, and each hook of its connector, can be called just now.

While one is open a single call at a time goes out as a probe, with exponential back-off; no order's attempts count.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from shipperone_erp.domain.hook_answers import AuthFailed, Transient
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.workflow.ports import Down

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(seconds=60)


class CircuitBreaker:
    """Closed until `opened`. Then every `admits` is refused but one at the end of each delay: the probe."""

    def __init__(self, now: Callable[[], datetime], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._monotonic = monotonic
        self._delay = SHORTEST
        self._probe_at = 0.0
        """On the monotonic clock: setting the wall clock must not delay the next probe."""
        self.down: Down | None = None

    def admits(self) -> Down | None:
        """None: go ahead (while it is open this is the probe). Else why not, and until when."""
        if self.down is None or self._monotonic() < self._probe_at:
            return self.down
        self._delay = min(self._delay * 2, LONGEST)
        self.opened(self.down.reason, self.down.sentence, self.down.owner)
        return None

    def opened(self, reason: Reason, sentence: str, owner: Owner) -> Down:
        """A call has failed: nothing but a probe goes out any more, the next one after the delay."""
        self._probe_at = self._monotonic() + self._delay.total_seconds()
        self.down = Down(reason, sentence, owner, self._now() + self._delay)
        return self.down

    def closed(self) -> None:
        """A call has succeeded."""
        self.down, self._delay = None, SHORTEST


class ErpBreaker(CircuitBreaker):
    """The breaker of one tenant's ERP.

    A refused login opens it at once; `patience` transient failures in a row, with no success between them, as well
    (one alone may be a lock on one row).
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        say: Callable[[str], None],
        *,
        patience: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(now, monotonic=monotonic)
        self._say = say
        self._patience = patience
        self._failures = 0

    def succeeded(self) -> None:
        """The ERP answered, whatever it said."""
        if self.down is not None:
            self._say("the ERP answers again")
        self._failures = 0
        self.closed()

    def failed(self, failure: Transient | AuthFailed) -> None:
        """The ERP could not be reached, or refused our login."""
        self._failures += 1
        if self.down is None and not isinstance(failure, AuthFailed) and self._failures < self._patience:
            return
        if self.down is None:
            self._say(f"the ERP is not available: {failure.sentence}")
        refuses = isinstance(failure, AuthFailed)
        reason = Reason.ERP_AUTH if refuses else Reason.ERP_UNAVAILABLE
        self.opened(reason, failure.sentence, Owner.IT if refuses else Owner.NOBODY)
