"""Sends one request to ShipperOne and receives its answer, within limits of time and size."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.request import getproxies, proxy_bypass

import httpx

from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.shipperone.connection_pool import ConnectionPool
from shipperone_erp.shipperone.response_reader import Received, receive

IDLE_AT_MOST = 4.0
"""Seconds for which an idle connection is kept. Servers commonly close theirs after 5; a POST just then is lost."""

CONNECT_AT_MOST = 10.0

RESPONSE_AT_MOST = 32 * 1024 * 1024
"""Bytes of an answer, where `max_response` is not set."""

POST_AT_MOST = 4 * 1024 * 1024
"""The most bytes of the answer to a confirmation: it is parsed in one piece."""

LOG = logging.getLogger("shipperone_erp.http")


Requested = Callable[[str, int | None, float], None]
"""Called after each request with the method, the status of its answer or None, and the seconds."""


def _not_counted(method: str, status: int | None, seconds: float) -> None:
    """The default: requests are not counted."""


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
    """The connections to one address, for one event loop. `requested` is called after each request.

    `tls` may be shared by many tenants, since creating one takes milliseconds and memory. A proxy is used where the
    environment names one (`HTTPS_PROXY`, `NO_PROXY`).
    """

    def __init__(
        self,
        root: str,
        limits: ExchangeLimits = USUAL_LIMITS,
        *,
        tls: ssl.SSLContext | None = None,
        requested: Requested = _not_counted,
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
        proxy = _proxy(httpx.URL(root))
        encrypted = root.startswith("https:") or (proxy or "").startswith("https:")
        self._pool = ConnectionPool(
            limits.connections,
            # plain http needs none; without any, one without verification would be created with each connection
            verify=tls or (httpx.create_ssl_context() if encrypted else _trusting_nobody()),
            keepalive=IDLE_AT_MOST,
            proxy=proxy,
            time=time,
        )

    async def send(self, method: str, url: httpx.URL, headers: httpx.Headers, body: bytes | None) -> Received:
        """The answer. Any exception means that none came, or none that could be read within the limits."""
        request = httpx.Request(method, url, headers=headers, content=body, extensions={"timeout": self._timeouts})
        limit = self.max_response if body is None else min(self.max_response, POST_AT_MOST)
        began, status = self._time.monotonic(), None
        try:
            # the time-outs above are for each read: an answer that drips byte by byte would never end
            async with asyncio.timeout(self._whole):
                answer = await receive(await self._pool.handle_async_request(request), limit)
            status = answer.status
        finally:
            self._requested(method, status, self._time.monotonic() - began)
        LOG.debug("%s %s: %s", method, url, answer.status)
        return answer

    async def aclose(self) -> None:
        """Close all connections. No call after it."""
        await self._pool.aclose()


@lru_cache(maxsize=1)
def _trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _proxy(address: httpx.URL) -> str | None:
    proxies = getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(address.host):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        raise ValueError(f"the environment names a proxy for {address.scheme} that does not speak HTTP; set NO_PROXY")
    return proxy
