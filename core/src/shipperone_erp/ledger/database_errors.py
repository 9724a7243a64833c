"""The errors of the ledger itself, and the conversion of a database's exception into a sentence.

LedgerError
 ├─ LedgerUnavailable     the database cannot be reached, is locked or full: the request itself is valid
 │   ├─ LedgerReplaced    its file was deleted or replaced while this process used it: the process stops
 │   └─ LedgerUnreadable  its file is damaged, or is no database; also LedgerDamaged
 └─ WriteRefused          this write cannot be recorded; no part of it was
     └─ OpenJobExists     the order already has an open job in that stage
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError, StatementError, TimeoutError

from shipperone_erp.domain.job import Job
from shipperone_erp.kernel.errors import LedgerDamaged, LedgerError
from shipperone_erp.kernel.redaction import MASK, Redaction
from shipperone_erp.ledger.schema import ONE_OPEN

COLLISIONS = ("40P01", "40001")
"""SQLSTATE of a deadlock or a serialization failure: certainly rolled back, and a retry may succeed."""


class LedgerUnavailable(LedgerError):
    """The ledger's database cannot be used now. The writes under way may or may not have been committed."""


class LedgerReplaced(LedgerUnavailable):
    """The file at the ledger's address is not the one that this process has opened. Nothing more is written to it."""

    @classmethod
    def at(cls, place: str, what: str) -> Self:
        """`what` happened to the file at that place."""
        return cls(
            f"the ledger ({place}) {what} while it was in use. This process stops, since its work could not be "
            "recorded. Restore the ledger; if it is an earlier copy, run `shipperone-erp ledger restored` before "
            "anything else runs"
        )


class LedgerUnreadable(LedgerUnavailable, LedgerDamaged):
    """SQLite itself reports that the file is damaged, or that it is no database."""


class WriteRefused(LedgerError):
    """The database refused this write; no part of it was recorded."""


class OpenJobExists(WriteRefused):
    """At most one job of an order and stage is open: another one was recorded first, here or in another process."""

    def __init__(self, job: Job) -> None:
        super().__init__(
            f"{job.tenant}, {job.stage}: order {job.order_id} already has an open job; no second one was recorded"
        )
        self.job = job


class TwoOpenJobs(WriteRefused):
    """The database's report of the same, before the write of a batch that caused it is known."""


@contextmanager
def sentences(place: str, hidden: Collection[str]) -> Iterator[None]:
    """Convert the database's exceptions to a LedgerError about `place`, without parameters, rows or `hidden` texts."""
    try:
        yield
    except SQLAlchemyError as error:
        text = Redaction(hidden)(_first_sentence(error))
        for secret in hidden:  # short ones too, which Redaction leaves in other texts
            text = text.replace(secret, MASK)
        # "from None": the driver's full message may hold a whole row, including the customer
        raise _kind(error)(f"the ledger ({place}) {_what(error)}: {text}") from None


def _kind(error: SQLAlchemyError) -> type[LedgerError]:
    if isinstance(error, DBAPIError):
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return LedgerUnreadable
        if getattr(error.orig, "sqlstate", None) in COLLISIONS:
            return WriteRefused
        if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
            return LedgerUnavailable
        return TwoOpenJobs if _broke_one_open(error) else WriteRefused
    return LedgerUnavailable if isinstance(error, TimeoutError) else WriteRefused


def _what(error: SQLAlchemyError) -> str:
    kind = _kind(error)
    if kind is LedgerUnreadable:
        return (
            "cannot be read: stop the processes that use it, and restore a copy (docs/how-to/operations.md, a damaged "
            "ledger). SQLite reports"
        )
    return "is temporarily unavailable" if kind is LedgerUnavailable else "refused a statement"


def _first_sentence(error: SQLAlchemyError) -> str:
    """The driver's first sentence; PostgreSQL's DETAIL may be a whole row."""
    orig = error.orig if isinstance(error, StatementError) else None
    diagnosis = getattr(getattr(orig, "diag", None), "message_primary", None)
    return str(diagnosis or orig or error).strip()


def _broke_one_open(error: DBAPIError) -> bool:
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return constraint == ONE_OPEN or "jobs.tenant, jobs.stage, jobs.order_id" in str(error.orig)
