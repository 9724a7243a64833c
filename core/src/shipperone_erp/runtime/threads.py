"""Threads for hooks: a fixed number of slots a tenant, each call with a deadline.

Not `concurrent.futures`: its threads are joined when the interpreter ends, so that a hook which hangs would keep the
process alive for ever. A hook past its deadline keeps its slot until it returns.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from shipperone_erp.model.answers import Transient, Unknown
from shipperone_erp.runtime.slots import FairSlots

ResultT = TypeVar("ResultT")


class HookThreads:
    """`slots` daemon threads, started when first needed. Belongs to one event loop; `close` lets idle threads end."""

    def __init__(self, name: str, slots: int) -> None:
        self.name = name
        self.slots = slots
        self._free = FairSlots(slots)
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._started = 0
        self._overdue = 0

    async def run(
        self,
        function: Callable[..., ResultT],
        *arguments: Any,
        deadline: float,
        line: str = "",
        returned: Callable[[], None] = lambda: None,
    ) -> ResultT:
        """The function's result, or what it raises; `Unknown` if it takes longer than `deadline` seconds.

        `Transient`, and the function is not called, while every slot is kept by a call past its deadline.
        Calls of different `line`s take the slots in turn: a flood in one does not starve another. `returned` is called
        in the event loop once the function has really returned, however late.
        """
        try:
            if self._overdue == self.slots:
                raise self._all_hang()
            await self._free.acquire(line)
        except BaseException:
            returned()
            raise
        loop = asyncio.get_running_loop()
        result: asyncio.Future[ResultT] = loop.create_future()
        ended, overdue = asyncio.Event(), asyncio.Event()

        def finish(value: ResultT | None, error: BaseException | None) -> None:
            ended.set()
            self._overdue -= overdue.is_set()
            self._free.release()
            returned()
            if result.done():
                return
            if error is not None:
                result.set_exception(error)
            else:
                result.set_result(value)  # type: ignore[arg-type]

        def call() -> None:
            value, error = None, None
            try:
                value = function(*arguments)
            except BaseException as raised:  # a thread must never end by what a hook raises, SystemExit included
                error = raised if isinstance(raised, Exception) else RuntimeError(f"{type(raised).__name__} in a hook")
            if not loop.is_closed():
                loop.call_soon_threadsafe(finish, value, error)

        self._calls.put(call)
        if self._started < self.slots:
            self._started += 1
            threading.Thread(target=self._serve, name=f"hooks of {self.name}", daemon=True).start()
        try:
            async with asyncio.timeout(deadline):
                return await result
        except TimeoutError:
            if not ended.is_set():
                overdue.set()
                self._overdue += 1
            if self._overdue == self.slots:
                self._free.refuse(self._all_hang())
            raise Unknown(f"no answer within {deadline:g} s; the same call is made again with the same key") from None

    def _all_hang(self) -> Transient:
        return Transient(
            f"all {self.slots} calls that are made at once hang past their deadline; one must return first"
        )

    def close(self) -> None:
        """Let the threads end once they are idle; a hanging one ends with the process."""
        for _ in range(self._started):
            self._calls.put(None)

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
