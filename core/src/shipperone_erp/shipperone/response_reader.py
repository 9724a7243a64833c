"""Receives an answer: bounded, decompressed under the same bound, without trust in its headers."""

from dataclasses import dataclass, field

import httpx

from shipperone_erp.shipperone.decoding import Undecodable, Unpacking, too_large

ERROR_AT_MOST = 256 * 1024
"""The most bytes of an unsuccessful answer: only its beginning is ever shown."""


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as received. `body` is unpacked; of an unsuccessful answer it may be the beginning only."""

    status: int
    headers: httpx.Headers
    body: bytes | bytearray = field(repr=False)

    @property
    def content_type(self) -> str:
        return str(self.headers.get("content-type", ""))

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300


async def receive(response: httpx.Response, limit: int) -> Received:
    """The answer, its connection returned. `Undecodable` if a success is larger than `limit` bytes."""
    status = response.status_code
    succeeded = 200 <= status < 300
    try:
        body = await _body(response, limit if succeeded else min(limit, ERROR_AT_MOST), whole=succeeded)
    finally:
        await response.aclose()
    return Received(status, response.headers, body)


def _stream(response: httpx.Response) -> httpx.AsyncByteStream:
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("an asynchronous transport answers with an asynchronous stream")
    return response.stream


async def _body(response: httpx.Response, limit: int, *, whole: bool) -> bytearray:
    length = response.headers.get("content-length", "")
    if whole and length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > limit):
        raise Undecodable(too_large(limit))
    unpacking: Unpacking | None = None
    try:
        unpacking = Unpacking(response.headers.get("content-encoding", ""), limit)
        # not `aiter_raw`, which wraps the stream three times to count and cut its pieces
        async for piece in _stream(response):
            unpacking.take(piece)
        return unpacking.end()
    except Undecodable as failure:
        if whole:
            raise
        # the status is sufficient
        return unpacking.body[:limit] if unpacking and unpacking.body else bytearray(f"({failure})".encode())
