"""A cache of the ERP's documents: many jobs that search for theirs within a minute cause one query of the ERP."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from shipperone_erp.domain.hook_answers import Document
from shipperone_erp.kernel.time_source import TimeSource

FRESH = 30.0
"""Seconds for which a list is valid."""

Ask = Callable[[datetime], Awaitable[list[Document]]]


class ListedDocuments:
    """The cache of a stage; one query at a time."""

    def __init__(self, ask: Ask, time: TimeSource) -> None:
        self._ask = ask
        self._time = time
        self._turn = asyncio.Lock()
        self._since: datetime | None = None
        self._until = 0.0
        self._documents: list[Document] = []

    async def since(self, since: datetime) -> list[Document]:
        """All documents since that time, or more. Raises the connector's exceptions."""
        async with self._turn:
            if self._since is None or since < self._since or self._time.monotonic() > self._until:
                self._documents = await self._ask(since)
                self._since, self._until = since, self._time.monotonic() + FRESH
            return self._documents
