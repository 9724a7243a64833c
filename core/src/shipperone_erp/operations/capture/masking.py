"""One capture: masks every text of the orders that is not on the allow list, and counts the masked values."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shipperone_erp.domain.field_places import Places
from shipperone_erp.operations.capture.allow_list import BY_FIELD, IDS, SKUS, looks_like_a_person, stays_by_form
from shipperone_erp.operations.capture.pseudonyms import Pseudonyms
from shipperone_erp.operations.inspect.field_search import items_of, places_in_item, places_in_order

KEY = re.compile(r"[^\W\d][\w .:/-]{0,60}|\d{1,5}")
LONG_NUMBER = re.compile(r"\d{5}")

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """The options of the command: also mask ids and SKUs, or keep further paths."""

    mask_ids: bool = False
    mask_skus: bool = False
    keep: frozenset[str] = frozenset()


class Masking:
    """Masks the orders of one tenant, consistently over all of them."""

    def __init__(self, choice: Choice, warehouses: Iterable[str] = (), salt: bytes | None = None) -> None:
        self._choice = choice
        self._warehouses = frozenset(warehouses)
        self._pseudonyms = Pseudonyms(salt)
        self.by_kind: Counter[str] = Counter()
        self.by_path: Counter[str] = Counter()
        """The number of masked values, by kind and by path."""

    def orders(self, rows: Sequence[Any], fields: Fields) -> list[Any]:
        """The orders of one queue, masked. `fields` are the places that the tenant has named for it."""
        places = Places(fields)
        return [self._order(raw, places) if isinstance(raw, Mapping) else self._anything(raw) for raw in rows]

    def warehouses(self, rows: Sequence[Any]) -> list[Any]:
        """ShipperOne's list of warehouses, masked; their codes are kept."""
        return [self._value(row, f"warehouses.{index}", {}, False) for index, row in enumerate(rows)]

    def _order(self, raw: Mapping[str, Any], places: Places) -> Any:
        found = places_in_order(raw, places)
        at = found.pop("items", None)
        of_items = [places_in_item(item, places) for item in items_of(raw, places)] if at else []
        known = {path: name for name, path in found.items()}
        known |= {f"{at}.*.{path}": name for of_item in of_items for name, path in of_item.items()}
        return self._value(dict(raw), "", known, False, at)

    def _anything(self, value: Any) -> Any:
        return self._value(value, "", {}, False)

    def _value(
        self, value: Any, path: str, known: Mapping[str, str], of_a_person: bool, items: str | None = None
    ) -> Any:
        if isinstance(value, Mapping):
            inside = of_a_person or (bool(path) and looks_like_a_person(value, path))
            if items is not None and path == items:  # PHP encodes a list with gaps as an object
                return {key: self._value(entry, f"{path}.*", known, inside, items) for key, entry in value.items()}
            shown = {key: self._key(key) for key in value}  # masked also in the path that is counted
            return {
                name: self._value(value[key], f"{path}.{name}" if path else name, known, inside, items)
                for key, name in shown.items()
            }
        if isinstance(value, list):
            steps = ["*"] * len(value) if path == items else [str(index) for index in range(len(value))]
            return [
                self._value(entry, f"{path}.{step}", known, of_a_person, items)
                for step, entry in zip(steps, value, strict=True)
            ]
        return value if self._stays(value, path, known, of_a_person) else self._mask(value, path, known)

    def _stays(self, value: Any, path: str, known: Mapping[str, str], of_a_person: bool) -> bool:
        shown = path.replace(".*", "")
        if shown in self._choice.keep:
            return True
        name = known.get(path)
        if name in IDS and self._choice.mask_ids:
            return False
        if name in SKUS and self._choice.mask_skus:
            return False
        if name is not None and value is not None and not isinstance(value, bool):
            return name in BY_FIELD and BY_FIELD[name](value)
        if isinstance(value, str) and value in self._warehouses and not of_a_person:
            return True
        return stays_by_form(path, value, of_a_person=of_a_person)

    def _mask(self, value: Any, path: str, known: Mapping[str, str]) -> Any:
        name = known.get(path)
        kind = name.rsplit(".", 1)[-1] if name else "text" if isinstance(value, str) else "number"
        self.by_kind[kind] += 1
        self.by_path[re.sub(r"\.\*|\.\d+", "[]", path)] += 1
        if isinstance(value, str):
            return self._pseudonyms.text(value)
        if isinstance(value, int):
            return self._pseudonyms.integer(value)
        return Decimal(self._pseudonyms.text(str(value))) if isinstance(value, Decimal) else None

    def _key(self, key: str) -> str:
        """A key that names a field is kept; one that looks like a value is masked."""
        if KEY.fullmatch(key) and "@" not in key and not LONG_NUMBER.search(key):
            return key
        self.by_kind["key"] += 1
        return self._pseudonyms.text(key)
