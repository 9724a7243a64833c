"""When a request of one tenant may be sent: by ShipperOne's own pace, and by a limit shared with other tenants.

There is no limit until ShipperOne throttles the tenant's requests; then it is adapted to ShipperOne's answers.

After each 429 (or 503 with Retry-After) nothing is sent until the requested pause is over. Then one request is sent as
a probe; once it is answered the others follow one by one, at an interval that doubles with each further 429 and shrinks
with each answer, until no limit is needed any more. Reads and confirmations take turns, so that neither starves the
other.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from enum import StrEnum
from typing import Protocol

from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource

PATIENCE = 20.0
"""Seconds that a request waits for its turn; one that would wait longer ends at once. A shutdown waits longer."""

FIRST_INTERVAL = (0.1, 1.0)
"""Seconds between two requests after the first 429: the shortest and the longest, by the requested pause."""

LONGEST_INTERVAL = 30.0

FREE_BELOW = 0.05
"""Seconds: at a shorter interval requests are not delayed."""

SHRINKS_TO = 0.85


class Kind(StrEnum):
    """The purpose of a request."""

    READ = "read"
    CONFIRMATION = "confirmation"


class RequestLimit(Protocol):
    """A limit that other tenants and other processes share, see `engine.shared_limits`."""

    @property
    def free(self) -> bool:
        """Every request may be sent now, and none is counted."""

    async def admit(self, patience: float) -> float | None:
        """Wait until a request may be sent; the seconds to wait, if that takes longer than `patience`."""

    def throttled(self, seconds: float) -> None:
        """ShipperOne requests a pause of that many seconds."""


class Pacing:
    """For one event loop. While ShipperOne throttles, each request waits for its turn, at most `patience` seconds.

    `limit` is waited for before each request; the pauses that ShipperOne requests are reported to it.
    """

    def __init__(
        self, limit: RequestLimit | None = None, *, patience: float = PATIENCE, time: TimeSource = MACHINE_TIME
    ) -> None:
        self._limit = limit
        self._patience = patience
        self._time = time
        self._quiet_until = 0.0
        self._interval = 0.0
        self._next_at = 0.0
        self._throttled_at = float("-inf")
        self._probe_first = False
        self._probing = False
        self._waiting: dict[Kind, list[asyncio.Future[bool]]] = {kind: [] for kind in Kind}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def silence(self) -> float:
        """The remaining seconds of a pause that ShipperOne has requested; negative without one."""
        return self._quiet_until - self._time.monotonic()

    def turn(self, kind: Kind) -> AbstractAsyncContextManager[float | None]:
        """Wait for a request's turn, which lasts until the context ends. The seconds to wait, if they are too many."""
        free = self._free and (self._limit is None or self._limit.free)
        return nullcontext() if free else self._in_turn(kind)

    def answered(self, began: float, *, throttled: bool = False, retry_after: float | None = None) -> None:
        """A request that began at that monotonic time got an answer; `throttled`: 429, or 503 with Retry-After."""
        if throttled:
            self._slow_down(began, retry_after)
        elif self._interval and began >= self._throttled_at:
            self._probe_first = False
            self._interval *= SHRINKS_TO
            if self._interval < FREE_BELOW:
                self._interval = 0.0
            self._admit_due()

    @property
    def _free(self) -> bool:
        """ShipperOne does not throttle: no request has to wait for its turn."""
        return not self._interval and self.silence <= 0

    @asynccontextmanager
    async def _in_turn(self, kind: Kind) -> AsyncIterator[float | None]:
        if self._free:
            yield await self._shared_wait()
            return
        wait = self._estimate(kind)
        if wait > self._patience:
            yield wait
            return
        probes = await self._admitted(kind)
        try:
            yield await self._shared_wait()
        finally:
            if probes:
                self._probing = False
            self._admit_due()

    async def _shared_wait(self) -> float | None:
        return None if self._limit is None else await self._limit.admit(self._patience)

    def _slow_down(self, began: float, retry_after: float | None) -> None:
        now = self._time.monotonic()
        if began >= self._throttled_at:  # else it belongs to a burst that has slowed the pace already
            shortest, longest = FIRST_INTERVAL
            first = min(max(retry_after or 0.0, shortest), longest)
            self._interval = min(max(2 * self._interval, first), LONGEST_INTERVAL)
            self._throttled_at = now
            self._probe_first = True
        wait = 2 * self._interval if retry_after is None else retry_after
        self._quiet_until = max(self._quiet_until, now + wait)
        if self._limit is not None and retry_after is not None:
            self._limit.throttled(retry_after)

    def _estimate(self, kind: Kind) -> float:
        ahead = len(self._waiting[kind])
        others = min(ahead + 1, sum(len(line) for other, line in self._waiting.items() if other is not kind))
        first = max(self._quiet_until, self._next_at) - self._time.monotonic()
        return max(first, 0.0) + (ahead + others) * self._interval

    async def _admitted(self, kind: Kind) -> bool:
        """Returns when it is this request's turn; True if it is the probe."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[kind].append(turn)
        self._admit_due()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._probing = self._probing and not turn.result()
                self._admit_due()
            raise

    def _admit_due(self) -> None:
        """Admit the requests whose turn has come; set a timer for the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while (kind := self._next()) is not None and not self._probing:
            now = self._time.monotonic()
            due = max(self._quiet_until, self._next_at if self._interval else 0.0)
            if now < due:
                self._timer = asyncio.get_running_loop().call_later(due - now, self._admit_due)
                return
            line = self._waiting.pop(kind)
            self._waiting[kind] = line  # the other kind comes first now
            self._next_at = now + self._interval
            self._probing = self._probe_first
            line.pop(0).set_result(self._probing)

    def _next(self) -> Kind | None:
        for kind, line in self._waiting.items():
            while line and line[0].done():
                line.pop(0)  # the waiting call was cancelled
            if line:
                return kind
        return None
