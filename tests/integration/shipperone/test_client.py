"""Requests to ShipperOne over real HTTP: the outcome of each answer, and of each missing one."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest

from scripted import Reply, Request, ScriptedServer, http
from shipperone_client import client_of
from shipperone_erp.connector.secret import Secret
from shipperone_erp.domain.listing import ReadFailed, Trouble
from shipperone_erp.domain.post_answer import PostAnswer, PostOutcome
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.open_connections import Origins
from skipped_time import TimeOf

TOKEN = "tok-5ecret-value"
HTML_502 = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer(lambda request: http(200, "[]"))
    yield server
    server.close()


def calling(base_url: str, call: Callable[[ShipperOne], Awaitable[Any]], **settings: Any) -> Any:
    async def run() -> Any:
        client = client_of(base_url, TOKEN, **settings)
        try:
            return await call(client)
        finally:
            await client.aclose()

    return asyncio.run(run())


def posting(server: ScriptedServer, reply: Reply, **settings: Any) -> PostAnswer:
    server.answer = lambda request: reply
    answer: PostAnswer = calling(server.base_url, lambda c: c.invoice("FO-1", [55501], Decimal("4.990")), **settings)
    return answer


def failing_read(server: ScriptedServer, reply: Reply, **settings: Any) -> ReadFailed:
    server.answer = lambda request: reply
    with pytest.raises(ReadFailed) as failure:
        calling(server.base_url, lambda c: c.page(Stage.ALLOCATION, 1), **settings)
    return failure.value


def test_requests_match_the_guide_to_the_byte(server: ScriptedServer) -> None:
    async def both(client: ShipperOne) -> None:
        await client.allocate("FO-000012345", [55501, "55502"])
        await client.invoice("FO-000012345", [55501], Decimal("4.990"))
        await client.page(Stage.INVOICE, 3)
        await client.warehouses()

    calling(server.base_url + "/shop/", both)
    allocate, invoice, page, warehouses = server.requests
    assert (allocate.method, allocate.target) == ("POST", "/shop/rest/default/V1/fulfillmentOrder/allocate")
    assert allocate.body == b'{"order":{"order_id":"FO-000012345","items":[{"item_id":55501},{"item_id":"55502"}]}}'
    assert invoice.target == "/shop/rest/default/V1/fulfillmentOrder/invoice"
    assert invoice.body == (
        b'{"order":{"order_id":"FO-000012345","items":[{"item_id":55501}],"shipping_amount_incl_tax":4.990}}'
    )
    assert (page.method, page.target) == ("GET", "/shop/rest/default/V1/fulfillmentOrders/pending_invoice?page=3")
    assert warehouses.target == "/shop/rest/default/V1/warehouses"
    for request in server.requests:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["accept"] == "application/json"
        assert request.headers.get("content-type") == ("application/json" if request.method == "POST" else None)
        assert request.headers["host"] == server.base_url.removeprefix("http://")


@pytest.mark.case("H3")
@pytest.mark.parametrize(
    ("status", "body", "kind", "outcome"),
    [
        (200, "", "application/json", PostOutcome.ACCEPTED),
        (204, "", "", PostOutcome.ACCEPTED),
        (200, " \n", "text/html", PostOutcome.ACCEPTED),
        (200, '{"invoice": "1001", "amount": 4.990}', "application/json", PostOutcome.ACCEPTED),
        (200, "true", "text/html", PostOutcome.ACCEPTED),
        (201, "[]", "application/json", PostOutcome.ACCEPTED),
        (202, '\ufeff"ok"', "application/json", PostOutcome.ACCEPTED),
        (200, "null", "application/json", PostOutcome.ACCEPTED),
        (200, '{"success": true, "error": "", "errors": []}', "application/json", PostOutcome.ACCEPTED),
        (200, "false", "application/json", PostOutcome.UNKNOWN),
        (200, '{"success": false}', "application/json", PostOutcome.UNKNOWN),
        (201, '{"success": true, "error": "Stock is gone"}', "application/json", PostOutcome.UNKNOWN),
        (200, HTML_502, "text/html", PostOutcome.UNKNOWN),
        (200, '{"order": {"order_id": "FO', "application/json", PostOutcome.UNKNOWN),
        (200, "OK", "text/plain", PostOutcome.UNKNOWN),
        (301, "", "text/html", PostOutcome.UNKNOWN),
        (302, "{}", "application/json", PostOutcome.UNKNOWN),
        (400, '{"message": "no"}', "application/json", PostOutcome.REFUSED),
        (400, HTML_502, "text/html", PostOutcome.REFUSED),
        (400, "", "", PostOutcome.REFUSED),
        (404, '{"message": "no"}', "application/json", PostOutcome.REFUSED),
        (409, '{"message": "no"}', "application/json", PostOutcome.REFUSED),
        (422, '{"message": "no"}', "application/json", PostOutcome.REFUSED),
        (401, '{"message": "no"}', "application/json", PostOutcome.UNAUTHORISED),
        (403, '{"message": "no"}', "application/json", PostOutcome.UNAUTHORISED),
        (403, "", "", PostOutcome.UNAUTHORISED),
        (403, HTML_502, "text/html", PostOutcome.UNKNOWN),
        (407, "", "", PostOutcome.NOT_SENT),
        (408, "", "", PostOutcome.UNKNOWN),
        (429, "", "", PostOutcome.THROTTLED),
        (500, '{"message": "no"}', "application/json", PostOutcome.UNKNOWN),
        (502, HTML_502, "text/html", PostOutcome.UNKNOWN),
        (503, HTML_502, "text/html", PostOutcome.UNKNOWN),
        (504, "", "", PostOutcome.UNKNOWN),
    ],
)
def test_the_status_and_the_kind_of_content_decide(
    server: ScriptedServer, status: int, body: str, kind: str, outcome: PostOutcome
) -> None:
    answer = posting(server, http(status, body, kind=kind))
    assert (answer.outcome, answer.status) == (outcome, status)
    assert answer.body == body.removeprefix("\ufeff")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("false", "false"),
        ('{"success": false}', '{"success": false}'),
        ('{"success": false, "message": "Item %1 is gone", "parameters": [7]}', "Item 7 is gone"),
        ('{"data": {"error": "Le stock est épuisé"}}', '{"data": {"error": "Le stock est épuisé"}}'),
        (HTML_502, "a page, “502 Bad Gateway”"),
        ("NO", "NO"),
    ],
)
def test_a_denial_with_status_200_keeps_shipperones_text(server: ScriptedServer, body: str, words: str) -> None:
    answer = posting(server, http(200, body))
    assert (answer.outcome, answer.denial) == (PostOutcome.UNKNOWN, words)
    assert posting(server, http(500, body)).denial is None, "an answer that is no 2xx denies nothing"
    assert posting(server, http(200, "true")).denial is None


@pytest.mark.case("H2")
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 503])
def test_the_words_decide_nothing(server: ScriptedServer, status: int) -> None:
    english = '{"message": "The order has already been invoiced", "parameters": []}'
    french = '{"message": "La commande est déjà facturée. Succès.", "parameters": []}'
    first = posting(server, http(status, english))
    second = posting(server, http(status, french))
    assert first.outcome is second.outcome
    assert "déjà facturée" in second.message


@pytest.mark.case("H1")
def test_a_refusal_has_shipperones_text(server: ScriptedServer) -> None:
    body = '{"message": "Expected %1, not %sent", "parameters": {"1": 9.990, "sent": 4.990}}'
    answer = posting(server, http(400, body))
    assert answer.message == "Expected 9.990, not 4.990"
    assert answer.body == body
    assert posting(server, http(400, '{"differs": ["items"]}')).message == '{"differs": ["items"]}'
    assert posting(server, http(400, "items differ", kind="text/plain")).message == "items differ"


@pytest.mark.case("H3")
def test_a_pages_title_is_in_the_message(server: ScriptedServer) -> None:
    assert "502 with a page, “502 Bad Gateway”" in posting(server, http(502, HTML_502, kind="text/html")).message
    assert "200 with a page, “502 Bad Gateway”" in posting(server, http(200, HTML_502, kind="text/html")).message
    assert "504 with an empty body" in posting(server, http(504)).message


@pytest.mark.case("H6")
def test_a_500_shows_its_report_id(server: ScriptedServer) -> None:
    body = '{"message": "Internal Error. Details are in the log. Report ID: webapi-6051ed8ba51f8"}'
    answer = posting(server, http(500, body))
    assert (answer.outcome, answer.report_id) == (PostOutcome.UNKNOWN, "webapi-6051ed8ba51f8")
    page = "<title>Error</title><p>Error log record number: 1203948123</p>"
    failure = failing_read(server, http(500, page, kind="text/html"))
    assert "“Error” (report 1203948123)" in failure.sentence


@pytest.mark.case("H5")
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds(server: ScriptedServer, status: int) -> None:
    answer = posting(server, http(status, HTML_502, kind="text/html", Retry_After="17"))
    assert (answer.outcome, answer.retry_after) == (PostOutcome.THROTTLED, 17.0)
    failure = failing_read(server, http(status, "", Retry_After="17"))
    assert (failure.trouble, failure.retry_after) == (Trouble.THROTTLED, 17.0)


@pytest.mark.case("H5")
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_as_a_date_is_read_on_the_answers_own_clock(server: ScriptedServer, status: int) -> None:
    theirs = datetime(2031, 1, 1, tzinfo=UTC)
    dates = {"Date": format_datetime(theirs, usegmt=True)}
    until = format_datetime(theirs + timedelta(seconds=90), usegmt=True)
    assert posting(server, http(status, "", Retry_After=until, **dates)).retry_after == 90.0
    now = datetime(2026, 1, 1, tzinfo=UTC)
    soon = format_datetime(now + timedelta(seconds=30), usegmt=True)
    assert posting(server, http(status, "", Retry_After=soon), time=TimeOf(lambda: now)).retry_after == 30.0
    past = format_datetime(now - timedelta(seconds=30), usegmt=True)
    assert posting(server, http(status, "", Retry_After=past), time=TimeOf(lambda: now)).retry_after == 0.0


@pytest.mark.case("H5")
def test_a_retry_after_that_makes_no_sense_is_none(server: ScriptedServer) -> None:
    assert posting(server, http(503, "", Retry_After="soon")).outcome is PostOutcome.UNKNOWN
    answer = posting(server, http(429, "", Retry_After="-5"))
    assert (answer.outcome, answer.retry_after) == (PostOutcome.THROTTLED, None)
    assert posting(server, http(429, "", Retry_After="9" * 400)).retry_after == 3600.0


@pytest.mark.case("H5")
def test_nothing_is_sent_during_a_requested_pause(server: ScriptedServer) -> None:
    async def calls(client: ShipperOne) -> None:
        server.answer = lambda request: http(429, "", Retry_After="1")
        assert (await client.allocate("A", [1])).status == 429
        server.answer = lambda request: http(200, "[]")
        quiet = await client.allocate("A", [1])
        assert (quiet.outcome, quiet.status, quiet.body) == (PostOutcome.THROTTLED, None, None)
        assert quiet.retry_after is not None
        assert 0 < quiet.retry_after <= 1
        with pytest.raises(ReadFailed) as failure:
            await client.page(Stage.INVOICE, 1)
        assert failure.value.trouble is Trouble.THROTTLED
        async with client.turn_to_confirm() as seconds:
            assert seconds is not None
            assert 0 < seconds <= 1
        assert len(server.requests) == 1
        passed.append(quiet.retry_after + 0.05)
        assert (await client.allocate("A", [1])).outcome is PostOutcome.ACCEPTED

    passed: list[float] = []
    clock = TimeOf(monotonic=lambda: time.monotonic() + sum(passed))
    calling(server.base_url, calls, patience=0.0, time=clock)


@pytest.mark.case("D1")
def test_an_answer_that_is_lost_on_the_way_is_unknown(server: ScriptedServer) -> None:
    for reply in (None, b"HTTP/1.1 200 OK\r\nContent-Le", http(200, '{"ok": true}')[:-3], b"nonsense\r\n\r\n"):
        answer = posting(server, reply)
        assert (answer.outcome, answer.status, answer.body) == (PostOutcome.UNKNOWN, None, None)
        assert "broke off before its answer was whole" in answer.message
    assert len(server.requests) == 4, "nothing was sent twice"


def test_an_answer_that_does_not_come_in_time_is_unknown(server: ScriptedServer) -> None:
    asleep = posting_slowly(server, [b""] * 6, timeout=0.2)
    assert (asleep.outcome, asleep.status) == (PostOutcome.UNKNOWN, None)
    assert "did not answer in time" in asleep.message


def test_an_answer_that_drips_is_given_up_as_a_whole(server: ScriptedServer) -> None:
    drips = [http(200, "x" * 100)[: -100 + n][-1:] if n else http(200, "x" * 100)[:-100] for n in range(100)]
    answer = posting_slowly(server, drips, timeout=0.3)
    assert answer.outcome is PostOutcome.UNKNOWN
    assert "did not answer in time" in answer.message


def posting_slowly(server: ScriptedServer, parts: list[bytes], *, timeout: float) -> PostAnswer:
    def answer(request: Request) -> Reply:
        server.drip(parts, every=timeout / 3)
        return None

    server.answer = answer
    return calling(server.base_url, lambda c: c.allocate("A", [1]), timeout=timeout)  # type: ignore[no-any-return]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_a_connection_that_was_never_made_means_not_sent(server: ScriptedServer) -> None:
    for base_url in (
        f"http://127.0.0.1:{free_port()}",
        "http://no-such-host.invalid",
        server.base_url.replace("http:", "https:"),
    ):
        answer: PostAnswer = calling(base_url, lambda c: c.allocate("A", [1]), timeout=0.5)
        assert (answer.outcome, answer.status) == (PostOutcome.NOT_SENT, None), base_url
        assert answer.message.startswith("no connection to ShipperOne ")


def test_a_refused_connection_means_not_sent() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    fillers = []
    try:
        address = listener.getsockname()
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            fillers.append(filler)
        answer: PostAnswer = calling(f"http://127.0.0.1:{address[1]}", lambda c: c.allocate("A", [1]), timeout=0.3)
    finally:
        for filler in fillers:
            filler.close()
        listener.close()
    assert answer.outcome is PostOutcome.NOT_SENT
    assert answer.message == "no connection to ShipperOne was established in time"


def test_a_request_that_gets_no_free_connection_was_not_sent(server: ScriptedServer) -> None:
    async def calls(client: ShipperOne) -> list[PostAnswer]:
        return list(await asyncio.gather(client.allocate("A", [1]), client.allocate("B", [1])))

    def slow(request: Request) -> Reply:
        server.drip([b""], every=1.0)
        return http(200, "[]")

    server.answer = slow
    first, second = calling(server.base_url, calls, connections=1, timeout=0.3)
    assert first.outcome is PostOutcome.UNKNOWN
    assert second.outcome is PostOutcome.NOT_SENT
    assert len(server.requests) == 1


@pytest.mark.case("H3")
@pytest.mark.parametrize(
    ("reply", "trouble", "expected"),
    [
        (http(401, '{"message": "Der Verbraucher ist nicht autorisiert"}'), Trouble.UNAUTHORISED, "refuses the token"),
        (http(403, ""), Trouble.UNAUTHORISED, "lacks the scope"),
        (
            http(403, "<title>Just a moment...</title>", kind="text/html"),
            Trouble.UNAVAILABLE,
            "a proxy or firewall in front of ShipperOne answered 403 with a page, “Just a moment...”",
        ),
        (
            http(401, "<title>Staging</title>", kind="text/html"),
            Trouble.UNAUTHORISED,
            "refused (401) with a page, “Staging”",
        ),
        (http(400, '{"message": "page %1", "parameters": ["x"]}'), Trouble.REFUSED, "answered 400: page x"),
        (http(404, HTML_502, kind="text/html"), Trouble.NOT_FOUND, "404 with a page"),
        (http(429), Trouble.THROTTLED, "429"),
        (http(503, HTML_502, kind="text/html"), Trouble.UNAVAILABLE, "503 with a page"),
        (http(500, "{}"), Trouble.UNAVAILABLE, "answered 500"),
        (http(200, HTML_502, kind="text/html"), Trouble.UNAVAILABLE, "answered with a page, “502 Bad Gateway”"),
        (http(200, ""), Trouble.UNAVAILABLE, "an empty body"),
        (http(200, '[{"name": "Jana"'), Trouble.UNAVAILABLE, "broken JSON: it is cut off: 2 lists or objects"),
        (http(200, "[" * 100_000), Trouble.UNAVAILABLE, "100000 lists or objects are still open, at byte 100001"),
        (http(200, '{"message": "pas de liste"}'), Trouble.UNAVAILABLE, "without a list of orders: pas de liste"),
        (http(200, '{"data": null, "errors": []}'), Trouble.UNAVAILABLE, "no list but data, errors"),
        (http(200, '"Jana"'), Trouble.UNAVAILABLE, "without a list of orders"),
        (
            http(301, "", Location="https://u:p@new.example/rest?t=1"),
            Trouble.UNAVAILABLE,
            "to https://new.example/rest:",
        ),
        (http(302, "", Location="/login"), Trouble.UNAVAILABLE, "to /login: check base_url"),
        (None, Trouble.UNAVAILABLE, "broke off"),
        (http(200, "[1, 2]")[:-2], Trouble.UNAVAILABLE, "broke off"),
    ],
)
def test_a_read_without_a_list_describes_the_response(
    server: ScriptedServer, reply: Reply, trouble: Trouble, expected: str
) -> None:
    failure = failing_read(server, reply)
    assert failure.trouble is trouble
    assert failure.sentence.startswith("pending_allocation, page 1: ")
    assert expected in failure.sentence
    assert str(failure) == failure.sentence
    assert "Jana" not in failure.sentence
    assert failure.exit_code == 4
    assert len(server.requests) == 1, "redirects are not followed, and nothing is asked twice"


def test_a_read_without_a_connection_is_unavailable() -> None:
    with pytest.raises(ReadFailed) as failure:
        calling(f"http://127.0.0.1:{free_port()}", lambda c: c.page(Stage.INVOICE, 2))
    assert failure.value.trouble is Trouble.UNAVAILABLE
    assert failure.value.sentence.startswith(
        "pending_invoice, page 2: no connection to ShipperOne could be established"
    )


@pytest.mark.parametrize(
    "body",
    [
        "[{}, {}]",
        '{"items": [{}, {}], "total_count": 2}',
        '{"orders": [{}, {}]}',
        '{"fulfillment_orders": [{}, {}]}',
        '{"data": {"items": [{}, {}]}}',
        '{"result": {"orders": [{}, {}]}, "errors": []}',
        '{"0": {}, "2": {}}',
        "\ufeff[{}, {}]",
    ],
)
def test_a_list_is_found_bare_or_in_an_object(server: ScriptedServer, body: str) -> None:
    server.answer = lambda request: http(200, body)
    assert list(calling(server.base_url, lambda c: c.page(Stage.ALLOCATION, 1))) == [{}, {}]


def test_an_empty_search_result_of_magento_is_an_empty_list(server: ScriptedServer) -> None:
    server.answer = lambda request: http(200, '{"items": null, "total_count": 0}')
    assert list(calling(server.base_url, lambda c: c.page(Stage.ALLOCATION, 1))) == []


def test_text_that_no_database_stores_is_made_storable(server: ScriptedServer) -> None:
    server.answer = lambda request: http(200, r'[{"a": "x\ud800y\u0000z", "b": "\ud83d\ude00 4\u20ac"}]')
    assert list(calling(server.base_url, lambda c: c.page(Stage.ALLOCATION, 1))) == [{"a": "x?y�z", "b": "😀 4€"}]


@pytest.mark.case("H4")
def test_a_replaced_token_is_used_from_the_next_call_on(server: ScriptedServer) -> None:
    async def calls(client: ShipperOne) -> None:
        await client.warehouses()
        await client.allocate("A", [1])
        client.replace_token(Secret("the-new-one\n"))
        await client.warehouses()
        await client.allocate("A", [1])

    calling(server.base_url, calls)
    assert [request.headers["authorization"] for request in server.requests] == [
        f"Bearer {TOKEN}",
        f"Bearer {TOKEN}",
        "Bearer the-new-one",
        "Bearer the-new-one",
    ]


def test_the_token_is_nowhere(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f'{{"message": "token {TOKEN} is not known", "parameters": ["{TOKEN}"]}}'
    texts = []
    for status in (200, 400, 401, 403, 500):
        answer = posting(server, http(status, echo))
        texts += [repr(answer), str(answer.body)]
    texts += [failing_read(server, http(401, echo)).sentence]
    texts += [repr(client_of(server.base_url, TOKEN))]
    for bad in (f"{TOKEN} \n x", f"{TOKEN}é", f"{TOKEN}\r\nHost: x", ""):
        with pytest.raises(ValueError, match="the token of tenant acme") as failure:
            client_of(server.base_url, bad)
        texts.append(repr(failure.value))
    assert TOKEN not in "".join(texts)
    assert TOKEN not in caplog.text
    assert "pending_allocation" in caplog.text, "the log did see these calls"


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("acme.example", "must begin with https://"),
        ("ftp://acme.example", "must begin with https://"),
        ("https://", "name a host"),
        ("https://me:hidden@acme.example", "holds a user or a password"),
        ("https://acme.example/?key=hidden", "out of base_url"),
        ("https://acme..example", "not an address"),
        ("https://acme.example:hidden", "not an address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(base_url: str, expected: str) -> None:
    with pytest.raises(ValueError) as failure:
        client_of(base_url, TOKEN)
    assert expected in str(failure.value)
    assert "hidden" not in str(failure.value)


def test_no_session_cookie_is_kept(server: ScriptedServer) -> None:
    async def calls(client: ShipperOne) -> None:
        await client.page(Stage.ALLOCATION, 1)
        await client.page(Stage.ALLOCATION, 1)

    server.answer = lambda request: http(200, "[]", Set_Cookie="PHPSESSID=abc; path=/")
    calling(server.base_url, calls)
    assert [request.headers.get("cookie") for request in server.requests] == [None, None]


def test_one_connection_serves_one_call_after_another(server: ScriptedServer) -> None:
    async def calls(client: ShipperOne) -> None:
        for _ in range(5):
            await client.allocate("A", [1])

    calling(server.base_url, calls)
    assert server.connections == 1


def test_tenants_of_one_shipperone_share_its_connections_and_nothing_else(server: ScriptedServer) -> None:
    over = threading.Event()

    def silence() -> Reply:
        over.wait(60)
        return http(200, "[]")

    async def calls() -> None:
        origins = Origins()
        first, second = (client_of(server.base_url, token, origins=origins) for token in ("one", "two"))
        for client in (first, second, first):
            await client.page(Stage.ALLOCATION, 1)
        assert server.connections == 1
        # one tenant leaves in the middle of a call; the other is not affected
        server.answer = lambda request: http(200, "[]") if "two" in request.headers["authorization"] else silence()
        call = asyncio.create_task(first.page(Stage.ALLOCATION, 1))
        async with asyncio.timeout(60):
            while len(server.requests) < 4:
                await asyncio.sleep(0.01)
        await second.page(Stage.ALLOCATION, 1)
        await first.aclose()
        await asyncio.wait([call])
        over.set()
        assert isinstance(call.exception(), ReadFailed)
        for _ in range(3):
            await second.page(Stage.ALLOCATION, 1)
        await second.aclose()
        await origins.aclose()
        # another port is another server
        assert origins.connections(server.base_url) is origins.connections(f"{server.base_url}/other/path")
        assert origins.connections(server.base_url) is not origins.connections("http://127.0.0.1:1")

    asyncio.run(calls())
    tokens = [request.headers["authorization"] for request in server.requests]
    assert tokens == [f"Bearer {name}" for name in ("one", "two", "one", "one", "two", "two", "two", "two")]


@pytest.mark.case("H7")
def test_connections_of_a_burst_are_closed_later_on(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipperone_erp.shipperone.open_connections.IDLE_AT_MOST", 3.0)

    async def down_to(number: int) -> None:
        async with asyncio.timeout(60):
            while server.open_connections() > number:
                await asyncio.sleep(0.01)
        assert server.open_connections() == number

    async def calls(client: ShipperOne) -> None:
        await asyncio.gather(*(client.allocate(f"A{n}", [1]) for n in range(6)))
        assert server.open_connections() == 6
        await asyncio.sleep(2.5)
        await client.allocate("B", [1])
        await down_to(1)  # the one that was used again is the youngest, and has 2.5 seconds more
        await down_to(0)
        await client.allocate("C", [1])
        assert server.open_connections() == 1

    def together(request: Request) -> Reply:
        server.drip([b""], every=0.1)
        return http(200, "[]")

    server.answer = together
    calling(server.base_url, calls)


def test_a_proxy_that_the_environment_names_is_used(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALL_PROXY", "NO_PROXY", "HTTP_PROXY", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.base_url)
    calling("http://shop.invalid", lambda c: c.warehouses())
    assert server.requests[0].target == "http://shop.invalid/rest/default/V1/warehouses"
    monkeypatch.setenv("no_proxy", "shop.invalid")
    with pytest.raises(ReadFailed):
        calling("http://shop.invalid", lambda c: c.warehouses())
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("socks5://me:hidden@localhost:1", "does not speak HTTP"),
        ("http://me:hid/den@localhost:1", "cannot be read"),
        ("http://me:hid#den@localhost:1", "cannot be read"),
        ("me:hidden@localhost:port", "cannot be read"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str, why: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(UsageError, match=why) as failure:
        client_of("https://shop2.invalid", TOKEN)
    assert "hid" not in str(failure.value)
    assert "HTTPS_PROXY" in str(failure.value)


def test_a_connection_that_the_server_closed_while_the_loop_was_busy_is_not_used_for_a_post(
    server: ScriptedServer,
) -> None:
    async def calls(client: ShipperOne) -> list[PostAnswer]:
        first = await client.allocate("A", [1])
        server.close_connections()
        time.sleep(0.05)  # the loop hears of nothing meanwhile
        return [first, await client.allocate("B", [1])]

    answers = calling(server.base_url, calls)
    assert [answer.outcome for answer in answers] == [PostOutcome.ACCEPTED, PostOutcome.ACCEPTED]
    assert (server.connections, len(server.requests)) == (2, 2)


@pytest.mark.parametrize("where", ["http://me:hidden@{}", "http://{}"])
def test_a_proxy_that_makes_no_connection_means_not_sent(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A CONNECT that the proxy refuses, or leaves without an answer: the POST was never sent."""
    for name in ("ALL_PROXY", "NO_PROXY", "HTTPS_PROXY", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", where.format(server.base_url.removeprefix("http://")))

    def hang(request: Request) -> Reply:
        server.drip([b""], every=0.8)
        return None

    for answer in (lambda _: http(502, "no way"), hang):
        server.answer = answer
        posted: PostAnswer = calling("https://shop.invalid", lambda c: c.allocate("A", [1]), timeout=0.3)
        assert posted.outcome is PostOutcome.NOT_SENT, posted
        assert "hidden" not in posted.message
    assert {request.method for request in server.requests} == {"CONNECT"}


def test_a_long_header_is_read(server: ScriptedServer) -> None:
    answer = posting(server, http(200, '{"ok": true}', Content_Security_Policy="x" * 40_000))
    assert answer.outcome is PostOutcome.ACCEPTED
