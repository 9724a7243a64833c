"""A client-side deadline on PostgreSQL, for a server that stops responding while its connection stays open.

The server's statement_timeout has no effect if the server itself hangs, and TCP's own limits do not detect a peer that
still acknowledges. Other drivers take such a limit as an argument; psycopg waits as long as the connection is open.
"""

import time
from collections.abc import Callable, Generator
from typing import Any

Waiting = Generator[int, int, Any]
"""A pending response: yields the socket events it needs; is sent those that occurred, or 0 every 0.1 seconds."""


def bounded(connection: Any, seconds: float) -> None:
    """From now on a psycopg connection that waits that long for a response is closed; raises `OperationalError`."""
    from psycopg import OperationalError

    wait = connection.wait

    def given_up() -> OperationalError:
        connection.close()  # the outcome of its statement is unknown: it must not return to the pool
        return OperationalError(f"the server has been silent for {seconds:g} seconds; the connection was closed")

    connection.wait = lambda waiting, *rest, **named: wait(_until(waiting, seconds, given_up), *rest, **named)


def _until(waiting: Waiting, seconds: float, given_up: Callable[[], Exception]) -> Waiting:
    ends = time.monotonic() + seconds
    try:
        wanted = next(waiting)
        while True:
            there = yield wanted
            if not there and time.monotonic() > ends:
                raise given_up()
            wanted = waiting.send(there)
    except StopIteration as done:
        return done.value
