"""Background runs of slow work: the doctor, a comparison with the ERP, a release. One run of each at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Key = tuple[str, ...]
KEPT = 50
"""The number of results that are kept; the oldest is dropped."""


@dataclass(slots=True)
class Run:
    """One run: the user who requested it, the time, and its result or error."""

    by: str
    at: datetime
    done_at: datetime | None = None
    result: Any = None
    error: Exception | None = None

    @property
    def under_way(self) -> bool:
        """Whether it is still running."""
        return self.done_at is None


@dataclass(slots=True)
class BackgroundRuns:
    """Runs by their subject; a page shows the newest one."""

    runs: dict[Key, Run] = field(default_factory=dict)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def start(self, key: Key, by: str, now: Callable[[], datetime], work: Callable[[], Awaitable[Any]]) -> Run:
        """Start it; if a run of the same key is in progress, that one is returned instead."""
        known = self.runs.get(key)
        if known is not None and known.under_way:
            return known
        run = Run(by, now())
        self.runs.pop(key, None)
        self.runs[key] = run
        for old in [key for key, run in self.runs.items() if not run.under_way][: max(0, len(self.runs) - KEPT)]:
            del self.runs[old]
        task = asyncio.get_running_loop().create_task(_run(run, now, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    async def close(self) -> None:
        """Cancel the runs in progress."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _run(run: Run, now: Callable[[], datetime], work: Callable[[], Awaitable[Any]]) -> None:
    try:
        run.result = await work()
    except Exception as error:  # shown on the page that requested it
        run.error = error
    finally:
        run.done_at = now()
