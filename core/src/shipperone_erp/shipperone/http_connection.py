"""One connection to ShipperOne: aiohttp under httpx's values, at half of httpcore's CPU.

What failed is raised as httpx raises it, by one rule: a request was *not sent* only where aiohttp reports that there
was no connection for it. Everything else may have been carried out, and is raised as a read that failed.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx
import yarl

LONGEST_HEADER = 64 * 1024
"""Bytes: some shops answer with a Content-Security-Policy that is longer than the usual 8 KiB."""

ADDED_BY_ITSELF = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp adds where a request has none."""


TURNS = 2
"""Turns of the loop until aiohttp has heard that the server closed a connection: the first looks at the socket.

TLS passes it on one turn later. tests/integration/shipperone/test_https.py fails where they are too few.
"""


class HttpConnection(httpx.AsyncBaseTransport):
    """A transport for one request after another, on one connection that is rebuilt where it cannot be used again.

    No redirect is followed, no cookie is kept, and no POST is ever sent twice.
    """

    def __init__(self, *, verify: ssl.SSLContext, keepalive: float, proxy: str | None) -> None:
        self._verify = verify
        self._keepalive = keepalive
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None
        self._connecting = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, whose body is read or closed before the next request."""
        seconds = request.extensions["timeout"]
        # the server may have closed the connection while the loop was busy: aiohttp then makes another one
        for _ in range(self._turns(request.url.scheme)):
            await asyncio.sleep(0)
        self._connecting = False
        with _as_httpx(), self._refusals_of_the_proxy():
            response = await self._opened().request(
                request.method,
                yarl.URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=request.read() or None,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=aiohttp.ClientTimeout(total=None, connect=seconds["connect"], sock_read=seconds["read"]),
            )
        return httpx.Response(response.status, headers=list(response.raw_headers), stream=_Body(response))

    def _turns(self, scheme: str) -> int:
        proxy = 2 if self._proxy is not None and self._proxy.startswith("https:") else 0
        return TURNS + (scheme == "https") + proxy

    @contextmanager
    def _refusals_of_the_proxy(self) -> Iterator[None]:
        try:
            yield
        except (aiohttp.ClientError, OSError) as failure:
            if self._connecting and not isinstance(failure, TimeoutError | aiohttp.ClientConnectorError):
                raise httpx.ProxyError("the proxy ended the connection") from failure
            raise

    async def aclose(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=1,
                ssl=self._verify,
                keepalive_timeout=self._keepalive,
                use_dns_cache=False,
                resolver=aiohttp.ThreadedResolver(),
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),  # Magento answers the calls of one session one by one
                trust_env=False,  # a proxy is the client's to choose, and a .netrc is nobody's
                auto_decompress=False,  # a compressed body is unpacked under a limit
                max_line_size=LONGEST_HEADER,
                max_field_size=LONGEST_HEADER,
                skip_auto_headers=ADDED_BY_ITSELF,
                trace_configs=[self._observed()] if self._proxy is not None else None,
            )
            # it would ask a lost GET again at once, past the limits on requests; there is no public way to forbid it
            self._session._retry_connection = False
        return self._session

    def _observed(self) -> aiohttp.TraceConfig:
        """A proxy that ends the connection instead of answering CONNECT fails as a lost answer does. Nothing of the
        request was sent before the connection stands.
        """
        trace = aiohttp.TraceConfig()

        async def begins(*_: object) -> None:
            self._connecting = True

        async def ends(*_: object) -> None:
            self._connecting = False

        trace.on_connection_create_start.append(begins)
        trace.on_connection_create_end.append(ends)
        return trace


class _Body(httpx.AsyncByteStream):
    """A body; its connection is used again only if it was read whole."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            # Chunk by chunk as they were sent, not joined: a body in crumbs is recognised by its pieces. Not by
            # iter_chunks: aiohttp has one empty body for all answers of a process, whose chunks have no end the second
            # time.
            content = self._response.content
            while not content.at_eof():
                piece, _ = await content.readchunk()
                yield piece

    async def aclose(self) -> None:
        self._response.close()


@contextmanager
def _as_httpx() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as failure:
        raise httpx.ConnectError(_untrusted(failure)) from failure
    except aiohttp.ClientConnectorError as failure:
        # without a text: the other side ended the handshake silently
        reported = f"{failure.host}:{failure.port}: {failure.strerror}" if failure.strerror else ""
        raise httpx.ConnectError(reported) from failure
    except aiohttp.InvalidURL as failure:
        raise httpx.ConnectError(str(failure)) from failure
    except aiohttp.ConnectionTimeoutError as failure:
        raise httpx.ConnectTimeout("") from failure
    except aiohttp.ClientHttpProxyError as failure:
        raise httpx.ProxyError(f"the proxy answered {failure.status}") from failure
    except TimeoutError as failure:
        raise httpx.ReadTimeout("") from failure
    except aiohttp.ClientError as failure:
        raise httpx.ReadError("") from failure


def _untrusted(failure: aiohttp.ClientConnectorCertificateError) -> str:
    cause = failure.certificate_error
    why = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else str(cause)
    return (
        f"the certificate of {failure.host}:{failure.port} is not trusted ({why.rstrip('.')}); "
        "the file of an authority of your own is named by SSL_CERT_FILE"
    )
