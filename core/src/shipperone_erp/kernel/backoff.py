"""Exponential back-off, and jitter against simultaneous retries."""

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
        """The delay after that many failures in a row."""
        doubled: timedelta = self.shortest * 2 ** min(failures, _DOUBLED_AT_MOST)
        return min(doubled, self.longest) * spread(1.0, self.jitter)


def spread(seconds: float, jitter: float = 0.25) -> float:
    """About that many seconds, with jitter: simultaneous callers do not return together."""
    return seconds * random.uniform(1 - jitter, 1 + jitter)  # noqa: S311
