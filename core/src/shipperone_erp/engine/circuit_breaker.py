"""Circuit breakers: of a tenant's ERP, of each hook of its connector, and of ShipperOne.

While one is open, a single call at a time goes out as a probe, with exponential back-off. No order's attempts count.
"""

from collections.abc import Callable
from datetime import timedelta

from shipperone_erp.domain.hook_answers import AuthFailed, Transient
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.kernel.backoff import Backoff
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.workflow.ports import Down

PROBES = Backoff(timedelta(seconds=1), timedelta(seconds=60), jitter=0)
"""The delay between two probes of an ERP, or of a hook."""


class CircuitBreaker:
    """Closed until `opened`. Then `admits` refuses every call but one after each delay: the probe."""

    def __init__(self, time: TimeSource, backoff: Backoff = PROBES) -> None:
        self._time = time
        self._backoff = backoff
        self._probes = 0
        self._probe_at = 0.0
        """On the monotonic clock: setting the wall clock must not delay the next probe."""
        self.down: Down | None = None

    def admits(self) -> Down | None:
        """None: proceed (while it is open, this call is the probe). Else the reason, and the time of the next probe."""
        if self.down is None or self._time.monotonic() < self._probe_at:
            return self.down
        self._probes += 1
        self.opened(self.down.reason, self.down.sentence, self.down.owner)
        return None

    def opened(self, reason: Reason, sentence: str, owner: Owner) -> Down:
        """A call has failed: only probes go out from now on, the next one after the delay."""
        delay = self._backoff.delay(self._probes)
        self._probe_at = self._time.monotonic() + delay.total_seconds()
        self.down = Down(reason, sentence, owner, self._time.now() + delay)
        return self.down

    def closed(self) -> None:
        """A call has succeeded."""
        self.down, self._probes = None, 0


class ErpBreaker(CircuitBreaker):
    """The circuit breaker of one tenant's ERP.

    A refused login opens it at once. `patience` transient failures in a row, with no success between them, open it as
    well (a single one may be a lock on one row).
    """

    def __init__(self, time: TimeSource, report: Callable[[str], None], *, patience: int) -> None:
        super().__init__(time)
        self._report = report
        self._patience = patience
        self._failures = 0

    def succeeded(self) -> None:
        """The ERP answered, with any answer."""
        if self.down is not None:
            self._report("the ERP answers again")
        self._failures = 0
        self.closed()

    def failed(self, failure: Transient | AuthFailed) -> None:
        """The ERP could not be reached, or refused the login."""
        self._failures += 1
        if self.down is None and not isinstance(failure, AuthFailed) and self._failures < self._patience:
            return
        if self.down is None:
            self._report(f"the ERP is not available: {failure.sentence}")
        refuses = isinstance(failure, AuthFailed)
        reason = Reason.ERP_AUTH if refuses else Reason.ERP_UNAVAILABLE
        self.opened(reason, failure.sentence, Owner.IT if refuses else Owner.NOBODY)
