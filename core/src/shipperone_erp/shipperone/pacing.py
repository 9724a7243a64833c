"""When a request of one tenant may be sent: by ShipperOne's own pace, and by a limit shared with other tenants."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.shipperone.rate_limit import PATIENCE, Kind, RateLimit, RequestLimit


class Pacing:
    """While ShipperOne throttles, each request waits for its turn, unless that takes longer than `patience` seconds.

    `limit` is waited for before each request; the pauses that ShipperOne requests are reported to it.
    """

    def __init__(
        self, limit: RequestLimit | None = None, *, patience: float = PATIENCE, time: TimeSource = MACHINE_TIME
    ) -> None:
        self._limit = limit
        self._patience = patience
        self._pace = RateLimit(patience, time)

    @property
    def silence(self) -> float:
        """The remaining seconds of a pause that ShipperOne has requested; negative without one."""
        return self._pace.silence

    def turn(self, kind: Kind) -> AbstractAsyncContextManager[float | None]:
        """Wait for a request's turn, which lasts until the context ends. The seconds to wait, if they are too many."""
        free = self._pace.free and (self._limit is None or self._limit.free)
        return nullcontext() if free else self._in_turn(kind)

    @asynccontextmanager
    async def _in_turn(self, kind: Kind) -> AsyncIterator[float | None]:
        async with self._pace.turn(kind) as wait:
            yield await self._limit.admit(self._patience) if wait is None and self._limit is not None else wait

    def answered(self, began: float, *, throttled: bool, retry_after: float | None) -> None:
        """A request that began at that monotonic time got an answer."""
        if throttled:
            self._pace.throttled(began, retry_after)
            if self._limit is not None and retry_after is not None:
                self._limit.throttled(retry_after)
        else:
            self._pace.answered(began)
