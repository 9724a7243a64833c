"""The HTTP client of one tenant for ShipperOne: the two queues, the two confirmations, the warehouses."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from functools import lru_cache, partial
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

import httpx
from pydantic import SecretStr

from shipperone_erp.domain.listing import ReadFailed, Trouble
from shipperone_erp.domain.post_answer import PostAnswer, PostOutcome
from shipperone_erp.domain.rules import ChargeRule
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.dates import Zones
from shipperone_erp.kernel.offload import WORTH_A_THREAD, aside
from shipperone_erp.kernel.redaction import Redaction
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.shipperone.connection_pool import ConnectionPool
from shipperone_erp.shipperone.decoding import Undecodable
from shipperone_erp.shipperone.headers import http_date
from shipperone_erp.shipperone.lost_answers import lost_post, lost_read
from shipperone_erp.shipperone.rate_limit import PATIENCE, Kind, RateLimit, RequestLimit
from shipperone_erp.shipperone.request_bodies import allocation_body, invoice_body
from shipperone_erp.shipperone.response_reader import Received, receive
from shipperone_erp.shipperone.responses import (
    entries,
    post_answer,
    raise_for_status,
    silenced_post,
    silenced_read,
)

QUEUES = {Stage.ALLOCATION: "pending_allocation", Stage.INVOICE: "pending_invoice"}
ResultT = TypeVar("ResultT")
USUAL_PLACES: Mapping[str, str] = MappingProxyType({})
NO_QUEUES: Mapping[Stage, Mapping[str, str]] = MappingProxyType({})

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


def _unheard(method: str, status: int | None, seconds: float) -> None:
    """The default: requests are not counted."""


class ShipperOne:
    """One tenant's client for ShipperOne, to be used from one event loop. Nothing is sent before the first call.

    `fields` is the tenant's table of places, `queue_fields` that of a queue instead, `charges` its charges, `zones` its
    time zones. `timeout` is in seconds, for each step of a call; a whole call is given up after twice that.
    `max_response`: bytes of an answer; a larger one is not read further. While ShipperOne throttles, reads wait for
    their turn (`rate_limit`), and end at once as throttled if that would take longer than `patience` seconds; for a
    confirmation the caller waits for its turn first. `requested` is called after each request; `limit` is waited for
    before one.

    `tls` may be shared by many tenants, since creating one takes milliseconds and memory. A proxy is used where the
    environment names one (`HTTPS_PROXY`, `NO_PROXY`).

    ValueError for an unusable address or token; it never shows the token.
    """

    def __init__(
        self,
        tenant: str,
        base_url: str,
        store_code: str,
        token: SecretStr,
        fields: Mapping[str, str] = USUAL_PLACES,
        *,
        queue_fields: Mapping[Stage, Mapping[str, str]] = NO_QUEUES,
        charges: Sequence[ChargeRule] = (),
        zones: Zones | None = None,
        connections: int = 16,
        timeout: float = 30.0,
        tls: ssl.SSLContext | None = None,
        max_response: int = RESPONSE_AT_MOST,
        patience: float = PATIENCE,
        time: TimeSource = MACHINE_TIME,
        requested: Requested = _unheard,
        limit: RequestLimit | None = None,
    ) -> None:
        self.tenant = tenant
        self._limit = limit
        self._patience = patience
        self._requested = requested
        self.fields = fields
        self._queue_fields = queue_fields
        self.charges = charges
        self.zones = zones or Zones()
        self.time = time
        root = _root(base_url)
        self._address = f"{root}/rest/{quote(store_code, safe='')}/V1"
        self._allocate = httpx.URL(f"{self._address}/fulfillmentOrder/allocate")
        self._invoice = httpx.URL(f"{self._address}/fulfillmentOrder/invoice")
        self.max_response = max_response
        self._whole = 2 * timeout
        self._timeouts = {
            "connect": min(timeout, CONNECT_AT_MOST),
            "read": timeout,
            "write": timeout,
            "pool": timeout,
        }
        # Without an httpx client around it: that would keep Magento's session cookie, for which calls wait for each
        # other there, and would read the headers of redirects, which may hold anything.
        proxy = _proxy(httpx.URL(root))
        encrypted = root.startswith("https:") or (proxy or "").startswith("https:")
        self._lanes = ConnectionPool(
            connections,
            # plain http needs none; without any, one without verification would be created with each connection
            verify=tls or (httpx.create_ssl_context() if encrypted else _trusting_nobody()),
            keepalive=IDLE_AT_MOST,
            proxy=proxy,
            time=time,
        )
        self._one_by_one = asyncio.Lock()
        self._pace = RateLimit(patience, time)
        self._redact = Redaction()
        self.replace_token(token)

    def __repr__(self) -> str:
        return f"<ShipperOne of tenant {self.tenant} at {self._address}>"

    def fields_of(self, stage: Stage) -> Mapping[str, str]:
        """The places of fields in that stage's queue."""
        return {**self.fields, **self._queue_fields.get(stage, {})}

    def replace_token(self, token: SecretStr) -> None:
        """Use this token from the next call on. ValueError if an HTTP header cannot carry it."""
        text = token.get_secret_value().strip()
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError(f"the token of tenant {self.tenant} is empty, or has a character that no token has")
        self._token = text
        self._redact.add([text])
        common = {
            "Authorization": f"Bearer {text}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"shipperone-erp/{version('shipperone-erp')}",
        }
        self._get_headers = httpx.Headers(common)
        self._post_headers = httpx.Headers({**common, "Content-Type": "application/json"})

    async def page(self, stage: Stage, number: int) -> Sequence[Any]:
        """The entries of one page of a queue, the first being 1, as ShipperOne lists them. ReadFailed if none came."""
        return list(self.entries_of(await self.page_body(stage, number), stage, number))

    async def page_body(self, stage: Stage, number: int) -> Received:
        """One page as received, not parsed. ReadFailed if the answer is no 2xx, or none came."""
        path = f"fulfillmentOrders/{QUEUES[stage]}?page={number}"
        return await self._get(path, _page_name(stage, number))

    async def failed_page(self, number: int) -> Sequence[Any]:
        """The entries of one page of the orders that failed in ShipperOne's process. ReadFailed if none came."""
        what = f"failed, page {number}"
        return await self._entries(f"fulfillmentOrders/failed?page={number}", what)

    def entries_of(self, page: Received, stage: Stage, number: int) -> Iterable[Any]:
        """The entries in the answer of `page_body` (see `pages`). ReadFailed if it holds no list."""
        return entries(page, _page_name(stage, number), self._redact, first=number == 1)

    async def in_turn(self, function: Callable[[], ResultT], size: int) -> ResultT:
        """The function's result for an answer of that many bytes: for a large one in a thread, one at a time."""
        if size < WORTH_A_THREAD:
            return function()
        async with self._one_by_one:
            return await aside(function)

    async def warehouses(self) -> Sequence[Any]:
        """The warehouses, as ShipperOne lists them: a cheap check of address and token."""
        return await self._entries("warehouses", "warehouses")

    async def clock_ahead(self) -> float | None:
        """The seconds by which ShipperOne's clock is ahead of this one, from its answer's date; None if it has none."""
        try:
            response = await self._send("GET", httpx.URL(f"{self._address}/warehouses"), self._get_headers, None)
        except Exception:
            return None
        theirs = http_date(response.headers.get("date", ""))
        return (theirs - self.time.now()).total_seconds() if theirs else None

    def turn_to_confirm(self) -> AbstractAsyncContextManager[float | None]:
        """Wait for a confirmation's turn; the seconds to wait instead, if they are too many. Sends nothing."""
        return self._turn(Kind.CONFIRMATION)

    async def allocate(self, order_id: str, item_ids: Sequence[int | str]) -> PostAnswer:
        """Confirm that stock is reserved. Sent once: the caller decides about the answer."""
        return await self._post(self._allocate, allocation_body(order_id, item_ids))

    async def invoice(
        self, order_id: str, item_ids: Sequence[int | str], shipping_amount_incl_tax: Decimal
    ) -> PostAnswer:
        """Request the invoicing of exactly this; ShipperOne records it as invoiced. Sent once, as `allocate`."""
        return await self._post(self._invoice, invoice_body(order_id, item_ids, shipping_amount_incl_tax))

    async def aclose(self) -> None:
        """Close all connections. No call after it."""
        await self._lanes.aclose()

    async def _entries(self, path: str, what: str) -> list[Any]:
        answer = await self._get(path, what)
        return await self.in_turn(lambda: list(entries(answer, what, self._redact)), len(answer.body))

    async def _get(self, path: str, what: str) -> Received:
        async with self._turn(Kind.READ) as wait:
            if wait is not None:
                raise silenced_read(wait, what)
            token = self._token
            try:
                return await self._got(path, what)
            except ReadFailed as failure:
                if failure.trouble is not Trouble.UNAUTHORISED or token == self._token:
                    raise
        return await self._get(path, what)  # the previous token was refused

    async def _got(self, path: str, what: str) -> Received:
        began = self.time.monotonic()
        try:
            response = await self._send("GET", httpx.URL(f"{self._address}/{path}"), self._get_headers, None)
        except Exception as failure:  # any exception of a library about an answer: there is no list
            _tell(failure)
            raise lost_read(failure, what) from None
        try:
            await self.in_turn(
                partial(raise_for_status, response, what, self.time.now(), self._redact), _errors(response)
            )
        except ReadFailed as failure:
            self._heed(began, failure.trouble is Trouble.THROTTLED, failure.retry_after)
            raise
        self._heed(began, False, None)
        return response

    async def _post(self, url: httpx.URL, body: bytes) -> PostAnswer:
        if (silence := self._pace.silence) > 0:
            return silenced_post(silence, self.time.now())
        token, began = self._token, self.time.monotonic()
        try:
            response = await self._send("POST", url, self._post_headers, body)
        except Exception as failure:  # any exception of a library about an answer: the request may have been sent
            _tell(failure)
            return lost_post(failure, self.time.now())
        answer = await self.in_turn(partial(post_answer, response, self.time.now(), self._redact), len(response.body))
        if answer.outcome is PostOutcome.UNAUTHORISED and token != self._token:
            return await self._post(url, body)  # the previous token was refused, and nothing was done
        self._heed(began, answer.outcome is PostOutcome.THROTTLED, answer.retry_after)
        return answer

    @asynccontextmanager
    async def _turn(self, kind: Kind) -> AsyncIterator[float | None]:
        """Wait for this tenant's turn, and for the limit that all tenants of this ShipperOne share."""
        async with self._pace.turn(kind) as wait:
            yield await self._limit.admit(self._patience) if wait is None and self._limit is not None else wait

    def _heed(self, began: float, throttled: bool, retry_after: float | None) -> None:
        if throttled:
            self._pace.throttled(began, retry_after)
            if self._limit is not None and retry_after is not None:
                self._limit.throttled(retry_after)
        else:
            self._pace.answered(began)

    async def _send(self, method: str, url: httpx.URL, headers: httpx.Headers, body: bytes | None) -> Received:
        request = httpx.Request(method, url, headers=headers, content=body, extensions={"timeout": self._timeouts})
        limit = self.max_response if body is None else min(self.max_response, POST_AT_MOST)
        began, status = self.time.monotonic(), None
        try:
            # the time-outs above are for each read: an answer that drips byte by byte would never end
            async with asyncio.timeout(self._whole):
                answer = await receive(await self._lanes.handle_async_request(request), limit)
            status = answer.status
        finally:
            self._requested(method, status, self.time.monotonic() - began)
        LOG.debug("%s %s: %s", method, url, answer.status)
        return answer


def _errors(response: Received) -> int:
    """Bytes of an answer that must be parsed for an error message."""
    return 0 if response.succeeded else len(response.body)


def _tell(failure: Exception) -> None:
    if not isinstance(failure, httpx.HTTPError | OSError | Undecodable):
        LOG.warning("an answer of ShipperOne made the HTTP library raise", exc_info=failure)


@lru_cache(maxsize=1)
def _trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _page_name(stage: Stage, number: int) -> str:
    return f"{QUEUES[stage]}, page {number}"


def _root(base_url: str) -> str:
    try:
        url = httpx.URL(base_url.strip())
        url.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        raise ValueError("base_url is no address such as https://acme.example") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("base_url must begin with https:// and name a host, such as https://acme.example")
    if url.userinfo:
        raise ValueError("base_url holds a user or a password; ShipperOne takes only the token")
    if url.query or url.fragment:
        raise ValueError("base_url ends before the ? or #: paths are added to it")
    return str(url).rstrip("/")


def _proxy(address: httpx.URL) -> str | None:
    proxies = getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(address.host):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        raise ValueError(f"the environment names a proxy for {address.scheme} that does not speak HTTP; set NO_PROXY")
    return proxy
