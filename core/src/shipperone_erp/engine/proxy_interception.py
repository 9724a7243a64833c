"""A proxy or firewall that answers confirmations in ShipperOne's place: for one order, or for all of a tenant."""

import time
from collections.abc import Callable

ORDERS = 3
"""So many orders refused in a row, with no answer of ShipperOne in between: it is no matter of one order's data."""

PROBE_EVERY = 30.0
"""Seconds between two confirmations that are tried while it refuses every one."""


class ProxyInterception:
    """Of one tenant. While it refuses every order, one confirmation at a time goes out as a probe; no order is held."""

    def __init__(self, say: Callable[[str], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._monotonic = monotonic
        self._refused: set[str] = set()
        self._sentence: str | None = None
        self._probe_at = 0.0

    def blocks(self) -> str | None:
        """None: go ahead (while every order is refused this is the probe). Else why not."""
        if self._sentence is None or self._monotonic() >= self._probe_at:
            self._probe_at = self._monotonic() + PROBE_EVERY
            return None
        return self._sentence

    def refused(self, order_id: str, sentence: str) -> bool:
        """It has answered the confirmation of that order with a page. True if it refuses every order."""
        if self._sentence is None:
            self._refused.add(order_id)
            if len(self._refused) >= ORDERS:
                self._sentence = sentence
                self._refused.clear()
                self._probe_at = self._monotonic() + PROBE_EVERY
                self._say(f"confirmations pause, no order fails: {sentence}. One is tried every {PROBE_EVERY:.0f} s")
        return self._sentence is not None

    def passed(self) -> None:
        """ShipperOne itself has answered a confirmation."""
        self._refused.clear()
        if self._sentence is not None:
            self._sentence = None
            self._say("confirmations reach ShipperOne again")
