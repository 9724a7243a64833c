"""What a broken or hostile server answers: decoded, bounded and taken apart, so that one bad thing hides nothing else."""

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from scripted import Reply, Request, ScriptedServer, http
from shipperone_client import client_of
from shipperone_erp.domain.listing import Listing, ReadFailed
from shipperone_erp.domain.post_answer import PostAnswer, PostOutcome
from shipperone_erp.domain.states import Stage
from shipperone_erp.shipperone import response_messages
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.decoding import decoded
from shipperone_erp.shipperone.headers import place_of, retry_after
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.pages import Garbled, entries_in
from shipperone_erp.shipperone.queue_reader import QueueReader
from shipperone_erp.shipperone.tolerant_json import DEEPEST

KIB = 1024
MIB = 1024 * KIB
USUAL = OrderWire({})


def order(number: int | str, **changes: Any) -> dict[str, Any]:
    items = [{"id": f"i-{number}", "sku": "MUG", "qty": 1}]
    return {"order_id": f"FO-{number}", "warehouse_code": "main", "items": items, **changes}


def page(*entries: Any) -> bytes:
    return json.dumps(entries).encode()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer(lambda request: http(200, "[]"))
    yield server
    server.close()


def using(server: ScriptedServer, use: Callable[[ShipperOne], Any], **settings: Any) -> Any:
    async def run() -> Any:
        client = client_of(server.base_url, "tok-5ecret", **settings)
        try:
            return await use(client)
        finally:
            await client.aclose()

    return asyncio.run(run())


def listing_of(server: ScriptedServer, body: bytes, **settings: Any) -> Listing:
    """A read of the one page that the server has, in its own words past the first too."""
    headers = settings.pop("headers", {})
    server.answer = lambda request: http(200, body, **headers)
    listing: Listing = using(server, lambda client: QueueReader(client, Stage.ALLOCATION, USUAL).read(), **settings)
    return listing


def read_fails(server: ScriptedServer, reply: Reply, **settings: Any) -> str:
    server.answer = lambda request: reply
    with pytest.raises(ReadFailed) as failure:
        using(server, lambda client: client.page(Stage.ALLOCATION, 1), **settings)
    return failure.value.sentence


def post(server: ScriptedServer, reply: Reply, **settings: Any) -> PostAnswer:
    server.answer = lambda request: reply
    answer: PostAnswer = using(server, lambda client: client.allocate("FO-1", [1]), **settings)
    return answer


BAD_VALUES = {
    "a Latin-1 byte": (b'"Caf\xe9"', "byte 0xE9 is not valid UTF-8"),
    "NaN": (b"NaN", "NaN is no number"),
    "an infinite amount": (b"-Infinity", "-Infinity is no number"),
    "an absurd exponent": (b"1e99999999999999999999", "a number has an invalid exponent"),
    "hundreds of levels": (b"[" * 900 + b"]" * 900, "nested 902 levels deep"),
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, "nested 100002 levels deep"),
    "a number of 5,000 digits": (b"1" * 5000, "a number has too many digits"),
    "a line break inside of a text": (b'"a\nb"', "control character 0x0A inside of a text"),
    "what is no JSON": (b"undefined", "this is no JSON"),
}


@pytest.mark.parametrize("what", BAD_VALUES)
def test_one_bad_value_hides_one_order_and_not_the_queue(server: ScriptedServer, what: str) -> None:
    bad, expected = BAD_VALUES[what]
    body = page(order(1), order(2, customer={"name": "HERE"}), order(3)).replace(b'"HERE"', bad)
    listing = listing_of(server, body)
    assert list(listing.orders) == ["FO-1", "FO-3"]
    (unreadable,) = listing.unreadable
    assert unreadable.order_id == "FO-2", "it is still listed, and not absent"
    assert unreadable.sentence.startswith("order FO-2 cannot be read: ")
    assert expected in unreadable.sentence
    assert "Caf" not in unreadable.sentence
    assert (listing.complete, listing.proves_absence) == (True, True)


