"""Sends one request to ShipperOne and receives its answer, within limits of time and size."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.shipperone.http_connection import HttpConnection
from shipperone_erp.shipperone.open_connections import OpenConnections
from shipperone_erp.shipperone.response_reader import Received, receive

CONNECT_AT_MOST = 10.0

RESPONSE_AT_MOST = 32 * 1024 * 1024
"""Bytes of an answer, where `max_response` is not set."""

POST_AT_MOST = 4 * 1024 * 1024
"""The most bytes of the answer to a confirmation: it is parsed in one piece."""

LOG = logging.getLogger("shipperone_erp.http")


Requested = Callable[[str, int | None, float], None]
"""Called after each request with the method, the status of its answer or None, and the seconds."""


@dataclass(frozen=True, slots=True)
class ExchangeLimits:
    """`timeout`: seconds of each step of a call; a whole call is given up after twice that.

    `max_response`: bytes of an answer; a larger one is not read further.
    """

    connections: int = 16
    timeout: float = 30.0
    max_response: int = RESPONSE_AT_MOST


USUAL_LIMITS = ExchangeLimits()


class HttpExchange:
    """The requests to one address, for one event loop: so many at once. `requested` is called after each of them.

    `connections`: those that are open to that address, which other tenants may use too; without, its own.
    """

    def __init__(
        self,
        root: str,
        limits: ExchangeLimits = USUAL_LIMITS,
        *,
        connections: OpenConnections | None = None,
        requested: Requested = lambda method, status, seconds: None,
        time: TimeSource = MACHINE_TIME,
    ) -> None:
        self.max_response = limits.max_response
        self._requested = requested
        self._time = time
        self._whole = 2 * limits.timeout
        self._timeouts = {
            "connect": min(limits.timeout, CONNECT_AT_MOST),
            "read": limits.timeout,
            "write": limits.timeout,
            "pool": limits.timeout,
        }
        # Without an httpx client around it: that would keep Magento's session cookie, for which calls wait for each
        # other there, and would read the headers of redirects, which may hold anything.
        self._connections = connections or OpenConnections(root, time=time)
        self._own = self._connections if connections is None else None
        self._places = asyncio.Semaphore(limits.connections)
        self._in_use: set[HttpConnection] = set()
        self._closed = False

    async def send(self, method: str, url: httpx.URL, headers: httpx.Headers, body: bytes | None) -> Received:
        """The answer. Any exception means that none came, or none that could be read within the limits."""
        # as a stream: httpx then adds no headers of its own, which the connection would only replace
        content = httpx.ByteStream(body or b"")
        request = httpx.Request(method, url, headers=headers, stream=content, extensions={"timeout": self._timeouts})
        limit = self.max_response if body is None else min(self.max_response, POST_AT_MOST)
        began, status = self._time.monotonic(), None
        try:
            # the time-outs above are for each read: an answer that drips byte by byte would never end
            async with asyncio.timeout(self._whole), self._connection() as connection:
                answer = await receive(await connection.handle_async_request(request), limit)
            status = answer.status
        finally:
            self._requested(method, status, self._time.monotonic() - began)
        LOG.debug("%s %s: %s", method, url, answer.status)
        return answer

    async def aclose(self) -> None:
        """Close the connections that are in use, which nobody uses again, and its own. No call after it."""
        self._closed = True
        for connection in list(self._in_use):
            await connection.aclose()
        if self._own is not None:
            await self._own.aclose()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[HttpConnection]:
        """A connection for one request, until its answer was received. PoolTimeout if none is free in time."""
        if self._places.locked():
            try:
                async with asyncio.timeout(self._timeouts["pool"]):
                    await self._places.acquire()
            except TimeoutError:
                raise httpx.PoolTimeout("no free connection") from None
        else:
            await self._places.acquire()  # at once, without a timer
        connection = self._connections.take()
        self._in_use.add(connection)
        try:
            yield connection
        finally:
            self._in_use.discard(connection)
            if not self._closed:
                self._connections.give_back(connection)
            self._places.release()
