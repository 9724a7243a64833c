"""The open connections to one address, which all tenants of a process share: an idle tenant then pays for none.

aiohttp's own pool takes the connection that was idle for longest, which the server is the most likely to be closing,
and so keeps every connection of a burst open. Here each connection is a pool of one, and the most recently used is
taken first. A connection keeps nothing of a request: the token is a header of each, and no cookie is kept.
"""

import asyncio
import ssl
from collections import deque
from functools import cache, lru_cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.shipperone.http_connection import HttpConnection

IDLE_AT_MOST = 4.0
"""Seconds for which an idle connection is kept. Servers commonly close theirs after 5; a POST just then is lost."""


class OpenConnections:
    """Connections to one address, for one event loop; how many at once is for their users to limit.

    A connection that was idle for `IDLE_AT_MOST` seconds is closed, so that neither a burst nor a thousand tenants,
    each polled now and then, leave connections open. A proxy is used where the environment names one (`HTTPS_PROXY`,
    `NO_PROXY`).
    """

    def __init__(
        self,
        root: str,
        *,
        tls: ssl.SSLContext | None = None,
        time: TimeSource = MACHINE_TIME,
    ) -> None:
        self._proxy = _proxy(httpx.URL(root))
        encrypted = root.startswith("https:") or (self._proxy or "").startswith("https:")
        # plain http needs none; without any, one without verification would be created with each connection
        self._verify = tls or (httpx.create_ssl_context() if encrypted else _trusting_nobody())
        self._keepalive = IDLE_AT_MOST
        self._time = time
        self._idle: deque[tuple[float, HttpConnection]] = deque()
        self._closing: asyncio.Task[None] | None = None

    def take(self) -> HttpConnection:
        """A connection for the caller alone, which gives it back or closes it."""
        if self._idle:
            return self._idle.pop()[1]
        return HttpConnection(verify=self._verify, keepalive=self._keepalive, proxy=self._proxy)

    def give_back(self, connection: HttpConnection) -> None:
        """Keep it for the next request; one that cannot be used again connects anew by itself."""
        self._idle.append((self._time.monotonic(), connection))
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close_idle())

    async def aclose(self) -> None:
        """Close the idle connections."""
        if self._closing is not None:
            self._closing.cancel()
            await asyncio.wait([self._closing])
        while self._idle:
            await self._idle.popleft()[1].aclose()

    async def _close_idle(self) -> None:
        # the leftmost has been idle for the longest time: connections are taken and returned on the right
        try:
            while self._idle:
                idle = self._time.monotonic() - self._idle[0][0]
                if idle < self._keepalive:
                    await self._time.sleep(self._keepalive - idle)
                    continue
                _, connection = self._idle.popleft()
                await connection.aclose()
        finally:
            self._closing = None


class Origins:
    """The open connections of a process by address: those of one scheme, host and port are shared."""

    def __init__(self, time: TimeSource = MACHINE_TIME) -> None:
        self._time = time
        self._tls = cache(httpx.create_ssl_context)  # creating one takes milliseconds and memory
        self._known: dict[tuple[str, bytes], OpenConnections] = {}

    def connections(self, root: str) -> OpenConnections:
        """Those to the server of that address."""
        url = httpx.URL(root)
        key = url.scheme, url.netloc
        if key not in self._known:
            tls = self._tls() if url.scheme == "https" else None
            self._known[key] = OpenConnections(root, tls=tls, time=self._time)
        return self._known[key]

    async def aclose(self) -> None:
        """Close the idle connections of all."""
        for connections in self._known.values():
            await connections.aclose()


@lru_cache(maxsize=1)
def _trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _proxy(address: httpx.URL) -> str | None:
    """The proxy for this address. UsageError, without its password, if it cannot be used: it concerns every tenant."""
    proxies = getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(address.host):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    named = f"the environment names a proxy for {address.scheme} ({address.scheme.upper()}_PROXY or ALL_PROXY)"
    if not proxy.startswith(("http://", "https://")):
        raise UsageError(f"{named} that does not speak HTTP: name one that does, or exclude the host by NO_PROXY")
    try:
        parts = urlsplit(proxy)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"{named} whose address cannot be read: write http://user:password@host:port, and the characters @ : / # ? "
            "and % of its user and password as %40 %3A %2F %23 %3F and %25"
        )
    return proxy
