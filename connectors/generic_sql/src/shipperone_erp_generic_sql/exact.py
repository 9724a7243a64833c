"""Numbers and times on their way into a database and back, to the last digit.

SQLite has neither decimals nor times. An amount goes in as decimal text (4.990 stays 4.990), or as a whole number of
millionths where statements must add or compare: on text SQLite does both wrongly, or through a binary float.
"""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Dialect, String, TypeDecorator

from shipperone_erp import Reason, Refused

MILLIONTHS = 6
"""The decimal places of every `…_micro` bind and column."""

_LONGEST_INTEGER = 2**63 - 1
_DIGITS_OF_A_FLOAT = 15
"""A binary float keeps this many decimal digits; one that shows more was computed with."""


class DecimalText(TypeDecorator[Decimal]):
    """A `Decimal` as its own digits, without an exponent."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else f"{value:f}"


class Quantity(TypeDecorator[Decimal]):
    """A whole quantity as an integer, so that it compares with a count of pieces; any other as decimal text."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        whole = value.adjusted() < MILLIONTHS * 2 and value == value.to_integral_value()
        return int(value) if whole else f"{value:f}"


class UtcText(TypeDecorator[datetime]):
    """A time as ISO 8601 in UTC, always equally long: texts sort as the times do."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class DateText(TypeDecorator[date]):
    """A date as YYYY-MM-DD."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:
        return None if value is None else value.isoformat()


def to_micro(value: Decimal | None, name: str) -> int | None:
    """The amount in whole millionths; `Refused` if it is finer than that or too large, never rounded."""
    if value is None:
        return None
    if value.adjusted() <= 12:
        numerator, denominator = value.as_integer_ratio()
        millionths, rest = divmod(numerator * 10**MILLIONTHS, denominator)
        if rest == 0 and abs(millionths) <= _LONGEST_INTEGER:
            return int(millionths)
    raise Refused(Reason.UNIT_UNCLEAR, f"{name} {shown(value)} cannot be written in whole millionths without rounding")


def from_micro(value: Any, column: str) -> Decimal | None:
    """The amount that a `…_micro` column holds, without trailing zeros."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise unreadable(column, "an integer of millionths", value)
    whole, rest = divmod(abs(value), 10**MILLIONTHS)
    digits = f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
    return Decimal(digits if value >= 0 else f"-{digits}")


def from_database(value: Any, column: str) -> Decimal | None:
    """An exact number out of a result, or `Refused`.

    A binary float (a REAL or NUMERIC column of SQLite) is taken by its shortest text while it has no more digits than
    a float keeps; one with more has been computed with, and which amount was meant is no longer known.
    """
    if value is None or (isinstance(value, Decimal) and value.is_finite()):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, float):
        number = Decimal(repr(value))
        if number.is_finite() and len(number.as_tuple().digits) <= _DIGITS_OF_A_FLOAT:
            return number
        raise unreadable(column, "an exact number (store amounts as TEXT or as integers)", value)
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise unreadable(column, "a number", value) from None
    if not number.is_finite():
        raise unreadable(column, "a number", value)
    return number


def date_from_database(value: Any, column: str) -> date | None:
    """A date out of a result: ISO text (a time after it is left out) or the driver's own date."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise unreadable(column, "a date (YYYY-MM-DD)", value) from None


def unreadable(column: str, wanted: str, value: Any) -> Refused:
    """The refusal of a result column that holds something else than it must."""
    return Refused(Reason.CONFIG_INCOMPLETE, f"column {column} holds {shown(value)}, which is not {wanted}")


def shown(value: Any) -> str:
    """A value as a sentence shows it: never longer than a line."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
