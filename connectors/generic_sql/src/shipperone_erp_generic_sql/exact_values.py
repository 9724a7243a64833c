"""Converts numbers, texts and times into database values and back, to the last digit.

Where a database has decimals, an amount is one. SQLite has neither decimals nor times. There an amount is stored as
decimal text (4.990 stays 4.990), or as a whole number of millionths if statements must add or compare: on text SQLite
does both wrongly, or through a binary float.
"""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Date, DateTime, Dialect, Numeric, String, TypeDecorator, Unicode
from sqlalchemy.dialects import mssql, mysql
from sqlalchemy.types import TypeEngine

from shipperone_erp import Reason, Refused

MILLIONTHS = 6
"""The decimal places of every `…_micro` bind and column."""

_LONGEST_INTEGER = 2**63 - 1
_DIGITS_OF_A_FLOAT = 15
"""The number of decimal digits that a binary float keeps; a float that shows more is the result of a computation."""


class Text(TypeDecorator[str]):
    """Text of any length and language."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Unicode() if dialect.name == "mssql" else String())


class Amount(TypeDecorator[Decimal]):
    """A `Decimal`; on SQLite its own digits as text, without an exponent."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String())
        numeric = dialect.type_descriptor(Numeric())
        return _written_with_its_type(type(numeric)) if dialect.name == "postgresql" else numeric

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return f"{value:f}" if dialect.name == "sqlite" else _without_exponent(value)


class Quantity(Amount):
    """An `Amount`; on SQLite a whole one is an integer, so that it compares with a count of pieces."""

    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return super().process_bind_param(value, dialect)
        whole = value.adjusted() < MILLIONTHS * 2 and value == value.to_integral_value()
        return int(value) if whole else f"{value:f}"


class Utc(TypeDecorator[datetime]):
    """A time in UTC: with its zone if the database keeps zones, else without one.

    On SQLite it is ISO 8601 text of constant length, so that texts sort as the times do.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String())
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        if dialect.name == "mssql":
            return dialect.type_descriptor(mssql.DATETIME2())  # type: ignore[no-untyped-call]
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)


class Day(TypeDecorator[date]):
    """A date; on SQLite as YYYY-MM-DD."""

    impl = Date
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Date())

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        return value.isoformat() if value is not None and dialect.name == "sqlite" else value


def _written_with_its_type(numeric: type[TypeEngine[Any]]) -> TypeEngine[Any]:
    """PostgreSQL cannot choose an operator for a NULL without an explicit type (`-:qty`)."""
    typed: TypeEngine[Any] = type("TypedNumeric", (numeric,), {"render_bind_cast": True})()
    return typed


_MILLION = Decimal(10**MILLIONTHS)


def to_micro(value: Decimal | None, *about: object) -> int | None:
    """The amount in whole millionths; `Refused` if it is finer than that or too large, never rounded.

    `about`: the subject of the amount, formatted only for that refusal, since this runs for every amount of every item.
    """
    if value is None:
        return None
    if value.adjusted() <= 12:
        numerator, denominator = value.as_integer_ratio()
        millionths, rest = divmod(numerator * 10**MILLIONTHS, denominator)
        if rest == 0 and abs(millionths) <= _LONGEST_INTEGER:
            return int(millionths)
    name = ": ".join(map(str, about))
    raise Refused(Reason.UNIT_UNCLEAR, f"{name} {shown(value)} cannot be written in whole millionths without rounding")


def within(value: Decimal, places: int, name: str) -> Decimal:
    """The amount, if it has at most that many decimal places, else `Refused`: a column would round it silently."""
    if value.is_zero():
        return value
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places and value != round(value, places):
        raise Refused(
            Reason.UNIT_UNCLEAR, f"{name} {shown(value)} has more than {places} decimal places; it is never rounded"
        )
    return value


def from_micro(value: Any, column: str) -> Decimal | None:
    """The amount that a `…_micro` column holds, without trailing zeros."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise unreadable(column, "an integer of millionths", value)
    if abs(value) > _LONGEST_INTEGER:
        raise unreadable(column, "an integer of millionths", value)
    return Decimal(value) / _MILLION  # exact: an integer of the database has fewer digits than the context


def from_database(value: Any, column: str) -> Decimal | None:
    """An exact number from a result, or `Refused`.

    A binary float (a REAL, FLOAT or DOUBLE column) is read by its shortest text as long as it has no more digits than a
    float keeps. A float with more digits is the result of a computation, and the intended amount cannot be recovered.
    """
    if value is None or (isinstance(value, Decimal) and value.is_finite()):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, float):
        number = Decimal(repr(value))
        if number.is_finite() and len(number.as_tuple().digits) <= _DIGITS_OF_A_FLOAT:
            return number
        raise unreadable(column, "an exact number (store amounts as decimals, as TEXT or as integers)", value)
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise unreadable(column, "a number", value) from None
    if not number.is_finite():
        raise unreadable(column, "a number", value)
    return number


def date_from_database(value: Any, column: str) -> date | None:
    """A date from a result: ISO text (a time after it is ignored) or the driver's own date."""
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
    """The refusal of a result column whose value is not of the required type."""
    return Refused(Reason.CONFIG_INCOMPLETE, f"column {column} holds {shown(value)}, which is not {wanted}")


def digits(value: Decimal) -> str:
    """The number without an exponent and without trailing zeros."""
    return f"{value.normalize():f}"


def shown(value: Any) -> str:
    """A value as a sentence quotes it: never longer than a line."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _without_exponent(value: Decimal) -> Decimal:
    """The same number written in digits only: MariaDB reads 1E+2 as a binary float."""
    exponent = value.as_tuple().exponent
    return value.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else value
