"""The ERP's documents as last listed: many jobs that look for theirs within a minute ask the ERP once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from shipperone_erp.domain.hook_answers import Document
from shipperone_erp.kernel.time_source import TimeSource

FRESH = 30.0
"""Seconds for which a list is good."""

Ask = Callable[[datetime], Awaitable[list[Document]]]


class ListedDocuments:
    """One for a stage; asks one at a time."""

    def __init__(self, ask: Ask, time: TimeSource) -> None:
        self._ask = ask
        self._time = time
        self._turn = asyncio.Lock()
        self._since: datetime | None = None
        self._until = 0.0
        self._documents: list[Document] = []

    async def since(self, since: datetime) -> list[Document]:
        """At least those from then on. Raises what the connector raises."""
        async with self._turn:
            if self._since is None or since < self._since or self._time.monotonic() > self._until:
                self._documents = await self._ask(since)
                self._since, self._until = since, self._time.monotonic() + FRESH
            return self._documents
