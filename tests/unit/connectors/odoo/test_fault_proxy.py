"""The gate before Odoo that the kit shuts, silences, and lets lose an answer, before an Odoo that only counts."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import httpx
import pytest

from shipperone_erp_odoo.fault_proxy import Gate


class Counting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.bodies.append(body)
        answer = json.dumps({"path": self.path, "auth": self.headers.get("authorization"), "number": len(self.bodies)})
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def gate() -> Iterator[Gate]:
    Counting.bodies = []
    odoo = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=odoo.serve_forever, args=(0.02,), daemon=True).start()
    gate = Gate(f"http://127.0.0.1:{odoo.server_port}")
    yield gate
    gate.close()
    odoo.shutdown()
    odoo.server_close()


def ask(client: httpx.Client, gate: Gate, path: str = "/json/2/stock.picking/search_read") -> dict[str, object]:
    return client.post(f"{gate.url}{path}", json={}, headers={"authorization": "bearer key"}).json()


def rpc(model_method: str) -> dict[str, object]:
    model, method = model_method.split(".")
    return {"params": {"service": "object", "method": "execute_kw", "args": ["db", 2, "secret", model, method, [], {}]}}


def test_closing_the_proxy_breaks_open_connections_and_refuses_new_ones(gate):
    with httpx.Client() as client:
        assert ask(client, gate) == {"path": "/json/2/stock.picking/search_read", "auth": "bearer key", "number": 1}
        url = gate.url
        gate.shut()
        with pytest.raises(httpx.ConnectError):
            ask(client, gate)
        gate.open()
        assert gate.url == url, "the settings of a connector name it"
        assert ask(client, gate)["number"] == 2


def test_a_silent_one_keeps_calls_and_hands_them_on_too_late(gate):
    gate.silence()
    with httpx.Client(timeout=0.3) as client, pytest.raises(httpx.ReadTimeout):
        ask(client, gate)
    assert Counting.bodies == []
    gate.open()
    ends = time.monotonic() + 5
    while not Counting.bodies and time.monotonic() < ends:
        time.sleep(0.01)
    assert len(Counting.bodies) == 1


@pytest.mark.parametrize("json2", [True, False])
def test_the_answer_to_the_next_change_is_lost_and_no_other(gate, json2):
    def say(client: httpx.Client, what: str) -> object:
        path = f"/json/2/{what.replace('.', '/')}" if json2 else "/jsonrpc"
        return client.post(f"{gate.url}{path}", json=rpc(what)).json()["number"]

    gate.lose_answer()
    with httpx.Client() as client:
        assert say(client, "picking.search_read") == 1
        with pytest.raises(httpx.RemoteProtocolError):
            say(client, "picking.action_confirm")
        assert len(Counting.bodies) == 2, "it was done"
        assert say(client, "picking.action_confirm") == 3
