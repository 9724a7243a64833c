"""The values of many JSON objects by their paths: one column for each path. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from shipperone_erp.kernel.json_values import exact, is_scalar

DEEPEST = 7


@dataclass(frozen=True)
class Column:
    """The values at one path, one for each object; None if the object has none there."""

    path: str
    values: tuple[Any, ...]

    @property
    def filled(self) -> int:
        """The number of objects with a value."""
        return sum(value is not None for value in self.values)

    @property
    def everywhere(self) -> bool:
        """Whether every object has a value."""
        return bool(self.values) and self.filled == len(self.values)

    @cached_property
    def numbers(self) -> tuple[Decimal | None, ...] | None:
        """The values as exact numbers; None if any of them is not a number."""
        found = [None if value is None else exact(value) for value in self.values]
        wrong = any(value is not None and number is None for value, number in zip(self.values, found, strict=True))
        return None if wrong or not self.filled else tuple(found)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The present values, as texts."""
        return tuple(str(value) for value in self.values if value is not None)

    def example(self) -> Any:
        """The first value that is neither empty nor zero, else the first."""
        filled = [value for value in self.values if value is not None]
        return next((value for value in filled if exact(value) != 0), filled[0] if filled else None)


def columns(objects: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """Every path to a text or a number in any of the objects; an empty text counts as no value.

    Of a list the first entry is used, as by a path with a number. Keys with a dot cannot be addressed.
    """
    found: dict[str, list[Any]] = {}
    for index, each in enumerate(objects):
        for path, value in _leaves(each, ""):
            found.setdefault(path, [None] * len(objects))[index] = value
    return {path: Column(path, tuple(values)) for path, values in found.items()}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items() if path.count(".") < DEEPEST else ():
            if key and "." not in key:
                yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        if value and path.count(".") < DEEPEST:
            yield from _leaves(value[0], f"{path}.0")
    elif is_scalar(value) and not isinstance(value, float) and str(value).strip():
        yield path, value
