"""What one JSON value says: exact numbers, lists in either of PHP's shapes."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeGuard

DIGITS_AT_MOST = 30
"""Before or after the decimal point: past this it is no amount, and writing it out plainly would fill the memory."""

Scalar = str | int | float | Decimal
_SCALARS = frozenset({str, int, float, Decimal})


def exact(value: Scalar) -> Decimal | None:
    """The number as it is written, with its decimals; None for what is no finite number or is a binary float."""
    if isinstance(value, float):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -DIGITS_AT_MOST or number.adjusted() > DIGITS_AT_MOST:
        return None
    return number


_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)


def rows_of(value: object) -> Sequence[Any] | None:
    """A list; also an object with numbers for keys, which is what PHP makes of a list with gaps. Else None."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and value and all(isinstance(key, str) and key.isdecimal() for key in value):
        return list(value.values())
    return None


def is_scalar(value: object) -> TypeGuard[Scalar]:
    """Text or a number. True and false are neither."""
    return type(value) in _SCALARS


def walk(raw: Any, path: Sequence[str]) -> Any:
    """What lies at the end of a path; a number steps into a list. None if it leads nowhere."""
    for step in path:
        if isinstance(raw, dict):
            raw = raw.get(step)
        elif isinstance(raw, list) and step.isdecimal() and int(step) < len(raw):
            raw = raw[int(step)]
        else:
            return None
    return raw


def kind(value: object) -> str:
    """Which kind of JSON value it is, for a sentence that must not show it."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return "a text" if isinstance(value, str) else "a number"
