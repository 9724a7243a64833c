"""The HTTP client of one tenant for ShipperOne: the two queues, the two confirmations, the warehouses."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache, partial
from importlib.metadata import version
from typing import Any, Literal, TypeVar

import httpx
from pydantic import SecretStr

from shipperone_erp.domain.listing import ReadFailed, Trouble
from shipperone_erp.domain.post_answer import PostAnswer, PostOutcome
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.offload import WORTH_A_THREAD, aside
from shipperone_erp.kernel.redaction import Redaction
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.decoding import Undecodable
from shipperone_erp.shipperone.headers import http_date
from shipperone_erp.shipperone.http_exchange import ExchangeLimits, HttpExchange
from shipperone_erp.shipperone.lost_answers import lost_post, lost_read
from shipperone_erp.shipperone.rate_limit import Kind, Pacing
from shipperone_erp.shipperone.response_reader import Received
from shipperone_erp.shipperone.responses import (
    entries,
    post_answer,
    raise_for_status,
    silenced_post,
    silenced_read,
)

CONFIRMATIONS = {Stage.ALLOCATION: "fulfillmentOrder/allocate", Stage.INVOICE: "fulfillmentOrder/invoice"}
QUEUES = {Stage.ALLOCATION: "pending_allocation", Stage.INVOICE: "pending_invoice"}
ResultT = TypeVar("ResultT")

LOG = logging.getLogger("shipperone_erp.http")


class ShipperOne:
    """One tenant's client for ShipperOne, to be used from one event loop. Nothing is sent before the first call.

    While ShipperOne throttles, reads wait for their turn (`rate_limit`), and end at once as throttled if that takes too
    long; for a confirmation the caller waits for its turn first.

    ValueError for an unusable address or token; it never shows the token.
    """

    def __init__(
        self,
        account: Account,
        exchange: HttpExchange | None = None,
        pacing: Pacing | None = None,
        *,
        time: TimeSource = MACHINE_TIME,
    ) -> None:
        self.time = time
        self._account = account
        self._urls: dict[str, httpx.URL] = {}
        self._exchange = exchange or HttpExchange(account.root, time=time)
        self.max_response = self._exchange.max_response
        self._pacing = pacing or Pacing(time=time)
        self._one_by_one = asyncio.Lock()
        self._redact = Redaction()
        self.replace_token(account.token)

    def __repr__(self) -> str:
        return f"<ShipperOne of tenant {self._account.tenant} at {self._account.address}>"

    def replace_token(self, token: SecretStr) -> None:
        """Use this token from the next call on. ValueError if an HTTP header cannot carry it."""
        text = token.get_secret_value().strip()
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError(
                f"the token of tenant {self._account.tenant} is empty, or contains a character that is invalid in a "
                "token"
            )
        self._token = text
        self._redact.add([text])
        self._get_headers = httpx.Headers(
            {
                "Authorization": f"Bearer {text}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": _user_agent(),
            }
        )
        self._post_headers: httpx.Headers | None = None

    async def page_body(self, stage: Stage, number: int) -> Received:
        """One page of a queue, from 1 on, as received, not parsed. ReadFailed if the answer is no 2xx, or none came."""
        path = f"fulfillmentOrders/{QUEUES[stage]}?page={number}"
        if number == 1:
            self._kept_url(path)
        return await self._get(path, _page_name(stage, number))

    async def evidence_page(self, queue: Literal["failed", "pending_shipment"], number: int) -> Sequence[Any]:
        """The entries of one page of a queue that nothing is done for. ReadFailed if none came."""
        return await self._entries(f"fulfillmentOrders/{queue}?page={number}", f"{queue}, page {number}")

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
            response = await self._fetched("warehouses")
        except Exception:
            return None
        theirs = http_date(response.headers.get("date", ""))
        return (theirs - self.time.now()).total_seconds() if theirs else None

    def turn_to_confirm(self) -> AbstractAsyncContextManager[float | None]:
        """Wait for a confirmation's turn; the seconds to wait instead, if they are too many. Sends nothing."""
        return self._pacing.turn(Kind.CONFIRMATION)

    async def confirm(self, stage: Stage, body: bytes) -> PostAnswer:
        """Confirm that stock is reserved, or request the invoicing of exactly this, with a body of `request_bodies`.

        Sent once: the caller decides about the answer.
        """
        return await self._post(self._kept_url(CONFIRMATIONS[stage]), body)

    async def aclose(self) -> None:
        """Close all connections. No call after it."""
        await self._exchange.aclose()

    async def _entries(self, path: str, what: str) -> list[Any]:
        answer = await self._get(path, what)
        return await self.in_turn(lambda: list(entries(answer, what, self._redact)), len(answer.body))

    async def _get(self, path: str, what: str) -> Received:
        async with self._pacing.turn(Kind.READ) as wait:
            if wait is not None:
                raise silenced_read(wait, what)
            token = self._token
            try:
                return await self._got(path, what)
            except ReadFailed as failure:
                if failure.trouble is not Trouble.UNAUTHORISED or token == self._token:
                    raise
        return await self._get(path, what)  # the previous token was refused

    async def _fetched(self, path: str) -> Received:
        url = self._urls.get(path) or self._url(path)
        return await self._exchange.send("GET", url, self._get_headers, None)

    def _kept_url(self, path: str) -> httpx.URL:
        """Kept, since parsing an address takes longer than an idle poll's plan."""
        return self._urls.get(path) or self._urls.setdefault(path, self._url(path))

    def _url(self, path: str) -> httpx.URL:
        return httpx.URL(f"{self._account.address}/{path}")

    async def _got(self, path: str, what: str) -> Received:
        began = self.time.monotonic()
        try:
            response = await self._fetched(path)
        except Exception as failure:  # any exception of a library about an answer: there is no list
            _log_unexpected(failure)
            raise lost_read(failure, what) from None
        try:
            await self.in_turn(
                partial(raise_for_status, response, what, self.time.now(), self._redact), _errors(response)
            )
        except ReadFailed as failure:
            throttled = failure.trouble is Trouble.THROTTLED
            self._pacing.answered(began, throttled=throttled, retry_after=failure.retry_after)
            raise
        self._pacing.answered(began)
        return response

    def _headers_of_posts(self) -> httpx.Headers:
        """Made when they are needed: an idle tenant sends none."""
        if self._post_headers is None:
            self._post_headers = httpx.Headers([*self._get_headers.multi_items(), ("Content-Type", "application/json")])
        return self._post_headers

    async def _post(self, url: httpx.URL, body: bytes) -> PostAnswer:
        if (silence := self._pacing.silence) > 0:
            return silenced_post(silence)
        token, began = self._token, self.time.monotonic()
        try:
            response = await self._exchange.send("POST", url, self._headers_of_posts(), body)
        except Exception as failure:  # any exception of a library about an answer: the request may have been sent
            _log_unexpected(failure)
            return lost_post(failure)
        answer = await self.in_turn(partial(post_answer, response, self.time.now(), self._redact), len(response.body))
        if answer.outcome is PostOutcome.UNAUTHORISED and token != self._token:
            return await self._post(url, body)  # the previous token was refused, and nothing was done
        throttled = answer.outcome is PostOutcome.THROTTLED
        self._pacing.answered(began, throttled=throttled, retry_after=answer.retry_after)
        return answer


def _errors(response: Received) -> int:
    """Bytes of an answer that must be parsed for an error message."""
    return 0 if response.succeeded else len(response.body)


def _log_unexpected(failure: Exception) -> None:
    if not isinstance(failure, httpx.HTTPError | OSError | Undecodable):
        LOG.warning("an answer of ShipperOne made the HTTP library raise", exc_info=failure)


def _page_name(stage: Stage, number: int) -> str:
    return f"{QUEUES[stage]}, page {number}"


@asynccontextmanager
async def connected(account: Account, limits: ExchangeLimits) -> AsyncIterator[ShipperOne]:
    """A client for the requests of one command, closed at the end."""
    client = ShipperOne(account, HttpExchange(account.root, limits))
    try:
        yield client
    finally:
        await client.aclose()


@cache
def _user_agent() -> str:
    return f"shipperone-erp/{version('shipperone-erp')}"
