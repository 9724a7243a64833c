"""Threads for hooks: a fixed number of slots for each tenant, and a deadline for each call.

Not `concurrent.futures`: the interpreter joins its threads at exit, so that a hanging hook would keep the process alive
for ever. A hook past its deadline keeps its slot until it returns.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from shipperone_erp.domain.hook_answers import Transient, Unknown
from shipperone_erp.engine.fair_semaphore import FairSemaphore
from shipperone_erp.kernel.loop_inbox import LoopInbox
from shipperone_erp.kernel.offload import for_a_thread

ResultT = TypeVar("ResultT")

IDLE_AT_MOST = 10.0
"""Seconds after which an idle thread ends: most tenants are idle most of the time."""


class _Overdue(Exception):
    """The deadline of a call came before its answer."""


def _expire(result: "asyncio.Future[Any]") -> None:
    if not result.done():
        result.set_exception(_Overdue())


@dataclass(slots=True)
class _Call:
    """Whether a call has returned, and whether its deadline came first."""

    ended: bool = False
    overdue: bool = False


class HookThreads:
    """Up to `slots` daemon threads, started when needed, ended when idle. Belongs to one event loop."""

    def __init__(self, name: str, slots: int) -> None:
        self.name = name
        self.slots = slots
        self._free = FairSemaphore(slots)
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._overdue = 0
        self._turn = threading.Lock()
        self._threads = 0
        self._busy = 0

    async def run(
        self,
        function: Callable[..., ResultT],
        *arguments: Any,
        deadline: float,
        line: str = "",
        returned: Callable[[], None] = lambda: None,
    ) -> ResultT:
        """The function's result or exception; `Unknown` if it takes longer than `deadline` seconds.

        `Transient`, and the function is not called, while every slot is occupied by a call past its deadline. Calls of
        different `line`s take the slots in turn: a flood in one does not starve another. `returned` is called in the
        event loop once the function has really returned, however late.
        """
        try:
            if self._overdue == self.slots:
                raise self._all_hang()
            await self._free.acquire(line)
        except BaseException:
            returned()
            raise
        state = _Call()

        def back() -> None:
            state.ended = True
            self._overdue -= state.overdue
            self._free.release()
            returned()

        def counted() -> ResultT:
            try:
                return function(*arguments)
            finally:
                with self._turn:
                    self._busy -= 1  # before the result is delivered: the next call then finds this thread free

        result, call = for_a_thread(counted, LoopInbox.of_running_loop(), returned=back)
        with self._turn:
            self._calls.put(call)
            self._busy += 1
            if self._threads < min(self._busy, self.slots):
                self._threads += 1
                threading.Thread(target=self._serve, name=f"hooks of {self.name}", daemon=True).start()
        # no time-out of the task and no `asyncio.wait`, which take a fifth more CPU of each call
        timer = asyncio.get_running_loop().call_later(deadline, _expire, result)
        try:
            return await result
        except TimeoutError as failure:  # without its text, which may hold anything
            why = f"the connector gave up waiting for the ERP ({type(failure).__name__})"
            raise Unknown(f"{why}; the same call is repeated with the same key") from failure
        except _Overdue:
            if not state.ended:
                state.overdue = True
                self._overdue += 1
            if self._overdue == self.slots:
                self._free.refuse(self._all_hang())
            raise Unknown(f"no answer within {deadline:g} s; the same call is repeated with the same key") from None
        finally:
            timer.cancel()

    def _all_hang(self) -> Transient:
        return Transient(f"all {self.slots} concurrent calls are past their deadline; one of them must return first")

    def close(self) -> None:
        """End the threads once they are idle; a hanging one ends with the process."""
        with self._turn:
            for _ in range(self._threads):
                self._calls.put(None)

    def _serve(self) -> None:
        while True:
            try:
                call = self._calls.get(timeout=IDLE_AT_MOST)
            except queue.Empty:
                with self._turn:
                    if not self._calls.empty():
                        continue
                    self._threads -= 1
                    return
            if call is None:
                return
            call()
