"""Circuit breakers of a tenant's confirmations: of its token at ShipperOne, and of a proxy that answers in between."""

from collections.abc import Callable
from datetime import timedelta

from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.engine.circuit_breaker import CircuitBreaker
from shipperone_erp.kernel.backoff import Backoff
from shipperone_erp.kernel.time_source import TimeSource

ORDERS = 3
"""This many orders refused in a row, with no answer of ShipperOne in between: the cause is not one order's data."""

PROBE_EVERY = timedelta(seconds=30)
"""The time between two probes of confirming: with a refused token, or while every confirmation is refused."""

PROBES = Backoff(PROBE_EVERY, PROBE_EVERY, jitter=0)


class TokenBreaker:
    """While a tenant's token is refused, the tenant pauses and no order fails.

    It receives each answer. A token may be valid for reading but not for confirming: both are recorded separately.
    """

    def __init__(self, time: TimeSource, report: Callable[[str], None]) -> None:
        self._report = report
        self._refused: dict[str, str] = {}
        self._breaker = CircuitBreaker(time, PROBES)

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


class ProxyInterception:
    """Detects a proxy or firewall that answers confirmations in ShipperOne's place, for one order or for a tenant.

    While every order is refused, one confirmation at a time is a probe, and no order is held.
    """

    def __init__(self, time: TimeSource, report: Callable[[str], None]) -> None:
        self._report = report
        self._breaker = CircuitBreaker(time, PROBES)
        self._refused: set[str] = set()

    def blocks(self) -> str | None:
        """None: proceed (while every order is refused, this call is the probe). Else the reason."""
        down = self._breaker.admits()
        return None if down is None else down.sentence

    def refused(self, order_id: str, sentence: str) -> bool:
        """It has answered the confirmation of that order with a page. True if it refuses every order."""
        if self._breaker.down is None:
            self._refused.add(order_id)
            if len(self._refused) >= ORDERS:
                self._breaker.opened(Reason.PLATFORM_UNAVAILABLE, sentence, Owner.NOBODY)
                self._refused.clear()
                every = PROBE_EVERY.total_seconds()
                self._report(
                    f"confirmations are paused, no order fails: {sentence}. One is sent every {every:.0f} s as a probe"
                )
        return self._breaker.down is not None

    def passed(self) -> None:
        """ShipperOne itself has answered a confirmation."""
        self._refused.clear()
        if self._breaker.down is not None:
            self._breaker.closed()
            self._report("confirmations reach ShipperOne again")
