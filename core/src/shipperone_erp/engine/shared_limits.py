"""Rate limits that tenants share: requests to one ShipperOne, calls of one ERP, over every worker on the ledger.

There is a token bucket for each name, which holds at most one second's tokens. Workers take tokens in chunks of at most
a quarter of a second's, and a chunk expires one second after its answer: a busy worker queries the bucket a few times a
second instead of with each request, and a worker that stops withholds nothing from the others. One query at a time
takes the tokens of every name that waits for some. In any span of T seconds at most `rate * (T + 2 + L)` requests are
sent, for any number of workers: one second's tokens from the bucket, one second's that were taken and not yet used, and
those of the L seconds (milliseconds on a healthy machine) that the database takes to answer. A chunk counts from its
answer because a worker whose database answers late would otherwise never have a token.

A `Retry-After` blocks the name for all workers: here at once, in the others with their next chunk or, where there is no
rate, with their next heartbeat.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from shipperone_erp.engine.grouped_calls import GroupedCalls
from shipperone_erp.kernel.errors import LedgerError

CHUNK = 0.25
"""The largest chunk, in seconds' worth of tokens."""

GOOD_FOR = 1.0
"""Seconds after their arrival when taken tokens expire."""

SHORTEST_WAIT = 0.02


class Buckets(Protocol):
    """The store of the buckets. It blocks, and is called in a thread."""

    def take(self, wanted: Mapping[str, tuple[float, int]]) -> dict[str, tuple[int, float]]:
        """For each name, whose bucket is filled at that rate a second: up to so many tokens, and the seconds for which
        it is blocked.
        """

    def silence(self, name: str, seconds: float) -> None:
        """Block the name for that many seconds."""


