"""Executes the queries of the ledger. A damaged row raises, and nothing is guessed in its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Executable, Select

from shipperone_erp.domain.job import Job
from shipperone_erp.kernel.errors import LedgerDamaged
from shipperone_erp.ledger.database import Database
from shipperone_erp.ledger.database_errors import sentences
from shipperone_erp.ledger.integrity import damaged_rows


class RowReader:
    """One short transaction for each query. LedgerUnavailable while the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _jobs(self, query: Select[Any], **values: object) -> list[Job]:
        return [Job.of_row(row) for row in self._rows(query, **values)]

    def _rows(self, query: Executable, **values: object) -> list[dict[str, Any]]:
        with self._decoding() as connection:
            result = connection.execute(query, values)
            names = tuple(result.keys())
            return [dict(zip(names, row, strict=True)) for row in result]

    @contextmanager
    def _decoding(self) -> Iterator[Connection]:
        """A connection for rows that are decoded: what cannot be is LedgerDamaged."""
        with self._reading() as connection:
            try:
                yield connection
            except (ValueError, TypeError, ArithmeticError, RecursionError):  # a value that no version has written
                damaged = next(damaged_rows(connection), "a row cannot be read")
                raise LedgerDamaged(
                    f"the ledger ({self._database.place}) is damaged: {damaged}. No value is assumed instead; "
                    "`shipperone-erp doctor` lists every damaged row, docs/how-to/operations.md describes the repair"
                ) from None

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with sentences(self._database.place, self._database.hidden), self._database.reading.connect() as connection:
            yield connection
