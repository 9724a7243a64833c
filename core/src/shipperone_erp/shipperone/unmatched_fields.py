"""A tenant's named places that hold nothing in any order (probably misspelt), and the nearest existing ones."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shipperone_erp.domain.field_places import ITEM, Places
from shipperone_erp.kernel.json_values import rows_of, walk

DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Missed:
    """A field whose place holds nothing; `near`: the most similar place that exists."""

    name: str
    path: str
    near: str | None


def missed(fields: Mapping[str, str], orders: Sequence[Mapping[str, Any]]) -> list[Missed]:
    """The fields whose place holds nothing in any of these orders, each with the most similar place that exists."""
    places = Places(fields).order["items"]
    rows = [
        row
        for order in orders
        for path in [*((key,) for key in places.keys), *places.paths]
        for row in rows_of(walk(order, path)) or ()
    ]

    def sources(name: str) -> Sequence[Any]:
        if name == "warehouse_code":
            return [*orders, *rows]
        return rows if name in ITEM else orders

    names = sorted(
        name for name, path in fields.items() if all(walk(source, path.split(".")) is None for source in sources(name))
    )
    if not names:
        return []
    of_items, of_orders = sorted(set(_of(rows))), sorted(set(_of(orders)))
    return [Missed(name, fields[name], _near(fields[name], of_items if name in ITEM else of_orders)) for name in names]


def _of(objects: Sequence[Any]) -> Iterator[str]:
    for each in objects:
        yield from _below(each, "")


def _below(value: Any, path: str) -> Iterator[str]:
    if path and value is not None:
        yield path
    if isinstance(value, dict) and path.count(".") < DEEPEST:
        for key, inner in value.items():
            yield from _below(inner, f"{path}.{key}" if path else str(key))


def _near(path: str, known: Sequence[str]) -> str | None:
    close = difflib.get_close_matches(path, known, 1)
    last = path.rsplit(".", 1)[-1]
    return next(iter(close or [other for other in known if other.rsplit(".", 1)[-1] == last]), None)