def test_the_sentence_names_the_very_byte_and_the_field() -> None:
    body = b'\xef\xbb\xbf[\n{"order_id": "FO-1"},\n{"order_id": "FO-2", "a": {"b": ["x", "\xc3\xa9\xe9"]}}]'
    (bad,) = [entry for entry in entries_in(body) if isinstance(entry, Garbled)]
    at = body.index(b"\xe9", body.index(b"\xc3\xa9") + 2)
    column = at - body.rindex(b"\n", 0, at)
    assert f"at byte {at + 1} (line 3, column {column}) of the page, in a.b.1" in bad.sentence


def test_an_order_whose_id_is_illegible_has_no_other_id_and_proves_nothing(server: ScriptedServer) -> None:
    body = page(order(1), order("HERE", id=77, increment_id="100")).replace(b"FO-HERE", b"FO-\xe9")
    listing = listing_of(server, body)
    assert list(listing.orders) == ["FO-1"]
    assert [entry.order_id for entry in listing.unreadable] == [None], "another number of the order is not its id"
    assert (listing.complete, listing.proves_absence) == (True, False)


def test_a_page_that_is_cut_off_is_no_page_and_its_end_is_named(server: ScriptedServer) -> None:
    body = page(order(1), order(2))[:-4]
    assert f"broken JSON: it is cut off: 4 lists or objects are still open, at byte {len(body) + 1}" in read_fails(
        server, http(200, body)
    )


@pytest.mark.parametrize(
    "body",
    ["null", "{}", '{"items": null}', '{"items": {}}', '{"items": []}', "[]", "[[]]", '[{"items": []}]', '"[]"',
     '{"items": null, "total_count": 0}', '{"data": {"items": null}}', '{"success": true, "orders": null}'],
)  # fmt: skip
def test_an_empty_queue_in_any_form_is_empty_and_so_is_a_page_past_the_last(server: ScriptedServer, body: str) -> None:
    listing = listing_of(server, body.encode())
    assert (dict(listing.orders), listing.complete, listing.proves_absence) == ({}, True, True)
    full = page(*(order(n) for n in range(100)))
    server.answer = lambda request: http(200, full if request.target.endswith("=1") else body)
    listing = using(server, lambda client: QueueReader(client, Stage.INVOICE, USUAL).read())
    assert (len(listing.orders), listing.complete, listing.alert) == (100, True, None)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("status", [200, 204, 304, 400])
def test_one_answer_without_a_body_after_another_is_taken_as_such(server: ScriptedServer, status: int) -> None:
    """aiohttp has one empty body for all of a process, whose chunks have no end from the second time on."""
    server.answer = lambda request: f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n".encode()

    async def thrice(client: ShipperOne) -> list[Any]:
        found: list[Any] = []
        for _ in range(3):
            try:
                found.append(list(await client.page(Stage.ALLOCATION, 1)))
            except ReadFailed as failed:
                found.append(failed.status)
        return found

    expected = {200: [None] * 3, 204: [[]] * 3}.get(status, [status] * 3)
    assert using(server, thrice) == expected


@pytest.mark.timeout(60)
def test_one_confirmation_after_another_is_accepted_without_a_body(server: ScriptedServer) -> None:
    server.answer = lambda request: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    async def thrice(client: ShipperOne) -> list[PostOutcome]:
        return [(await client.allocate("FO-1", [1])).outcome for _ in range(3)]

    assert using(server, thrice) == [PostOutcome.ACCEPTED] * 3


def test_past_the_last_page_a_count_of_the_whole_queue_means_nothing() -> None:
    counted = b'{"items": null, "total_count": 450}'
    assert list(entries_in(counted, first=False)) == []
    with pytest.raises(LookupError):
        entries_in(counted)


