"""Serialises a step on one database, among the threads of this process and among processes.

Within this process a lock serialises, so that waiting threads hold no connection. Among processes SQLite serialises by
the write lock that each step holds from its start, PostgreSQL by an advisory lock of the transaction, MariaDB and MySQL
by a named lock of the connection. SQL Server and Oracle have no such lock here: each process serialises only its own
steps.
"""

import hashlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shipperone_erp import Transient

_one_at_a_time: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
"""A lock for each step of each database: two tenants may share a database."""

_NAME = "CONCAT('shipperone-erp ', MD5(CONCAT(DATABASE(), ' ', %s)))"
"""The name of a named lock: one for each database, since names are the server's; at most 64 characters."""


@contextmanager
def in_this_process(database: str, step: str, patience: float) -> Iterator[None]:
    """Inside it no other thread of this process runs that step on that database. `Transient` after `patience`."""
    lock = _one_at_a_time[database, step]
    if not lock.acquire(timeout=patience):
        raise waited(step)
    try:
        yield
    finally:
        lock.release()


def take(cursor: Any, dialect: str, step: str, patience: float) -> bool:
    """Acquire the step's lock in the database. Returns whether it was acquired within `patience` seconds.

    PostgreSQL raises after its own lock_timeout instead.
    """
    if dialect == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"shipperone-erp {step}".encode()).digest()[:8], "big", signed=True)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (number,))
    elif dialect in ("mariadb", "mysql"):
        cursor.execute(f"SELECT GET_LOCK({_NAME}, %s)", (step, patience))
        return bool(cursor.fetchone()[0] == 1)
    return True


def release(cursor: Any, dialect: str, step: str) -> None:
    """Release the lock after the COMMIT, if it does not end with the transaction."""
    if dialect in ("mariadb", "mysql"):
        cursor.execute(f"DO RELEASE_LOCK({_NAME})", (step,))


def waited(step: str) -> Transient:
    """The answer for a step that did not acquire its lock in time."""
    return Transient(f"{step} runs one at a time, and the previous one has not ended")
