"""Spans of time as TOML writes them: "90s", "15m", "2h", "90d", or a number of seconds."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 36525 * UNITS["d"]
"""A century: "kept for ten years" may be written as more than 3650 days."""

PATTERN = r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$"


def parse_duration(value: Any) -> timedelta:
    """Parse a span of time; ValueError shows the valid forms."""
    if isinstance(value, timedelta):
        return value
    seconds = _seconds(value)
    if seconds is None or not 0 <= seconds <= LONGEST:
        raise ValueError('write a duration such as "90s", "15m", "2h", or a number of seconds')
    return timedelta(seconds=seconds)


def _seconds(value: Any) -> float | None:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return float(value)
    found = re.match(PATTERN, value) if isinstance(value, str) else None
    return float(found[1]) * UNITS[found[2]] if found else None


def words(span: timedelta) -> str:
    """The span in its shortest form: "15m", "90s"."""
    seconds = span.total_seconds()
    for unit in ("d", "h", "m"):
        if seconds and seconds % UNITS[unit] == 0 and seconds // UNITS[unit] >= (2 if unit == "m" else 1):
            return f"{seconds / UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"


def at_least(least: timedelta) -> AfterValidator:
    """A lower bound of a setting, for its annotation."""

    def bounded(span: timedelta) -> timedelta:
        if span < least:
            raise ValueError(f'write at least "{words(least)}"')
        return span

    return AfterValidator(bounded)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "number", "minimum": 0}]}),
]
