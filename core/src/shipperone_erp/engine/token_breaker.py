"""Whether ShipperOne takes a tenant's token: while it does not, the tenant pauses with one line, and no order fails."""

import time
from collections.abc import Callable

PROBE_EVERY = 30.0
"""Seconds between two confirmations that are tried with a token which was refused for them."""


class TokenBreaker:
    """Told of each answer. A token may be good for reading and not for confirming, so both are kept apart."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._refused: dict[str, str] = {}
        self._probe_at = 0.0

    @property
    def sentence(self) -> str | None:
        """Why the tenant is paused; None if it is not."""
        return next(iter(self._refused.values()), None)

    def admits(self) -> str | None:
        """None: go ahead (while it is refused this is the probe). Else why not."""
        if self.sentence is None or time.monotonic() >= self._probe_at:
            self._probe_at = time.monotonic() + PROBE_EVERY
            return None
        return self.sentence

    def refused(self, doing: str, sentence: str) -> None:
        """ShipperOne answered 401 or 403. One line is said, however many orders meet it."""
        if not self._refused:
            self._say(
                f"the tenant pauses, no order fails: {sentence.rstrip('.')}. Work goes on by itself once the token is "
                "renewed"
            )
            self._probe_at = time.monotonic() + PROBE_EVERY
        self._refused[doing] = sentence

    def taken(self, doing: str) -> None:
        """ShipperOne answered otherwise."""
        if self._refused.pop(doing, None) is not None and not self._refused:
            self._say("ShipperOne takes the token again")

    def renewed(self) -> None:
        """There is another token: nothing is known of it."""
        self._refused.clear()
