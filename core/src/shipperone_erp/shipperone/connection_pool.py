"""The connections that one tenant uses at once, taken from those that are open to its ShipperOne."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx

from shipperone_erp.shipperone.http_connection import HttpConnection
from shipperone_erp.shipperone.open_connections import OpenConnections


class ConnectionPool(httpx.AsyncBaseTransport):
    """At most `most` at once; a request that gets none within its pool time-out raises `httpx.PoolTimeout`."""

    def __init__(self, most: int, connections: OpenConnections) -> None:
        self._places = asyncio.Semaphore(most)
        self._connections = connections
        self._in_use: set[HttpConnection] = set()
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; its connection is in use until the body has been read or closed."""
        await self._place(request)
        lane = self._connections.take()
        self._in_use.add(lane)
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            self._give_back(lane)
            raise
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise TypeError("an asynchronous transport answers with an asynchronous stream")
        response.stream = _Lane(response.stream, lambda: self._give_back(lane))
        return response

    async def _place(self, request: httpx.Request) -> None:
        if not self._places.locked():
            await self._places.acquire()  # at once, without a timer
            return
        try:
            async with asyncio.timeout(request.extensions["timeout"]["pool"]):
                await self._places.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("no free connection", request=request) from None

    async def aclose(self) -> None:
        """Close the connections that are in use: nobody uses them again."""
        self._closed = True
        for lane in list(self._in_use):
            await lane.aclose()

    def _give_back(self, lane: HttpConnection) -> None:
        self._in_use.discard(lane)
        if not self._closed:
            self._connections.give_back(lane)
        self._places.release()


class _Lane(httpx.AsyncByteStream):
    """A body that returns its connection once, when it is closed."""

    def __init__(self, body: httpx.AsyncByteStream, closed: Callable[[], None]) -> None:
        self._body = body
        self._closed: Callable[[], None] | None = closed

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body.__aiter__()

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            if self._closed is not None:
                closed, self._closed = self._closed, None
                closed()
