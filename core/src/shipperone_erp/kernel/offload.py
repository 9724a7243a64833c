"""Runs blocking or long work in a thread beside the event loop that serves every tenant."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from shipperone_erp.kernel.loop_inbox import LoopInbox

ResultT = TypeVar("ResultT")

WORTH_A_THREAD = 64 * 1024
"""Bytes of an answer that takes a few milliseconds to parse."""


async def aside(function: Callable[[], ResultT]) -> ResultT:
    """The function's result or exception. Its thread ends with it, and never keeps the process alive.

    Not in the loop's own few threads: a deliberately slow answer must not block those for the ledger.
    """
    result, call = for_a_thread(function, LoopInbox.of_running_loop())
    try:
        threading.Thread(target=call, name="aside", daemon=True).start()
    except RuntimeError:  # no thread can be started: blocking the loop is better than failing
        return function()
    return await result


def for_a_thread(
    function: Callable[[], ResultT], inbox: LoopInbox, *, returned: Callable[[], None] = lambda: None
) -> tuple[asyncio.Future[ResultT], Callable[[], None]]:
    """A future of the running loop, and the call by which another thread runs the function and settles that future.

    `inbox`: of the running loop. `returned` is called in the loop once the function has returned, even if the future
    was cancelled. The call itself never raises, whatever the function does; if the loop was closed meanwhile, the
    result is dropped.
    """
    result: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()

    def finish(value: ResultT | None, error: BaseException | None) -> None:
        returned()
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)  # type: ignore[arg-type]

    def call() -> None:
        value: ResultT | None = None
        error: BaseException | None = None
        try:
            value = function()
        except BaseException as raised:
            # a future can raise neither SystemExit, which would end the thread, nor StopIteration
            fit = isinstance(raised, Exception) and not isinstance(raised, StopIteration)
            error = raised if fit else RuntimeError(f"{type(raised).__name__} was raised in a thread")
        inbox.put(partial(finish, value, error))

    return result, call