@pytest.mark.parametrize(
    "body",
    ['{"items": [], "success": false}', '{"items": null, "error": "no database"}', '{"message": "x", "items": null}',
     '{"orders": null, "errors": [{"message": "x"}]}', '{"exception": "x"}', "false", "0", '"closed"'],
)  # fmt: skip
def test_a_failure_is_not_taken_for_an_empty_queue(server: ScriptedServer, body: str) -> None:
    read_fails(server, http(200, body))


@pytest.mark.parametrize(
    "wrapped",
    ['[{{"items": {0}, "total_count": 2}}]', "[{0}]", '{{"data": [{0}]}}', '{{"items": {{"0": {1}, "5": {2}}}}}'],
)
@pytest.mark.parametrize("bad", [False, True])
def test_lists_in_lists_and_around_envelopes_are_read(server: ScriptedServer, wrapped: str, bad: bool) -> None:
    one, two = order(1), order(2, customer={"name": "HERE"})
    text = wrapped.format(json.dumps([one, two]), json.dumps(one), json.dumps(two))
    body = text.encode().replace(b'"HERE"', b'"\xe9"' if bad else b'"x"')
    listing = listing_of(server, body)
    assert list(listing.orders) == ["FO-1"] if bad else ["FO-1", "FO-2"]
    assert [entry.order_id for entry in listing.unreadable] == (["FO-2"] if bad else [])


@pytest.mark.parametrize("name", ['"x"', "NaN"])
def test_json_inside_of_a_text_is_read(server: ScriptedServer, name: str) -> None:
    inner = page(order(1), order(2, customer={"name": "HERE"})).decode().replace('"HERE"', name)
    listing = listing_of(server, json.dumps(inner).encode())
    assert "FO-1" in listing.orders
    assert len(listing.orders) + len(listing.unreadable) == 2


def test_one_order_with_items_alone_is_no_envelope(server: ScriptedServer) -> None:
    listing = listing_of(server, page(order(1)))
    assert list(listing.orders) == ["FO-1"]


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("Café".encode(), "text/html; charset=iso-8859-1", "Café"),
        ("Café".encode("latin-1"), 'text/html; charset="ISO-8859-1"', "Café"),
        ("Łódź".encode("cp1250"), "application/json;charset=windows-1250", "Łódź"),
        (b"Caf\xe9", "application/json", "Caf�"),
        (b"Caf\xe9", "text/html; charset=utf-8", "Caf�"),
        (b"\xef\xbb\xbf[]", "", "[]"),
        (b"\xff{}", "text/html; charset=rot13", "�{}"),
        (b"\xff{}", "text/html; charset=base64", "�{}"),
        (b"\xff{}", "text/html; charset=unicode_escape", "�{}"),
        (b"\xff{}", "text/html; charset=idna", "�{}"),
        (b"\xff{}", "text/html; charset=no-such", "�{}"),
        (b"\xff{}", "text/html; charset=\0", "�{}"),
    ],
)
def test_a_body_is_decoded_by_our_own_rule(body: bytes, kind: str, text: str) -> None:
    assert decoded(body, kind) == text


def test_a_page_in_a_declared_encoding_is_read(server: ScriptedServer) -> None:
    body = json.dumps([order(1, customer={"name": "Café"})], ensure_ascii=False).encode("latin-1")
    server.answer = lambda request: http(200, body, kind="application/json; charset=iso-8859-1")
    listing = using(server, lambda client: QueueReader(client, Stage.ALLOCATION, USUAL).read())
    assert listing.orders["FO-1"].order.customer.name == "Café"