class LocalBuckets:
    """The buckets of a process that shares them with no other."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._tokens: dict[str, tuple[float, float]] = {}
        self._quiet: dict[str, float] = {}

    def take(self, wanted: Mapping[str, tuple[float, int]]) -> dict[str, tuple[int, float]]:
        """See `Buckets`."""
        return {name: self._take(name, rate, most) for name, (rate, most) in wanted.items()}

    def _take(self, name: str, rate: float, most: int) -> tuple[int, float]:
        now = self._monotonic()
        quiet = max(0.0, self._quiet.get(name, 0.0) - now)
        full = max(rate, 1.0)
        tokens, at = self._tokens.get(name, (full, now))
        tokens = min(full, tokens + (now - at) * rate)
        given = 0 if quiet else min(most, int(tokens))
        self._tokens[name] = tokens - given, now
        return given, quiet

    def silence(self, name: str, seconds: float) -> None:
        """See `Buckets`."""
        self._quiet[name] = max(self._quiet.get(name, 0.0), self._monotonic() + seconds)


class SharedLimit:
    """The limit of one name in this process. For one event loop."""

    def __init__(self, name: str, rate: float | None, limits: "SharedLimits") -> None:
        self.name = name
        self._rate = rate
        self._limits = limits
        self._tokens = 0
        self._good_until = 0.0
        self._quiet_until = 0.0
        self._waiting = 0
        self._asking = asyncio.Lock()

    @property
    def free(self) -> bool:
        """No rate is set, and nothing blocks the name."""
        return self._rate is None and self._quiet_until <= self._limits.monotonic()

    async def admit(self, patience: float) -> float | None:
        """Wait for a token; the seconds to wait, if that takes longer than `patience`."""
        now = self._limits.monotonic
        until = now() + patience
        self._waiting += 1
        try:
            while True:
                quiet = self._quiet_until - now()
                if quiet <= 0 and (self._rate is None or self._spend()):
                    return None
                if now() + max(quiet, 0.0) > until:
                    return max(quiet, SHORTEST_WAIT)
                if quiet > 0:
                    await asyncio.sleep(quiet)
                    continue
                async with self._asking:
                    if self._rate is not None and not self._at_hand() and not await self._refill(self._rate):
                        await asyncio.sleep(max(1 / self._rate / 2, CHUNK / 2))  # tokens accumulate: fewer queries
        finally:
            self._waiting -= 1

    def silenced(self, seconds: float) -> None:
        """Block the name here: the far side has sent a `Retry-After`, to this worker or to another one."""
        self._quiet_until = max(self._quiet_until, self._limits.monotonic() + seconds)
        self._tokens = 0

    def throttled(self, seconds: float) -> None:
        """A request was answered by a `Retry-After`: block the name for all workers."""
        self.silenced(seconds)
        self._limits.announce(self.name, seconds)

    def _at_hand(self) -> bool:
        return self._tokens > 0 and self._limits.monotonic() < self._good_until

    def _spend(self) -> bool:
        if not self._at_hand():
            return False
        self._tokens -= 1
        return True

    async def _refill(self, rate: float) -> bool:
        most = max(1, min(math.ceil(rate * CHUNK), max(self._waiting, math.ceil(rate * CHUNK / 2))))
        tokens, quiet = await self._limits.take(self.name, rate, most)
        if quiet > 0:
            self.silenced(quiet)
        self._tokens, self._good_until = tokens, self._limits.monotonic() + GOOD_FOR
        return tokens > 0


class SharedLimits:
    """All limits of one process. `share` moves their buckets to a store that other processes use too."""

    def __init__(
        self,
        shipperone: float | None,
        erp: float | None,
        buckets: Buckets | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.buckets: Buckets = buckets or LocalBuckets(monotonic)
        self.monotonic = monotonic
        self._rates = {"shipperone": shipperone, "erp": erp}
        self._known: dict[str, SharedLimit] = {}
        self._takes = GroupedCalls(self._take)
        self._announcements: set[asyncio.Task[None]] = set()

    def share(self, buckets: Buckets) -> None:
        """Use this store of buckets from now on."""
        self.buckets = buckets

    def shipperone(self, base_url: str) -> SharedLimit:
        """The limit of the ShipperOne at that address, for all tenants and stores."""
        return self._limit("shipperone", origin(base_url))

    def erp(self, identity: str) -> SharedLimit:
        """The limit of one ERP."""
        return self._limit("erp", identity)

    async def take(self, name: str, rate: float, most: int) -> tuple[int, float]:
        """Tokens from the bucket of that name; see `Buckets`. None while the database cannot be reached."""
        return await self._takes.call((name, rate, most)) or (0, 0.0)

    def _take(self, wanted: Sequence[tuple[str, float, int]]) -> dict[tuple[str, float, int], tuple[int, float]]:
        try:
            given = self.buckets.take({name: (rate, most) for name, rate, most in wanted})
        except LedgerError:  # the ledger that stores the buckets stores the work as well
            return {}
        return {one: given[one[0]] for one in wanted if one[0] in given}

    def apply_pauses(self, silences: Iterable[tuple[str, float]]) -> None:
        """Block these names, each for so many seconds, as other workers reported."""
        for name, seconds in silences:
            if name in self._known:
                self._known[name].silenced(seconds)

    def announce(self, name: str, seconds: float) -> None:
        """Report the block to all other workers."""

        async def announce() -> None:
            try:
                await asyncio.to_thread(self.buckets.silence, name, seconds)
            except LedgerError:
                return  # the far side answers each worker the same, one request later

        task = asyncio.get_running_loop().create_task(announce())
        self._announcements.add(task)
        task.add_done_callback(self._announcements.discard)

    def _limit(self, kind: str, of: str) -> SharedLimit:
        name = f"{kind} {of}"
        if name not in self._known:
            self._known[name] = SharedLimit(name, self._rates[kind], self)
        return self._known[name]


def origin(base_url: str) -> str:
    """'https://acme.example:443': the same for every spelling of one server's address."""
    parts = urlsplit(base_url.strip())
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower().rstrip(".")
    return f"{scheme}://{host}:{parts.port or (443 if scheme == 'https' else 80)}"
