"""A deadline of the client's own on PostgreSQL, for a server that falls silent while its connection stays open.

The server's statement_timeout ends nothing when the server is what hangs, and TCP's own limits see a peer that still
acknowledges. Other drivers have such a limit as an argument; psycopg waits as long as the connection is open.
"""

import time
from collections.abc import Callable, Generator
from typing import Any

Waiting = Generator[int, int, Any]
"""One answer on its way: yields what it wants of the socket, is sent what there is, each tenth of a second nothing."""


def bounded(connection: Any, seconds: float) -> None:
    """From now on a psycopg connection that waits so long for one answer is closed, and raises `OperationalError`."""
    from psycopg import OperationalError

    wait = connection.wait

    def given_up() -> OperationalError:
        connection.close()  # what it is in the middle of can be told by no one: it must not return to the pool
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
