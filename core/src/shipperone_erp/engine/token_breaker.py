"""Circuit breaker for a tenant's token at ShipperOne: while it is refused, the tenant pauses and no order fails."""

from collections.abc import Callable
from datetime import timedelta

from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.engine.circuit_breaker import CircuitBreaker
from shipperone_erp.kernel.backoff import Backoff
from shipperone_erp.kernel.time_source import TimeSource

PROBE_EVERY = timedelta(seconds=30)
"""The time between two probes of confirming with a refused token."""


class TokenBreaker:
    """Receives each answer. A token may be valid for reading but not for confirming: both are recorded separately."""

    def __init__(self, time: TimeSource, report: Callable[[str], None]) -> None:
        self._report = report
        self._refused: dict[str, str] = {}
        self._breaker = CircuitBreaker(time, Backoff(PROBE_EVERY, PROBE_EVERY, jitter=0))

    @property
    def sentence(self) -> str | None:
        """The reason why the tenant is paused; None if it is not."""
        return next(iter(self._refused.values()), None)

    def admits(self) -> str | None:
        """None: proceed (while the token is refused, this call is the probe). Else the reason."""
        return None if self._breaker.admits() is None else self.sentence

    def refused(self, doing: str, sentence: str) -> None:
        """ShipperOne answered 401 or 403. Logged once, however many orders are affected."""
        if not self._refused:
            self._report(
                f"the tenant is paused, no order fails: {sentence.rstrip('.')}. Work resumes automatically once the "
                "token is renewed"
            )
            self._breaker.opened(Reason.PLATFORM_AUTH, sentence, Owner.IT)
        self._refused[doing] = sentence

    def taken(self, doing: str) -> None:
        """ShipperOne gave any other answer."""
        if self._refused.pop(doing, None) is not None and not self._refused:
            self._breaker.closed()
            self._report("ShipperOne accepts the token again")

    def renewed(self) -> None:
        """The token was replaced: its state is reset."""
        self._refused.clear()
        self._breaker.closed()
