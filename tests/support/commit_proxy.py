"""A TCP proxy before a database server that loses the answer to a COMMIT, or the COMMIT itself, or falls silent."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

COMMIT = re.compile(rb"COMMIT(?!TED)", re.IGNORECASE)


class CommitProxy:
    """Listens at `port`. `lose`: "answer" (the server has committed), "commit" (it never heard of it), "silence" (it has
    committed, and the connection stays open, and says nothing ever again), or a function that is called when the COMMIT
    has been handed on; None: it only passes on. `at`: another statement than COMMIT."""

    def __init__(self, target: str | tuple[str, int], at: re.Pattern[bytes] = COMMIT) -> None:
        self._target = target
        self._at = at
        self.lose: str | Callable[[], None] | None = None
        self.lost = 0
        self._down = False
        self._pairs: list[_Pair] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def cut(self) -> None:
        """What is open breaks off, and nothing new is let through until `mend`."""
        self._down = True
        for pair in self._pairs:
            for end in (pair.client, pair.server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def mend(self) -> None:
        """New connections are let through again."""
        self._down = False

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._down:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET)
                with contextlib.suppress(OSError):
                    server.connect(self._target)
                pair = _Pair(client, server)
                self._pairs.append(pair)
                for forth in (True, False):
                    threading.Thread(target=self._pump, args=(pair, forth), daemon=True).start()

    def _pump(self, pair: "_Pair", forth: bool) -> None:
        source, sink = (pair.client, pair.server) if forth else (pair.server, pair.client)
        with contextlib.suppress(OSError):
            while (chunk := source.recv(65536)) and not (pair.mute and not forth):
                if pair.silent:
                    continue
                if forth and self.lose is not None and self._at.search(chunk):
                    lose, self.lose = self.lose, None
                    self.lost += 1
                    if lose == "silence":
                        pair.silent = True
                        sink.sendall(chunk)
                        continue
                    self._lose(lose, chunk, pair)
                    break
                sink.sendall(chunk)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _lose(self, lose: Any, chunk: bytes, pair: "_Pair") -> None:
        if lose == "commit":
            return
        pair.mute = True
        pair.server.sendall(chunk)
        if callable(lose):
            lose()
        else:
            time.sleep(0.2)  # the server has done it by then


@dataclass
class _Pair:
    client: socket.socket
    server: socket.socket
    mute: bool = False
    """Nothing that the server still sends reaches the client."""
    silent: bool = False
    """Nothing passes in either direction, and no side is notified."""
