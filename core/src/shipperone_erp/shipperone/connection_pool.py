"""A connection pool for ShipperOne: each connection is a pool of one, and the most recently used is taken first.

aiohttp's own pool takes the connection that was idle for longest, which the server is the most likely to be closing,
and so keeps every connection of a burst open.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable

import httpx

from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.shipperone.http_connection import HttpConnection


class ConnectionPool(httpx.AsyncBaseTransport):
    """At most `connections` at once; a request that gets none within its pool time-out raises `httpx.PoolTimeout`.

    A connection that was idle for `keepalive` seconds is closed, so that neither a burst nor a thousand tenants, each
    polled now and then, leave connections open.
    """

    def __init__(
        self,
        connections: int,
        *,
        verify: ssl.SSLContext,
        keepalive: float,
        proxy: str | None = None,
        time: TimeSource = MACHINE_TIME,
    ) -> None:
        self._verify = verify
        self._keepalive = keepalive
        self._time = time
        self._proxy = proxy
        self._places = asyncio.Semaphore(connections)
        self._free: deque[tuple[float, HttpConnection]] = deque()
        self._all: set[HttpConnection] = set()
        self._closing: asyncio.Task[None] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; its connection is in use until the body has been read or closed."""
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("pool")):
                await self._places.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("no free connection", request=request) from None
        lane = self._free.pop()[1] if self._free else self._new()
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            self._give_back(lane)
            raise
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise TypeError("an asynchronous transport answers with an asynchronous stream")
        response.stream = _Lane(response.stream, lambda: self._give_back(lane))
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        if self._closing is not None:
            self._closing.cancel()
            await asyncio.wait([self._closing])
        for lane in self._all:
            await lane.aclose()

    async def _close_idle(self) -> None:
        # the leftmost has been free for the longest time: connections are taken and returned on the right
        try:
            while self._free:
                idle = self._time.monotonic() - self._free[0][0]
                if idle < self._keepalive:
                    await self._time.sleep(self._keepalive - idle)
                    continue
                _, lane = self._free.popleft()
                await lane.aclose()
                self._all.discard(lane)
        finally:
            self._closing = None

    def _new(self) -> HttpConnection:
        lane = HttpConnection(verify=self._verify, keepalive=self._keepalive, proxy=self._proxy)
        self._all.add(lane)
        return lane

    def _give_back(self, lane: HttpConnection) -> None:
        self._free.append((self._time.monotonic(), lane))
        self._places.release()
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close_idle())


class _Lane(httpx.AsyncByteStream):
    """A body that returns its connection once, when it is closed."""

    def __init__(self, body: httpx.AsyncByteStream, closed: Callable[[], None]) -> None:
        self._body = body
        self._closed: Callable[[], None] | None = closed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            yield part

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            if self._closed is not None:
                closed, self._closed = self._closed, None
                closed()
