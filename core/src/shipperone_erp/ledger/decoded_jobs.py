"""The jobs of one query, decoded once: a row that is what it was at the last read is the same job.

A cycle reads thousands of waiting jobs that have not changed. Each row is compared in full, whichever process wrote it.
"""

import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Dialect, Select, type_coerce
from sqlalchemy.types import NullType

from shipperone_erp.domain.job import Job
from shipperone_erp.ledger.schema import jobs

Row = tuple[Any, ...]
Conversions = list[tuple[int, Callable[[Any], Any]]]


class DecodedJobs:
    """The jobs that a query on the table of jobs finds, by the query's values, in one database.

    May be used from several threads.
    """

    def __init__(self, query: Select[Any]) -> None:
        self._names = tuple(jobs.c.keys())
        self._id = self._names.index("id")
        # as the driver gives them: what is to be decoded is decided here
        self._query = query.with_only_columns(*(type_coerce(column, NullType()) for column in jobs.c))
        self._kept: dict[Row, dict[int, tuple[Row, Job]]] = {}
        self._conversions: Conversions | None = None
        self._first = threading.Lock()

    def read(self, connection: Connection, **values: object) -> list[Job]:
        """The jobs now. Raises what a conversion raises for a value that no version has written."""
        if self._conversions is None:
            # two threads that compile a new statement at once write into the same objects, which has crashed CPython
            with self._first:
                return self._read(connection, **values)
        return self._read(connection, **values)

    def _read(self, connection: Connection, **values: object) -> list[Job]:
        result = connection.execute(self._query, values)
        rows = result.cursor.fetchall() if result.cursor is not None else []
        result.close()
        of = tuple(values.values())
        before = self._kept.get(of, {})
        if self._conversions is None:
            self._conversions = _conversions(connection.dialect)
        conversions = self._conversions
        found: dict[int, tuple[Row, Job]] = {}
        for row in rows:
            known = before.get(row[self._id])
            if known is None or known[0] != row:
                known = row, self._decoded(row, conversions)
            found[row[self._id]] = known
        if found:
            self._kept[of] = found
        else:
            self._kept.pop(of, None)
        return [job for _, job in found.values()]

    def _decoded(self, row: Row, conversions: Conversions) -> Job:
        values = list(row)
        for place, convert in conversions:
            values[place] = convert(values[place])
        return Job.of_row(dict(zip(self._names, values, strict=True)))


def _conversions(dialect: Dialect) -> Conversions:
    processors = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in jobs.c]
    return [(place, convert) for place, convert in enumerate(processors) if convert is not None]
