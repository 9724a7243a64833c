"""Long work of one answer, in a thread beside the event loop that serves every tenant."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

ResultT = TypeVar("ResultT")

WORTH_A_THREAD = 64 * 1024
"""Bytes of an answer that take a few milliseconds to parse."""


async def aside(function: Callable[[], ResultT]) -> ResultT:
    """The function's result, or what it raises. Its thread ends with it, and never keeps the process alive.

    Not in the loop's own few threads: an answer made to be slow must not keep those from the ledger.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[ResultT] = loop.create_future()

    def finish(value: ResultT | None, error: BaseException | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)  # type: ignore[arg-type]

    def work() -> None:
        value, error = None, None
        try:
            value = function()
        except Exception as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(finish, value, error)

    try:
        threading.Thread(target=work, name="parsing", daemon=True).start()
    except RuntimeError:  # no thread can be started: late is better than not at all
        return function()
    return await result
