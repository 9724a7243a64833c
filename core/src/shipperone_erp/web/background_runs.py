"""What takes longer than a request may: the doctor, a comparison with the ERP, a release. One run of each at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Key = tuple[str, ...]
KEPT = 50
"""Results that are kept; the oldest goes."""


@dataclass(slots=True)
class Run:
    """One run: by whom it was asked for and when; what came of it, or the error that ended it."""

    by: str
    at: datetime
    done_at: datetime | None = None
    result: Any = None
    error: Exception | None = None

    @property
    def under_way(self) -> bool:
        """It has not ended yet."""
        return self.done_at is None


@dataclass(slots=True)
class BackgroundRuns:
    """Runs by what they are about; a page looks at the newest one."""

    runs: dict[Key, Run] = field(default_factory=dict)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def start(self, key: Key, by: str, now: Callable[[], datetime], work: Callable[[], Awaitable[Any]]) -> Run:
        """Begin it, unless it is under way already: then that one is returned."""
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
        """End what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _run(run: Run, now: Callable[[], datetime], work: Callable[[], Awaitable[Any]]) -> None:
    try:
        run.result = await work()
    except Exception as error:  # shown on the page that asked for it
        run.error = error
    finally:
        run.done_at = now()
