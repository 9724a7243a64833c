"""Hundreds of answers with another type at every field: a read ends with a listing or a typed failure, and never raises."""

import asyncio
import contextlib
import json
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shipperone_client import client_of
from shipperone_erp.domain.listing import Listing, ReadFailed
from shipperone_erp.domain.post_answer import PostAnswer, PostOutcome
from shipperone_erp.domain.serialization import order_from_text, order_text
from shipperone_erp.domain.states import Stage
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import QueueReader
from shipperone_erp.shipperone.rate_limit import Pacing

ORDER: dict[str, Any] = {
    "order_id": "FO-2", "warehouse_code": "main", "currency": "EUR", "order_number": "100", "total_incl_tax": 15.99,
    "shipping_amount_incl_tax": 4.99, "ordered_at": "2026-03-31T22:30:00+02:00", "shipped_at": "2026-04-01 08:00:00",
    "payment_method": "card", "customer": {"name": "Jana", "email": "j@x.example"},
    "billing": {"street": ["A 1", "B"], "city": "C", "country": "SK"}, "extension_attributes": {"a": {"b": [1]}},
    "items": [
        {"id": 1, "sku": "MUG", "name": "Mug", "qty": 1, "price_incl_tax": 11.0, "row_total_incl_tax": 11.0,
         "tax_percent": 20, "discount": 0, "parent_item_id": None, "item_type": "simple", "warehouse_code": "x"},
    ],
}  # fmt: skip
OTHER = {
    "null": b"null", "true": b"true", "false": b"false", "zero": b"0", "a negative": b"-1.5", "huge": b"1e400",
    "absurd": b"1e99999999999999999999", "digits": b"9" * 400, "too many digits": b"9" * 5000, "NaN": b"NaN",
    "infinity": b"-Infinity", "an empty text": b'""', "a NUL": b'"\\u0000"', "half a surrogate": b'"\\ud800"',
    "Latin-1": b'"\xe9"', "a long text": b'"' + b"x" * 70_000 + b'"', "digits in a text": b'"12,5"', "Arabic": '"٣"'.encode(),
    "an empty list": b"[]", "an empty object": b"{}", "lists": b"[[[1]]]", "objects": b'{"0":{"1":null}}',
    "deep": b"[" * 200 + b"]" * 200, "deeper": b'{"a":' * 3000 + b"1" + b"}" * 3000, "escape": b'"\\u001b[2J"', "bad": b"nul",
    "a date": b'"9999-12-31T23:59:59-23:59"', "no date": b'"0000-00-00"', "a million": b"1234567890123",
}  # fmt: skip
GOOD = json.dumps({**ORDER, "order_id": "FO-1"}).encode()


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in inner:
        yield from places(entry, (*path, name))


def with_other(value: Any, path: tuple[str | int, ...], other: bytes) -> bytes:
    """The JSON text of the value with other bytes at that place."""

    def changed(here: Any, rest: tuple[str | int, ...]) -> Any:
        if not rest:
            return "OTHER"
        copy: Any = dict(here) if isinstance(here, dict) else list(here)
        copy[rest[0]] = changed(here[rest[0]], rest[1:])
        return copy

    return json.dumps(changed(value, path)).encode().replace(b'"OTHER"', other)


class Answers(httpx.AsyncBaseTransport):
    """The one connection to an address: it answers every request by the same bytes, without a socket."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, b"[]", {"Content-Type": "application/json"}

    def take(self) -> "Answers":
        return self

    def give_back(self, connection: "Answers") -> None:
        pass

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, headers=self.headers, stream=httpx.ByteStream(self.body))


def fuzzing(use: Any) -> Any:
    async def run() -> Any:
        client = client_of("http://shop.invalid", "tok-5ecret", patience=0.0)
        client._exchange._connections = answers = Answers()  # type: ignore[assignment]
        try:
            return await use(client, answers)
        finally:
            await client.aclose()

    return asyncio.run(run())


@pytest.mark.case("H9")
@pytest.mark.parametrize("what", OTHER)
def test_another_type_at_any_field_hides_that_order_at_most(what: str) -> None:
    async def use(client: ShipperOne, answers: Answers) -> None:
        for path in places(ORDER):
            answers.body = b"[" + GOOD + b"," + with_other(ORDER, path, OTHER[what]) + b"]"
            listing: Listing = await QueueReader(client, Stage.INVOICE, OrderWire({}), pauses=()).read()
            assert "FO-1" in listing.orders, f"{what} at {path} hides another order"
            for listed in listing.orders.values():
                assert order_from_text(order_text(listed.order)) == listed.order, f"{what} at {path}"
            for entry in listing.unreadable:
                assert entry.sentence
                assert "\x1b" not in entry.sentence
            ids = {*listing.orders, *(entry.order_id for entry in listing.unreadable)}
            if path and path[0] != "order_id":
                assert "FO-2" in ids, f"{what} at {path}: its id is lost"

    fuzzing(use)


@pytest.mark.case("H9")
def test_no_answer_to_a_read_or_a_confirmation_raises() -> None:
    draw = random.Random(15)
    headers = {
        "Content-Type": [
            "application/json",
            "text/html; charset=rot13",
            "text/html; charset=\x00",
            "",
            "charset=utf-16",
        ],
        "Retry-After": ["", "1", "Fri, 31 Dec 2026 23:59:59 +99999999999999999999", "-1", "9" * 300, "soon"],
        "Location": ["", "http://[", "//", "http://x:y", "\u00e9".encode().decode("latin-1")],
        "Date": ["", "0", "Mon, 99 Foo 99999 99:99:99 +9999"],
        "Content-Encoding": ["", "", "", "", "gzip", "deflate", "br", "x" * 300],
        "Content-Length": ["", "", "", "-1", "x", "9" * 50],
    }
    bodies = [b"", b" ", b"\xff\xfe", b"<title", b"<html><title>x</title>", GOOD, b"[" + GOOD + b"]", b'{"message": "%1"}',
              *OTHER.values(), *(b'{"message": ' + other + b', "parameters": ' + other + b"}" for other in OTHER.values()),
              *(b'{"success": ' + other + b"}" for other in OTHER.values())]  # fmt: skip

    async def use(client: ShipperOne, answers: Answers) -> int:
        seen = 0
        for _ in range(600):
            answers.status = draw.choice(
                [200, 200, 200, 201, 204, 301, 302, 304, 400, 401, 403, 404, 406, 429, 500, 503, 599]
            )
            answers.headers = {name: text for name, values in headers.items() if (text := draw.choice(values))}
            answers.body = draw.choice(bodies)
            client._pacing = Pacing(patience=0.0)
            with contextlib.suppress(ReadFailed):
                list(await client.page(Stage.ALLOCATION, draw.choice([1, 2])))
            client._pacing = Pacing(patience=0.0)
            answer: PostAnswer = await client.allocate("FO-1", [1])
            assert answer.outcome is not PostOutcome.NOT_SENT
            seen += 1
        return seen

    assert fuzzing(use) == 600
