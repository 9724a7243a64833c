"""An HTTP proxy on this machine, for tests: it can refuse connections, delay responses, or lose one response."""

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import simplejson

from shipperone_erp_odoo.protocols import READS

PASSED_ON = ("content-type", "authorization", "x-odoo-database", "user-agent")
PATIENCE = 120.0
"""The time limit in seconds of a call through the proxy, and of the longest delay."""


class Gate:
    """Listens at `url` until it is closed. Only its owner may call its methods."""

    def __init__(self, target: str) -> None:
        self._odoo = httpx.Client(
            base_url=target, timeout=PATIENCE, trust_env=False, limits=httpx.Limits(keepalive_expiry=3.0)
        )
        self._speaking = threading.Event()
        self._speaking.set()
        self._losing = threading.Lock()
        self._loses = False
        self._port = 0
        self._server: _Server | None = None
        self.open()

    @property
    def url(self) -> str:
        """Its address, constant during its lifetime."""
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Forward calls. Delayed calls are forwarded too, although their callers have given up."""
        self._speaking.set()
        if self._server is None:
            self._server = _Server(self, self._port)
            self._port = self._server.server_port

    def shut(self) -> None:
        """Stop listening, and break open connections."""
        if self._server is not None:
            self._server.end()
            self._server = None

    def silence(self) -> None:
        """Accept calls and delay them."""
        self._speaking.clear()

    def lose_answer(self) -> None:
        """Forward the next change to Odoo, and break its connection before the response."""
        self._loses = True

    def close(self) -> None:
        """Close it permanently."""
        self._speaking.set()
        self.shut()
        self._odoo.close()

    def passed(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response | None:
        """Odoo's response; None if it is to be lost."""
        self._speaking.wait(PATIENCE)
        with self._losing:
            lost = self._loses and changes(path, body)
            self._loses = self._loses and not lost
        response = self._odoo.request(method, path, headers=headers, content=body)
        return None if lost else response


def changes(path: str, body: bytes) -> bool:
    """Whether the call may change data in Odoo."""
    if path.startswith("/json/2/"):
        return path.rsplit("/", 1)[-1] not in READS
    if path != "/jsonrpc":
        return False
    asked: dict[str, Any] = simplejson.loads(body)["params"]
    return asked["service"] == "object" and asked["args"][4] not in READS


class _Server(ThreadingHTTPServer):
    """The listening server between one `open` and the next `shut`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, gate: Gate, port: int) -> None:
        self.gate = gate
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is intended here, and is not reported."""

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self._pass_on("POST")

    def do_GET(self) -> None:
        self._pass_on("GET")

    def _pass_on(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        answer = self.server.gate.passed(method, self.path, headers, body)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("content-type", "text/plain"))
        if "location" in answer.headers:
            self.send_header("Location", answer.headers["location"])
        if answer.status_code in (204, 304):  # these have neither a length nor a body
            self.end_headers()
            return
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: Any) -> None:
        """Suppressed, since tests capture the connector's output."""
