"""Sizes as written in TOML: "32MiB", "500KiB", "64MB", or a number of bytes."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, ByteSize, WithJsonSchema

UNITS = {"B": 1, "kB": 1000, "KiB": 1024, "MB": 1000**2, "MiB": 1024**2}

SMALLEST = 64 * 1024
LARGEST = 1024 * 1024**2

PATTERN = r"^\s*(\d{1,9}(?:\.\d{1,3})?)\s*(B|kB|KiB|MB|MiB)\s*$"


def parse_size(value: Any) -> int:
    """The number of bytes. ValueError shows the form of a size."""
    found = re.match(PATTERN, value) if isinstance(value, str) else None
    if found:
        size = int(Decimal(found[1]) * UNITS[found[2]])
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        raise ValueError('write a size such as "32MiB", "500KiB", or a number of bytes')
    if not SMALLEST <= size <= LARGEST:
        raise ValueError('write a size from "64KiB" to "1024MiB"')
    return size


def size_words(size: int) -> str:
    """The size in its written form: "32MiB", "500KiB"."""
    unit = next((name for name in ("MiB", "KiB") if size % UNITS[name] == 0), "B")
    return f"{size // UNITS[unit]}{unit}"


Size = Annotated[
    ByteSize,
    BeforeValidator(parse_size),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "integer", "minimum": SMALLEST}]}),
]
