"""The form of this ShipperOne's pages: the envelope around the list, and other names of the fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ITEM_FIELDS = frozenset(
    {"item_id", "sku", "name", "qty", "price_incl_tax", "row_total_incl_tax", "tax_percent", "discount"}
    | {"parent_item_id", "item_type"}
)


@dataclass(frozen=True, slots=True)
class Rendering:
    """`key`: the object's key for the list, None for a bare list. `names`: other names, or paths, by field."""

    key: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def envelope(self, texts: Sequence[str], total: int) -> str:
        """A page as JSON text."""
        page = f"[{','.join(texts)}]"
        return page if self.key is None else f'{{"{self.key}":{page},"total_count":{total}}}'

    def rename(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The order with its fields renamed."""
        if not self.names:
            return raw
        of_items = {("id" if name == "item_id" else name): to for name, to in self.names.items() if name in ITEM_FIELDS}
        of_order = {name: to for name, to in self.names.items() if name not in ITEM_FIELDS}
        renamed = {**raw, "items": [_moved(item, of_items) for item in raw["items"]]}
        return _moved(renamed, of_order)


def _moved(raw: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    moved = {key: value for key, value in raw.items() if key not in names}
    for name, place in names.items():
        if name not in raw:
            continue
        *path, last = place.split(".")
        inner = moved
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = raw[name]
    return moved