@pytest.mark.parametrize(
    "text",
    ["Fri, 31 Dec 2026 23:59:59 +99999999999999999999", "Mon, 99 Foo 99999 99:99:99 -9999", "-5", "1e9", "٣", "", ",",
     "Sat, 01 Jan 0001 00:00:00 +2359", "x" * 100_000],
    ids=range(9),
)  # fmt: skip
def test_a_retry_after_that_makes_no_sense_is_none(text: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry_after(httpx.Headers([(b"Retry-After", text.encode())]), now) in (None, 0.0)
    assert retry_after(httpx.Headers([(b"Retry-After", b"7"), (b"Date", text.encode())]), now) == 7.0


@pytest.mark.parametrize(
    "location",
    ["http://[", "http://a:b:c", "//\0", "http://x:99999999/", "\u00e9" * 500, "%", "http://[::1%25", "?"],
    ids=range(8),
)
def test_a_location_that_is_no_address_ends_nothing(server: ScriptedServer, location: str) -> None:
    assert place_of(location)
    sentence = read_fails(
        server,
        b"HTTP/1.1 302 Found\r\nLocation: " + location.replace("\0", "").encode() + b"\r\nContent-Length: 0\r\n\r\n",
    )
    assert "302" in sentence
    assert (
        post(server, b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n").outcome
        is PostOutcome.UNKNOWN
    )


# Bombs, at the level of one client: what costs more than it should is refused while it arrives.


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "GZip"])
def test_an_unrequested_compressed_body_is_read(server: ScriptedServer, encoding: str) -> None:
    packed = zlib.compress(page(order(1))) if encoding == "deflate" else gzip.compress(page(order(1)))
    listing = listing_of(server, packed, headers={"Content_Encoding": encoding})
    assert list(listing.orders) == ["FO-1"]


def test_a_deflated_body_without_a_header_is_read(server: ScriptedServer) -> None:
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(page(order(1))) + packer.flush()
    assert list(listing_of(server, packed, headers={"Content_Encoding": "deflate"}).orders) == ["FO-1"]


def test_a_compression_bomb_is_refused_under_the_same_limit(server: ScriptedServer) -> None:
    bomb = gzip.compress(b"[" + b" " * (64 * MIB), 1)
    began = time.process_time()
    assert "more than 1 MiB, and was not read further" in read_fails(
        server, http(200, bomb, Content_Encoding="gzip"), max_response=MIB
    )
    answer = post(server, http(200, bomb, Content_Encoding="gzip"), max_response=MIB)
    assert answer.outcome is PostOutcome.UNKNOWN, "it may have been accepted all the same"
    assert post(server, http(400, bomb, Content_Encoding="gzip")).outcome is PostOutcome.REFUSED
    assert time.process_time() - began < 5


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_an_unrequested_encoding_is_named(server: ScriptedServer, encoding: str) -> None:
    assert f"encoded as “{encoding}”" in read_fails(server, http(200, b"xx", Content_Encoding=encoding))
    assert post(server, http(200, b"xx", Content_Encoding=encoding)).outcome is PostOutcome.UNKNOWN


@pytest.mark.parametrize(
    "packed", [b"no gzip at all", gzip.compress(b"[]")[:-9], gzip.compress(b"[]") * 2], ids=["none", "cut", "two"]
)
def test_a_compressed_body_that_is_broken_is_no_list(server: ScriptedServer, packed: bytes) -> None:
    assert "a compressed body that" in read_fails(server, http(200, packed, Content_Encoding="gzip"))


