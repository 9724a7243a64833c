"""Calls that are made while another one is under way are answered together, by one call for all of them.

Thousands of tenants start at once, and each asks the ledger the same questions: one transaction answers hundreds. The
numbers of many invoices, and the tokens of many rate limits, are asked for at once as well.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar

from shipperone_erp.kernel.offload import aside

KeyT = TypeVar("KeyT")
AnswerT = TypeVar("AnswerT")

InThread = Callable[[Callable[[], Mapping[KeyT, AnswerT]]], Awaitable[Mapping[KeyT, AnswerT]]]
"""Runs a function in a thread: in one of its own (`aside`), or in one of the loop's few (`asyncio.to_thread`)."""


class GroupedCalls(Generic[KeyT, AnswerT]):
    """`answer` is called in a thread, with the keys of all callers that wait; it begins after each of them has called.

    For one event loop. An answer is given once: of several callers of one key at the same time, the first gets it.
    `in_thread`: a thread of its own suits an object that a process has once. One that each stage has uses the loop's
    threads: hundreds of them at once would exhaust the ledger's connections.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[KeyT]], Mapping[KeyT, AnswerT]],
        in_thread: InThread[KeyT, AnswerT] = aside,
    ) -> None:
        self._answer = answer
        self._in_thread = in_thread
        self._waiting: list[tuple[KeyT, asyncio.Future[AnswerT | None]]] = []
        self._under_way: asyncio.Task[None] | None = None

    async def call(self, key: KeyT) -> AnswerT | None:
        """The answer for this key; None if there is none. Raises what `answer` raises, for all that wait."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[AnswerT | None] = loop.create_future()
        self._waiting.append((key, future))
        if self._under_way is None:
            self._under_way = loop.create_task(self._serve())
        return await future

    async def _serve(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                try:
                    answers = dict(await self._in_thread(partial(self._answer, tuple(key for key, _ in asked))))
                except Exception as error:
                    for _, future in asked:
                        if not future.done():  # a caller may have been cancelled
                            # raised by several callers, one exception would gather the traceback of all
                            future.set_exception(copy.copy(error))
                else:
                    for key, future in asked:
                        if not future.done():
                            future.set_result(answers.pop(key, None))
        finally:
            self._under_way = None
