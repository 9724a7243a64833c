"""One thread that commits all queued writes: each batch in one transaction, in order."""

import copy
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.database_errors import LedgerUnavailable, WriteRefused
from shipperone_erp.ledger.unit_of_work import Entry

GATHER = 0.004
"""Seconds for which the first entry of a batch waits for further entries."""

MANY, GATHER_MANY = 48, 0.010
"""After a batch of that many entries the next one waits for so long: a commit takes as much CPU as a dozen entries."""

MOST = 2000
"""The number of entries from which a transaction takes no further ones."""


Ended = Callable[[Sequence[Entry]], None]
"""Called in the writer's thread with entries that were put together, once all of them have ended."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Entries that were put together: one call reports the end of all."""

    entries: Sequence[Entry]
    ended: Ended


class Writer:
    """`start` once, `put` from any thread, `close` once: all queued entries are committed first.

    Entries end in the order in which they were put. A refused batch is halved until only the entry at fault fails; a
    database that cannot be used fails the whole batch.
    """

    def __init__(self, commit: Callable[[Sequence[Entry]], None]) -> None:
        self._commit = commit
        self._queue: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self._unreported: deque[Submission] = deque()
        self._open = False
        self._turn = threading.Lock()
        # a daemon, so that a program that does not close its ledger still ends
        self._thread = threading.Thread(target=self._serve, name="ledger", daemon=True)

    def start(self) -> None:
        """Accept entries from now on."""
        self._open = True
        self._thread.start()

    def put(self, entries: Sequence[Entry], ended: Ended) -> None:
        """Queue entries, which may end differently. LedgerError once closed."""
        with self._turn:
            if not self._open:
                raise LedgerError("the ledger is not open for writing")
            self._queue.put(Submission(entries, ended))

    def close(self) -> None:
        """Commit all queued entries, and end."""
        with self._turn:
            was_open, self._open = self._open, False
            self._queue.put(None)
        if was_open:
            self._thread.join()

    def _serve(self) -> None:
        open_, batch = True, list[Entry]()
        while open_:
            first = self._queue.get()
            if first is None:
                return
            time.sleep(GATHER if len(batch) < MANY else GATHER_MANY)
            self._unreported.append(first)
            batch = [*first.entries]
            while len(batch) < MOST and not self._queue.empty():
                submission = self._queue.get()
                if submission is None:
                    open_ = False
                    break
                self._unreported.append(submission)
                batch += submission.entries
            self._settle(batch)

    def _settle(self, batch: Sequence[Entry]) -> None:
        try:
            self._commit(batch)
        except LedgerUnavailable as error:
            self._end(batch, error)
        except Exception as error:  # the thread must live: the error is raised in the waiter
            if len(batch) == 1:
                self._end(batch, error if isinstance(error, LedgerError) else _unforeseen(error))
                return
            middle = len(batch) // 2
            self._settle(batch[:middle])
            self._settle(batch[middle:])
        else:
            self._end(batch, None)

    def _end(self, batch: Sequence[Entry], error: Exception | None) -> None:
        for entry in batch:
            # several waiters that raise one exception would write into each other's traceback
            entry.settle(error if len(batch) == 1 else copy.copy(error))
        # entries end in order: the first ones of a halved batch are reported before the rest has ended
        while self._unreported and self._unreported[0].entries[-1].ended:
            submission = self._unreported.popleft()
            submission.ended(submission.entries)


def future_of_one() -> tuple[Future[None], Ended]:
    """A future, and what settles it once a submission of one entry has ended."""
    future: Future[None] = Future()
    # running at once: a cancelled waiter does not cancel a write under way
    future.set_running_or_notify_cancel()

    def ended(entries: Sequence[Entry]) -> None:
        (entry,) = entries
        if entry.error is None:
            future.set_result(None)
        else:
            future.set_exception(entry.error)

    return future, ended


def _unforeseen(error: Exception) -> WriteRefused:
    refused = WriteRefused(f"a write could not be recorded: {type(error).__name__}")
    refused.__cause__ = error
    return refused