def test_a_body_past_the_limit_is_not_read_further(server: ScriptedServer) -> None:
    sent = []

    def endless(request: Request) -> Reply:
        server.drip([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], every=0)
        for _ in range(1000):
            server.drip([b"10000\r\n" + b"[" * 65536 + b"\r\n"], every=0)
            sent.append(1)
        return None

    server.answer = endless
    with pytest.raises(ReadFailed) as failure:
        using(server, lambda client: client.page(Stage.ALLOCATION, 1), max_response=MIB)
    assert "more than 1 MiB" in failure.value.sentence
    assert len(sent) < 200, "the connection was closed"
    declared = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n["
    assert "more than 1 MiB" in read_fails(server, declared, max_response=MIB)


def test_a_body_in_crumbs_is_not_read_further(server: ScriptedServer) -> None:
    crumbs = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 30_000
    assert "pieces of a few bytes each" in read_fails(server, crumbs)


def test_the_sum_of_all_pages_is_bounded_and_what_was_read_is_worked_on(server: ScriptedServer) -> None:
    def endless(request: Request) -> Reply:
        number = int(request.target.rpartition("=")[2])
        return http(200, page(*(order(f"{number}-{n}", note="x" * 3000) for n in range(100))))

    server.answer = endless
    listing = using(server, lambda client: QueueReader(client, Stage.ALLOCATION, USUAL).read(), max_response=MIB)
    assert len(server.requests) == 4
    assert len(listing.orders) == 400
    assert (listing.complete, listing.proves_absence) == (False, False)
    assert listing.alert is not None
    assert "too long to be read at once: after 4 page(s) with 400 orders" in listing.alert


def test_a_page_of_more_orders_than_any_queue_has_is_refused(server: ScriptedServer) -> None:
    body = b"[" + b'{"order_id":1},' * 200_000 + b"{}]"
    assert "more than 10000 entries in one list" in read_fails(server, http(200, body))


def test_one_order_that_is_too_large_hides_no_other(server: ScriptedServer) -> None:
    body = page(order(1), order(2, extra="x" * (5 * MIB)), order(3))
    listing = listing_of(server, body)
    assert list(listing.orders) == ["FO-1", "FO-3"]
    assert listing.unreadable[0].order_id == "FO-2"
    assert "at most 4194304 are read" in listing.unreadable[0].sentence
    assert len(listing.unreadable[0].raw) <= 20_000


@pytest.mark.parametrize(
    "value",
    ["1" * (2 * MIB), "[" * MIB + "]" * MIB, '{"a":' * (MIB // 4) + "1" + "}" * (MIB // 4)],
    ids=["digits", "lists", "objects"],
)
def test_describing_a_fault_in_a_large_value_is_fast(value: str) -> None:
    body = page(order(1), order(2, extra="HERE")).replace(b'"HERE"', value.encode())
    began = time.process_time()
    (bad,) = [entry for entry in entries_in(body) if isinstance(entry, Garbled)]
    assert bad.legible["order_id"] == "FO-2"
    assert time.process_time() - began < 10


def test_a_large_page_does_not_keep_the_loop_from_others(server: ScriptedServer) -> None:
    body = page(*(order(n, note="x" * 200, a=[{"b": k} for k in range(50)]) for n in range(700)))
    server.answer = lambda request: http(200, body)

    async def use(client: ShipperOne) -> tuple[float, int]:
        longest, running = 0.0, asyncio.ensure_future(QueueReader(client, Stage.ALLOCATION, USUAL).read())
        while not running.done():
            began = time.thread_time()
            await asyncio.sleep(0.01)
            longest = max(longest, time.thread_time() - began)
        return longest, len((await running).orders)

    longest, count = using(server, use)
    assert count == 700
    assert longest < 0.03, "seconds of CPU of the loop: parsing is done beside it"


@pytest.mark.parametrize(
    "text",
    ["<title" * 100_000, "<html>" + "<title>" * 90_000, "report id" + " " * 600_000, "report" * 100_000,
     "webapi-" + "a" * 600_000, "<title " + "x" * 600_000],
    ids=range(6),
)  # fmt: skip
def test_no_text_makes_a_search_slow(server: ScriptedServer, text: str) -> None:
    began = time.process_time()
    response_messages.of_page(text)
    response_messages.report_id(text)
    response_messages.excerpt(text)
    assert post(server, http(500, text, kind="text/html")).outcome is PostOutcome.UNKNOWN
    assert time.process_time() - began < 3


def test_placeholders_do_not_multiply_a_message() -> None:
    body = {"message": "%1" * 100_000, "parameters": ["x" * 100_000]}
    assert len(response_messages.of_json(body)) == response_messages.LONGEST
    nested: Any = "x"
    for _ in range(DEEPEST):
        nested = {"message": nested, "errors": [nested, nested]}
    began = time.process_time()
    response_messages.of_json(nested)
    assert time.process_time() - began < 2
