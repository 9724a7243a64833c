"""Finds the list in an answer: bare, in an object, in a list around that, or in a text; and detects empty queues.

The values are plain JSON, or `Span`s of a body that is parsed in parts (`tolerant_json`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shipperone_erp.kernel.json_values import rows_of
from shipperone_erp.shipperone.denials import denies
from shipperone_erp.shipperone.tolerant_json import BadJson, Span

CONTAINERS = ("items", "orders", "fulfillment_orders", "fulfillmentOrders", "data", "results", "result", "records",
              "rows", "list", "warehouses")  # fmt: skip

BESIDE = frozenset({"total_count", "totalCount", "search_criteria", "searchCriteria", "page_info", "page", "pages",
                    "page_size", "pageSize", "current_page", "success", "status"})  # fmt: skip
"""Keys beside the list in the object around it; no order has only these."""


def rows_in(value: Any, *, first: bool = True, depth: int = 2) -> Sequence[Any] | None:
    """The entries; empty for an empty queue in any of its forms; None if the value is no list and holds none.

    `null`, `{}`, and a list's name with null or `{}` in it are an empty queue, unless the rest of it contradicts: an
    error, or (on the `first` page) a count of entries.
    """
    value = opened(value)
    if value is None or value == {}:
        return []
    rows = rows_of(value)
    if rows is not None:
        return _unwrapped(rows, first, depth)
    if not isinstance(value, Mapping) or depth == 0:
        return None
    names = [name for name in CONTAINERS if name in value]
    for name in names:
        inner = opened(value[name])
        if inner is None or inner == {}:
            continue  # another name may hold the list
        rows = rows_in(inner, first=first, depth=depth - 1)
        if rows is not None:
            return None if not rows and _fails(value) else rows
    nothing_else = value.keys() <= {*CONTAINERS, *BESIDE}
    empty = all(opened(value[name]) in (None, {}) for name in names)
    counted = first and opened(value.get("total_count")) not in (0, "0", None)
    return [] if names and empty and nothing_else and not counted and not _fails(value) else None


def opened(value: Any) -> Any:
    """The content of a `Span`: its entries, its members by name, or its value; BadJson if it cannot be determined."""
    if not isinstance(value, Span):
        return value
    if value.is_object:
        return {name: member for name, member in value.members() if name is not None}
    return value.elements() if value.is_list else value.value()


def _unwrapped(rows: Sequence[Any], first: bool, depth: int) -> Sequence[Any]:
    """Flatten lists in a list; unwrap an object around the list that is the only entry of a list."""
    if depth and rows and all(map(_is_list, rows)):
        return [entry for inner in rows for entry in opened(inner)]
    if depth and len(rows) == 1 and _is_object(rows[0]):
        only = opened(rows[0])
        if sum(name in CONTAINERS for name in only) == 1 and only.keys() <= {*CONTAINERS, *BESIDE}:
            inner_rows = rows_in(only, first=first, depth=depth - 1)
            if inner_rows is not None:
                return inner_rows
    return rows


def _is_list(value: Any) -> bool:
    return value.is_list if isinstance(value, Span) else isinstance(value, list)


def _is_object(value: Any) -> bool:
    return value.is_object if isinstance(value, Span) else isinstance(value, dict)


def _fails(value: Mapping[str, Any]) -> bool:
    """The object around an empty list reports a failure."""
    return denies({name: _plain(entry) for name, entry in value.items()})


def _plain(value: Any) -> Any:
    try:
        return value.value() if isinstance(value, Span) else value
    except BadJson:
        return None
