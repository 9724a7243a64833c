"""Captured values: read from a statement's row by declared types, and passed to the later statements of its step."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from shipperone_erp import Reason, Refused
from shipperone_erp_generic_sql.exact_values import date_from_database, from_database, unreadable
from shipperone_erp_generic_sql.prepared import Answer
from shipperone_erp_generic_sql.statement import CaptureType, Change


def _integer(value: Any, column: str) -> int | None:
    number = from_database(value, column)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise unreadable(column, "an integer", value)
    return int(number)


def _text(value: Any, column: str) -> str | None:
    return None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


_READS: Mapping[CaptureType, Callable[[Any, str], Any]] = {
    "integer": _integer,
    "decimal": from_database,
    "text": _text,
    "date": date_from_database,
}


def captured(statement: Change, answer: Answer, place: str) -> dict[str, Any]:
    """The values that the statement captures from its row; NULL for each if there is no row, which `expect` has
    allowed.

    `Refused` if a column is missing, if its value is not of the declared type, or if no id was generated.
    """
    row = dict(zip(answer.columns, answer.rows[0], strict=True)) if answer.rows else {}
    missing = [name for name in statement.capture if (answer.rows or not answer.columns) and name not in row]
    if missing:
        there = ", ".join(answer.columns) or "none (RETURNING makes an INSERT return some)"
        raise Refused(
            Reason.CONFIG_INCOMPLETE,
            f"{place} captures {missing[0]}, but returns no column of that name; its columns are {there}",
        )
    found = {name: _READS[kind](row.get(name), name) for name, kind in statement.capture.items()}
    if statement.last_id is not None:
        if not answer.last_id:
            sentence = f"{place} captures the generated id as {statement.last_id}, but the database has generated none"
            raise Refused(Reason.CONFIG_INCOMPLETE, sentence)
        found[statement.last_id] = int(answer.last_id)
    return found
