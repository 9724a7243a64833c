"""A server that answers exactly the given bytes, over real sockets: for what no well-behaved server would do."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Reply = bytes | None
"""What goes out before the connection is closed or used again; None: it is closed without a word."""


def http(status: int, body: str | bytes = b"", *, kind: str = "application/json", **headers: str) -> bytes:
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class ScriptedServer:
    """`answer` is asked for each request; a reply whose Content-Length is not met ends the connection."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._here = threading.local()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for connection in list(self._open):
            connection.close()

    def drip(self, parts: Sequence[bytes], *, every: float) -> None:
        """Sends these bytes, one part after another; to be called from `answer`."""
        for part in parts:
            self._here.connection.sendall(part)
            time.sleep(every)

    def close_connections(self) -> None:
        """End every connection that is idle, as a server does after some seconds."""
        for connection in list(self._open):
            connection.shutdown(socket.SHUT_RDWR)

    def open_connections(self) -> int:
        return len(self._open)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._here.connection = connection
        with connection, connection.makefile("rb") as stream:
            try:
                while request := self._read(stream):
                    self.requests.append(request)
                    reply = self.answer(request)
                    if reply is None:
                        return
                    connection.sendall(reply)
                    if _cut(reply):
                        return
            except OSError:
                return
            finally:
                self._open.discard(connection)

    def _read(self, stream: BinaryIO) -> Request | None:
        first = stream.readline().decode("latin-1").split()
        if len(first) < 2:
            return None
        headers = {}
        while line := stream.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return Request(first[0], first[1], headers, stream.read(int(headers.get("content-length", 0))))


def _cut(reply: bytes) -> bool:
    head, _, body = reply.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return not lengths or int(lengths[0].split(b":")[1]) != len(body)
