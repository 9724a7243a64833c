"""Exponential back-off, and spreading in time what would otherwise happen at once."""

import random
from dataclasses import dataclass
from datetime import timedelta

_DOUBLED_AT_MOST = 30


@dataclass(frozen=True, slots=True)
class Backoff:
    """`shortest`, doubled with each failure, at most `longest`; each delay is spread by `jitter`, a share of it."""

    shortest: timedelta
    longest: timedelta
    jitter: float = 0.25

    def delay(self, failures: int) -> timedelta:
        """How long to wait after so many failures in a row."""
        doubled: timedelta = self.shortest * 2 ** min(failures, _DOUBLED_AT_MOST)
        return min(doubled, self.longest) * spread(1.0, self.jitter)


def spread(seconds: float, jitter: float = 0.25) -> float:
    """About so many seconds: those who wait together do not come back together."""
    return seconds * random.uniform(1 - jitter, 1 + jitter)  # noqa: S311
