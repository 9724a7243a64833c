"""Whether ShipperOne takes a tenant's token: while it does not, the tenant pauses with one line, and no order fails."""

from collections.abc import Callable
from datetime import timedelta

from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.engine.circuit_breaker import CircuitBreaker
from shipperone_erp.kernel.backoff import Backoff
from shipperone_erp.kernel.time_source import TimeSource

PROBE_EVERY = timedelta(seconds=30)
"""Between two confirmations that are tried with a token which was refused for them."""


class TokenBreaker:
    """Told of each answer. A token may be good for reading and not for confirming, so both are kept apart."""

    def __init__(self, time: TimeSource, say: Callable[[str], None]) -> None:
        self._say = say
        self._refused: dict[str, str] = {}
        self._breaker = CircuitBreaker(time, Backoff(PROBE_EVERY, PROBE_EVERY, jitter=0))

    @property
    def sentence(self) -> str | None:
        """Why the tenant is paused; None if it is not."""
        return next(iter(self._refused.values()), None)

    def admits(self) -> str | None:
        """None: go ahead (while it is refused this is the probe). Else why not."""
        return None if self._breaker.admits() is None else self.sentence

    def refused(self, doing: str, sentence: str) -> None:
        """ShipperOne answered 401 or 403. One line is said, however many orders meet it."""
        if not self._refused:
            self._say(
                f"the tenant pauses, no order fails: {sentence.rstrip('.')}. Work goes on by itself once the token is "
                "renewed"
            )
            self._breaker.opened(Reason.PLATFORM_AUTH, sentence, Owner.IT)
        self._refused[doing] = sentence

    def taken(self, doing: str) -> None:
        """ShipperOne answered otherwise."""
        if self._refused.pop(doing, None) is not None and not self._refused:
            self._breaker.closed()
            self._say("ShipperOne takes the token again")

    def renewed(self) -> None:
        """There is another token: nothing is known of it."""
        self._refused.clear()
        self._breaker.closed()
