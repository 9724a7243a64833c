"""A fair queue for calls that need the same lock: first come, first served.

The time limit applies to each call, not to the queue: a call may wait for any number of others, as long as these end.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

LONGEST = 60.0
"""Seconds that one call may keep the others waiting: half of core's `hook_timeout`, so that they answer before it."""


class Kept(Exception):
    """The call whose turn it is does not end."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"another call of this service has held for {seconds:g} s what this call needs in Tryton; it is "
            "retried. If this persists, check Tryton's database for a transaction that does not end"
        )


class Turns:
    """A queue of calls, first come, first served."""

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
        self._changed = threading.Condition()
        self._calls: deque[object] = deque()
        """The first call has its turn; the others wait."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A context manager whose body has its turn. Raises Kept if one earlier call takes longer than the limit."""
        call = object()
        with self._changed:
            self._calls.append(call)
            try:
                while self._calls[0] is not call:
                    if not self._changed.wait_for(partial(self._has_ended, self._calls[0]), self._longest):
                        raise Kept(self._longest)
            except BaseException:
                self._calls.remove(call)
                raise
        try:
            yield
        finally:
            with self._changed:
                self._calls.popleft()
                self._changed.notify_all()

    def _has_ended(self, call: object) -> bool:
        return self._calls[0] is not call
