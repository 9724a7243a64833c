"""Calls from other threads into an event loop: one wake-up serves all that have gathered."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import ClassVar
from weakref import WeakKeyDictionary, ref


class LoopInbox:
    """`put` from any thread. Waking a loop costs a system call, for which the calling thread gives up the interpreter.

    Calls run in the loop in the order in which they were put. Those put after the loop was closed are dropped.
    """

    # an inbox does not keep its loop, or none would ever be forgotten here
    _of_loop: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, "LoopInbox"]] = WeakKeyDictionary()

    @classmethod
    def of_running_loop(cls) -> "LoopInbox":
        """The one inbox that all callers of the running loop share."""
        loop = asyncio.get_running_loop()
        return cls._of_loop.get(loop) or cls._of_loop.setdefault(loop, cls(loop))

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = ref(loop)
        self._calls: deque[Callable[[], None]] = deque()
        self._woken = False

    def put(self, call: Callable[[], None]) -> None:
        """Run the call in the loop, soon."""
        self._calls.append(call)
        if not self._woken:
            self._woken = True
            if loop := self._loop():
                with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                    loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        # first: what is put from here on either is found below, or wakes the loop again
        self._woken = False
        while self._calls:
            call = self._calls.popleft()
            try:
                call()
            except Exception as error:
                context = {"message": "a call from another thread failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)
