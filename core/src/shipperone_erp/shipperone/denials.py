"""Decides whether the JSON of a 2xx answer denies the request. Only its shape counts, never its wording.

A denial is a top-level `false`, a `success` or `ok` that is false, or an `error` that is not empty; also inside a list,
or inside an object that only wraps the answer (`data`, `result`, `response`).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_CLAIMS = frozenset({"success", "ok"})
_ERRORS = frozenset({"error", "errors", "error_message"})
_WRAPPERS = frozenset({"data", "result", "response"})
_FALSE = ("false", "0")

DEPTH_AT_MOST = 4
"""The depth to which wrappers and lists are searched: no real answer is wrapped more often."""


def denies(value: Any, depth: int = DEPTH_AT_MOST) -> bool:
    """The answer denies its request: whether it took effect is unknown until the queue shows it.

    `null`, an empty object or list, an empty text and every other value are no denial.
    """
    if _is_false(value):
        return True
    if depth == 0:
        return False
    if isinstance(value, list):
        return any(denies(entry, depth - 1) for entry in value)
    if not isinstance(value, Mapping):
        return False
    return any(_part_denies(str(name).lower(), entry, depth - 1) for name, entry in value.items())


def _part_denies(name: str, entry: Any, depth: int) -> bool:
    if name in _CLAIMS:
        return _is_false(entry)
    if name == "status":
        return entry is False  # a number or a word here is no denial: 0 is "no error" in many dialects
    if name in _ERRORS:
        return not _is_empty(entry, depth)
    return name in _WRAPPERS and denies(entry, depth)


def _is_false(value: Any) -> bool:
    """`false`, or a number or text that means it in PHP."""
    if isinstance(value, str):
        return value.strip().lower() in _FALSE
    return isinstance(value, int | float | Decimal) and value == 0


def _is_empty(value: Any, depth: int) -> bool:
    """It states no error: nothing, zero, false, or a list or object of such values."""
    if isinstance(value, Mapping | list):
        entries = value.values() if isinstance(value, Mapping) else value
        return depth > 0 and all(_is_empty(entry, depth - 1) for entry in entries)
    return value is None or _is_false(value) or (isinstance(value, str) and not value.strip())
