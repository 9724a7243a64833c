"""One thread that commits all queued writes: each batch in one transaction, in order."""

import copy
import queue
import threading
import time
from collections.abc import Callable, Sequence

from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.database_errors import LedgerUnavailable, WriteRefused
from shipperone_erp.ledger.unit_of_work import Entry

GATHER = 0.004
"""Seconds for which the first entry of a batch waits for further entries."""

MOST = 2000
"""The most entries in one transaction."""


class Writer:
    """`start` once, `put` from any thread, `close` once: all queued entries are committed first.

    Entries end in the order in which they were put. A refused batch is halved until only the entry at fault fails; a
    database that cannot be used fails the whole batch.
    """

    def __init__(self, commit: Callable[[Sequence[Entry]], None]) -> None:
        self._commit = commit
        self._entries: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._open = False
        self._turn = threading.Lock()
        # a daemon, so that a program that does not close its ledger still ends
        self._thread = threading.Thread(target=self._serve, name="ledger", daemon=True)

    def start(self) -> None:
        """Accept entries from now on."""
        self._open = True
        self._thread.start()

    def put(self, entry: Entry) -> None:
        """Queue an entry; its future ends in the writer's thread. LedgerError once closed."""
        # running at once: a cancelled waiter does not cancel a write under way
        entry.future.set_running_or_notify_cancel()
        with self._turn:
            if not self._open:
                raise LedgerError("the ledger is not open for writing")
            self._entries.put(entry)

    def close(self) -> None:
        """Commit all queued entries, and end."""
        with self._turn:
            was_open, self._open = self._open, False
            self._entries.put(None)
        if was_open:
            self._thread.join()

    def _serve(self) -> None:
        open_ = True
        while open_:
            entry = self._entries.get()
            if entry is None:
                return
            time.sleep(GATHER)
            batch = [entry]
            while len(batch) < MOST and not self._entries.empty():
                entry = self._entries.get()
                if entry is None:
                    open_ = False
                    break
                batch.append(entry)
            self._settle(batch)

    def _settle(self, batch: Sequence[Entry]) -> None:
        try:
            self._commit(batch)
        except LedgerUnavailable as error:
            _end(batch, error)
        except Exception as error:  # the thread must live: the error is raised in the waiter
            if len(batch) == 1:
                _end(batch, error if isinstance(error, LedgerError) else _unforeseen(error))
                return
            middle = len(batch) // 2
            self._settle(batch[:middle])
            self._settle(batch[middle:])
        else:
            _end(batch, None)


def _end(batch: Sequence[Entry], error: Exception | None) -> None:
    for entry in batch:
        # several waiters that raise one exception would write into each other's traceback
        entry.settle(error if len(batch) == 1 else copy.copy(error))


def _unforeseen(error: Exception) -> WriteRefused:
    refused = WriteRefused(f"a write could not be recorded: {type(error).__name__}")
    refused.__cause__ = error
    return refused
