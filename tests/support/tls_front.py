"""TLS in front of a server that speaks plain HTTP, byte for byte, and a proxy that passes connections on by CONNECT.

Each serves from an event loop in a thread of its own.
"""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def tls_front(
    address: str,
    cert: Path,
    key: Path,
    *,
    farewell: bool = True,
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
) -> Iterator[str]:
    """The https address in front of `address`. With `farewell` a connection ends as TLS wants it, else without it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if newest < ssl.TLSVersion.TLSv1_2 and newest is not ssl.TLSVersion.MAXIMUM_SUPPORTED:
        context.minimum_version = newest
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.maximum_version = newest
    context.load_cert_chain(cert, key)
    host, port = address.removeprefix("http://").split(":")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_behind, to_behind = await asyncio.open_connection(host, int(port))
        asking = asyncio.create_task(_pump(reader, to_behind))
        await _pump(from_behind, writer)
        if not farewell:
            writer.transport.abort()
        asking.cancel()
        to_behind.close()

    with _listening(serve, context) as here:
        yield f"https://localhost:{here}"


class ConnectProxy:
    """`heads`: the head of every request to the proxy; `passed`: the bytes that went through it, as they were sent."""

    def __init__(self, refusal: bytes | None = None) -> None:
        self.heads: list[str] = []
        self.passed = bytearray()
        self._refusal = refusal

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its host and port."""
        with _listening(self._serve) as port:
            yield f"127.0.0.1:{port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        if self._refusal is not None:
            writer.write(self._refusal)
            return
        host, _, port = head.split()[1].rpartition(":")
        from_behind, to_behind = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        asking = asyncio.create_task(_pump(reader, to_behind, self.passed.extend))
        await _pump(from_behind, writer)
        asking.cancel()
        to_behind.close()


@contextmanager
def _listening(serve: Serve, context: ssl.SSLContext | None = None) -> Iterator[int]:
    ready, port = threading.Event(), 0
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await serve(reader, writer)
        finally:
            writer.close()

    async def listen() -> None:
        nonlocal port
        listener = await asyncio.start_server(one, "127.0.0.1", 0, ssl=context)
        port = listener.sockets[0].getsockname()[1]
        ready.set()
        await ended.wait()
        listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    # who does not trust the certificate hangs up: that is what is tested, and no line of a log
    loop.set_exception_handler(lambda loop, context: None)
    serving = threading.Thread(target=loop.run_until_complete, args=(listen(),))
    serving.start()
    ready.wait()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(ended.set)
        serving.join()
        loop.close()


async def _pump(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, seen: Callable[[bytes], object] = lambda _: None
) -> None:
    """Pass on until the source ends, then end the stream of the sink, where it has an end."""
    with contextlib.suppress(OSError):
        while piece := await source.read(65536):
            seen(piece)
            sink.write(piece)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
