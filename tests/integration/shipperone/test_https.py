"""TLS to ShipperOne: trusted authorities, the outcome of a broken connection, and proxies."""

import asyncio
import logging
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scripted import Reply, Request, ScriptedServer, http
from service_process import until
from shipperone_client import client_of
from shipperone_erp.domain.listing import ReadFailed, Trouble
from shipperone_erp.domain.post_answer import PostAnswer, PostOutcome
from shipperone_erp.domain.states import Stage
from shipperone_erp.shipperone.client import ShipperOne
from tls_front import ConnectProxy, tls_front
from tls_proxy import certificate

TOKEN = "tok-5ecret-value"
PROXIES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer(lambda request: http(200, "[]"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    return certificate(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The certificate and key of a server whose authority SSL_CERT_FILE names."""
    ca, cert, key = authority
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    return cert, key


def calling(base_url: str, call: Callable[[ShipperOne], Awaitable[Any]], **settings: Any) -> Any:
    async def run() -> Any:
        client = client_of(base_url, TOKEN, **settings)
        try:
            return await call(client)
        finally:
            await client.aclose()

    return asyncio.run(run())


async def posted(client: ShipperOne) -> PostAnswer:
    return await client.invoice("FO-1", [55501], Decimal("4.990"))


def test_an_authority_of_ones_own_is_trusted(server: ScriptedServer, trusted: tuple[Path, Path]) -> None:
    async def both(client: ShipperOne) -> PostAnswer:
        await client.page(Stage.INVOICE, 1)
        return await posted(client)

    with tls_front(server.base_url, *trusted) as url:
        assert calling(url, both).outcome is PostOutcome.ACCEPTED
    get, post = server.requests
    assert (get.method, post.method) == ("GET", "POST")
    assert server.connections == 1, "both went over one connection"
    assert get.headers["host"] == url.removeprefix("https://")


@pytest.mark.parametrize(
    ("name", "days", "trusted", "why"),
    [
        ("localhost", 2, False, "unable to get local issuer certificate"),
        ("localhost", -1, True, "certificate has expired"),
        ("shop.example", 2, True, "certificate is not valid for 'localhost'"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_refused_in_words(
    server: ScriptedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    days: int,
    trusted: bool,
    why: str,
) -> None:
    ca, cert, key = certificate(tmp_path, name, days=days)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    with tls_front(server.base_url, cert, key) as url:
        refused(server, url, why)


def test_a_certificate_that_has_signed_itself_is_refused_in_words(server: ScriptedServer, tmp_path: Path) -> None:
    ca, _, _ = certificate(tmp_path)
    with tls_front(server.base_url, ca, tmp_path / "ca.key") as url:
        refused(server, url, "self-signed certificate")


def refused(server: ScriptedServer, url: str, why: str) -> None:
    answer: PostAnswer = calling(url, posted)
    assert answer.outcome is PostOutcome.NOT_SENT
    assert why in answer.message
    assert "SSL_CERT_FILE" in answer.message, "what to do where it is right all the same"
    for noise in ("object at 0x", "[SSL", "_ssl.c"):
        assert noise not in answer.message
    with pytest.raises(ReadFailed) as failure:
        calling(url, lambda client: client.warehouses())
    assert failure.value.trouble is Trouble.UNAVAILABLE
    assert why in failure.value.sentence
    assert server.requests == [], "nothing is sent to a server that cannot show who it is"


def test_an_authority_of_ones_own_does_not_make_others_trusted(
    server: ScriptedServer, tmp_path: Path, trusted: tuple[Path, Path]
) -> None:
    _, cert, key = certificate(tmp_path)
    with tls_front(server.base_url, cert, key) as url:
        refused(server, url, "certificate")


@pytest.mark.parametrize("farewell", [True, False])
@pytest.mark.parametrize("busy", [True, False], ids=["the loop is busy meanwhile", "the loop waits meanwhile"])
def test_a_connection_that_was_closed_while_idle_is_used_neither_for_a_post_nor_for_a_read(
    server: ScriptedServer, trusted: tuple[Path, Path], farewell: bool, busy: bool
) -> None:
    """A server closes what was idle, between two cycles: no POST is lost by it, and none is sent twice."""

    async def idle() -> None:
        server.close_connections()
        if busy:
            time.sleep(0.2)  # the loop hears of nothing meanwhile
        else:
            await asyncio.sleep(0.2)

    async def calls(client: ShipperOne) -> list[PostOutcome]:
        outcomes = []
        for number in range(3):
            outcomes.append((await client.allocate(f"A{number}", [1])).outcome)
            await idle()
            assert await client.page(Stage.ALLOCATION, 1) == []
            await idle()
        return outcomes

    with tls_front(server.base_url, *trusted, farewell=farewell) as url:
        assert calling(url, calls) == [PostOutcome.ACCEPTED] * 3
    assert [request.method for request in server.requests] == ["POST", "GET"] * 3
    assert server.connections == 6


@pytest.mark.parametrize("farewell", [True, False])
@pytest.mark.parametrize("reply", [None, b"HTTP/1.1 200 OK\r\nContent-Le", http(200, '{"ok": true}')[:-3]])
def test_an_answer_that_is_lost_on_the_way_is_unknown(
    server: ScriptedServer, trusted: tuple[Path, Path], farewell: bool, reply: Reply
) -> None:
    server.answer = lambda request: reply

    async def again(client: ShipperOne) -> list[PostAnswer]:
        return [await posted(client), await posted(client)]

    with tls_front(server.base_url, *trusted, farewell=farewell) as url:
        for answer in calling(url, again):
            assert (answer.outcome, answer.status, answer.body) == (PostOutcome.UNKNOWN, None, None)
            assert "broke off before its answer was whole" in answer.message
    assert len(server.requests) == 2, "each was sent once"


def test_a_list_that_was_cut_off_is_no_list(server: ScriptedServer, trusted: tuple[Path, Path]) -> None:
    """Without a length, the end of the connection ends the answer: a cut one must not pass for a shorter queue."""
    server.answer = lambda request: b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[{"order_id": "1"},'
    with tls_front(server.base_url, *trusted, farewell=False) as url, pytest.raises(ReadFailed):
        calling(url, lambda client: client.page(Stage.ALLOCATION, 1))


def test_an_answer_that_does_not_come_in_time_is_unknown(server: ScriptedServer, trusted: tuple[Path, Path]) -> None:
    go_on = threading.Event()

    def late(request: Request) -> Reply:
        go_on.wait(20)
        return http(200, "[]")

    server.answer = late
    with tls_front(server.base_url, *trusted) as url:
        answer = calling(url, posted, timeout=0.5)
        go_on.set()
    assert (answer.outcome, answer.status) == (PostOutcome.UNKNOWN, None)
    assert "did not answer in time" in answer.message


def test_a_proxy_passes_the_connection_on_and_learns_nothing(
    server: ScriptedServer,
    trusted: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy = ConnectProxy()

    async def both(client: ShipperOne) -> PostAnswer:
        await client.page(Stage.INVOICE, 1)
        return await posted(client)

    with tls_front(server.base_url, *trusted) as url, proxy.serving() as place:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:hidden@{place}")
        assert calling(url, both).outcome is PostOutcome.ACCEPTED
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT {url.removeprefix('https://')} HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic bWU6aGlkZGVu" in head
    assert TOKEN not in head
    assert TOKEN.encode() not in proxy.passed, "it goes through encrypted"
    assert all("proxy-authorization" not in request.headers for request in server.requests)
    assert [request.method for request in server.requests] == ["GET", "POST"]
    for secret in ("hidden", "bWU6aGlkZGVu", TOKEN):
        assert secret not in caplog.text


def test_a_certificate_is_verified_behind_a_proxy_too(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cert, key = certificate(tmp_path)
    with tls_front(server.base_url, cert, key) as url, ConnectProxy().serving() as place:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{place}")
        refused(server, url, "unable to get local issuer certificate")


@pytest.mark.parametrize("refusal", [b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", b""])
def test_a_proxy_that_refuses_means_not_sent(
    server: ScriptedServer,
    trusted: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    refusal: bytes,
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy = ConnectProxy(refusal)
    with tls_front(server.base_url, *trusted) as url, proxy.serving() as place:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:hidden@{place}")
        answer: PostAnswer = calling(url, posted)
    assert answer.outcome is PostOutcome.NOT_SENT, answer.message
    for secret in ("hidden", "bWU6aGlkZGVu", TOKEN):
        assert secret not in answer.message
        assert secret not in caplog.text
    assert server.requests == []


def test_a_connection_through_a_proxy_that_was_closed_while_idle_is_not_used_for_a_post(
    server: ScriptedServer, trusted: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tls_front(server.base_url, *trusted) as url, ConnectProxy().serving() as place:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{place}")
        answers = calling(url, lambda client: twice(client, server))
    assert [answer.outcome for answer in answers] == [PostOutcome.ACCEPTED] * 2
    assert len(server.requests) == 2


async def twice(client: ShipperOne, server: ScriptedServer) -> list[PostAnswer]:
    """Two confirmations; in between the server closes what is idle, and the loop hears of nothing."""
    first = await posted(client)
    server.close_connections()
    time.sleep(0.2)
    return [first, await posted(client)]


def test_an_https_proxy_address_is_reached_by_tls(
    server: ScriptedServer, trusted: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = ConnectProxy()
    with (
        tls_front(server.base_url, *trusted) as url,
        proxy.serving() as place,
        tls_front(f"http://{place}", *trusted) as encrypted,
    ):
        monkeypatch.setenv("HTTPS_PROXY", encrypted)
        answers = calling(url, lambda client: twice(client, server))
    assert [answer.outcome for answer in answers] == [PostOutcome.ACCEPTED] * 2
    assert len(proxy.heads) == len(server.requests) == 2


def test_an_older_protocol_than_tls_1_2_is_not_spoken(
    server: ScriptedServer, trusted: tuple[Path, Path], tmp_path: Path
) -> None:
    with tls_front(server.base_url, *trusted, newest=ssl.TLSVersion.TLSv1_1) as url:
        assert calling(url, posted).outcome is PostOutcome.NOT_SENT
    assert server.requests == []


def test_connections_are_closed_when_the_client_is(server: ScriptedServer, trusted: tuple[Path, Path]) -> None:
    with tls_front(server.base_url, *trusted) as url:
        calling(url, posted)
        until(lambda: server.open_connections() == 0)


def test_a_handshake_that_is_ended_silently_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            for _ in range(2):  # localhost may have two addresses
                connection, _ = listener.accept()
                connection.recv(65536)
                connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        answer = calling(f"https://localhost:{listener.getsockname()[1]}", posted)
    assert answer.outcome is PostOutcome.NOT_SENT
    assert answer.message == (
        "no connection to ShipperOne could be established: it was interrupted while it was being established, as when https is used with an "
        "http-only server"
    )
