"""Checks that a ledger's content can be read: the database's own check, and each row as this version reads it."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, select, type_coerce
from sqlalchemy.types import NullType

from shipperone_erp.domain.serialization import invoice_from_text, order_from_text
from shipperone_erp.ledger.schema import metadata

AT_MOST = 20
"""The most findings of the database's own check, and the most damaged rows of one table."""

BODIES = {"order_json": order_from_text, "invoice_json": invoice_from_text}


def damage(connection: Connection) -> Iterator[str]:
    """A sentence for each damage; empty for a sound ledger. It reads every row."""
    yield from _database_check(connection)
    yield from damaged_rows(connection)


def damaged_rows(connection: Connection) -> Iterator[str]:
    """'row 17 of jobs: state cannot be read', for each row that this version cannot read."""
    for table in metadata.sorted_tables:
        found = _damaged(connection, table, [column.name for column in table.c], [])
        yield from (finding for _, finding in islice(found, AT_MOST))


def damaged_among(connection: Connection, table: Table, ids: Collection[int], columns: Sequence[str]) -> dict[int, str]:
    """By id, the sentence of `damaged_rows` for those of these rows in which one of the columns cannot be read."""
    return {row["id"]: finding for row, finding in _damaged(connection, table, columns, [table.c.id.in_(ids)])}


def _damaged(
    connection: Connection, table: Table, columns: Sequence[str], conditions: Sequence[ColumnElement[bool]]
) -> Iterator[tuple[RowMapping, str]]:
    raw = select(*(type_coerce(column, NullType()).label(column.name) for column in table.c)).where(*conditions)
    for row in connection.execution_options(yield_per=500).execute(raw).mappings():
        wrong = [name for name in columns if not _readable(table, name, row[name], connection)]
        if wrong:
            which = ", ".join(str(row[column.name]) for column in table.primary_key.columns)
            yield row, f"row {which} of {table.name}: {' and '.join(wrong)} cannot be read"


def _readable(table: Table, column: str, value: Any, connection: Connection) -> bool:
    process = table.c[column].type.result_processor(connection.dialect, None)
    try:
        found = process(value) if process is not None else value
        if found is None and not table.c[column].nullable:
            return False
        if column in BODIES and found is not None:
            BODIES[column](found)
    except Exception:  # any exception of a reader
        return False
    return True


def _database_check(connection: Connection) -> Iterator[str]:
    if connection.dialect.name == "sqlite":
        for (finding,) in connection.exec_driver_sql(f"PRAGMA integrity_check({AT_MOST})"):
            if finding != "ok":
                yield f"SQLite's integrity check: {finding}"
        for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield f"row {row} of {table} refers to a missing row of {parent}"
        return
    failed = connection.exec_driver_sql(
        "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()"
    ).scalar()
    if failed:
        yield f"PostgreSQL has found {failed} page(s) of this database whose checksum is wrong"
