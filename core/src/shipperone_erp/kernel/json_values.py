"""Reads single JSON values: exact numbers, lists in either of PHP's shapes."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeGuard

DIGITS_AT_MOST = 30
"""Before or after the decimal point: a longer number is no amount, and writing it out would fill the memory."""

Scalar = str | int | float | Decimal
_SCALARS = frozenset({str, int, float, Decimal})


def exact(value: object) -> Decimal | None:
    """The number as written, with its decimals; None for a binary float, or a value that is no finite number."""
    if not is_scalar(value) or isinstance(value, float):
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
    """The rows of a list, or of an object with numbers as keys, which PHP makes of a list with gaps. Else None."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and value and all(isinstance(key, str) and key.isdecimal() for key in value):
        return list(value.values())
    return None


def is_scalar(value: object) -> TypeGuard[Scalar]:
    """Text or a number. True and false are neither."""
    return type(value) in _SCALARS


def walk(raw: Any, path: Sequence[str]) -> Any:
    """The value at the end of a path; a number steps into a list. None if there is none."""
    for step in path:
        if isinstance(raw, dict):
            raw = raw.get(step)
        elif isinstance(raw, list) and step.isdecimal() and int(step) < len(raw):
            raw = raw[int(step)]
        else:
            return None
    return raw


def kind(value: object) -> str:
    """The kind of JSON value, for a sentence that must not show it."""
    return _KINDS.get(type(value), "a number")


_KINDS = {dict: "an object", list: "a list", type(None): "null", bool: "true or false", str: "a text"}
