"""Finds the places of fields that are not amounts: ids, SKU, quantity, warehouse, dates, parties. Pure.

A usual place, or one that the tenant has named, is kept if it holds any value. Otherwise a place is selected by the
form of its values (an id is distinct, a currency is three capitals); among several the words of the key decide.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shipperone_erp.domain.field_places import PARTY, Places
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.dates import NotADate, Zones, read_date
from shipperone_erp.kernel.json_values import rows_of, walk
from shipperone_erp.operations.inspect.columns import Column, columns
from shipperone_erp.operations.inspect.field_search import (
    items_of,
    lists_in,
    places_in_item,
    places_in_order,
    without_items,
)
from shipperone_erp.operations.inspect.results import Raw
from shipperone_erp.operations.inspect.vocabulary import (
    BILLING,
    CUSTOMER,
    ORDERED,
    SHIPPED,
    SHIPPING,
    rank,
    speaks_of,
)

ITEM_TYPES = frozenset(
    {"simple", "configurable", "bundle", "virtual", "downloadable", "grouped", "service", "giftcard"}
)
NEEDED_OF_ITEM = ("item_id", "sku", "qty")


@dataclass
class Structure:
    """The result: `fields` to be named because they are not at a usual place, and questions that remain open."""

    fields: dict[str, str] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)


def structure(fields: Mapping[str, str], stage: Stage, rows: Sequence[Raw], codes: frozenset[str]) -> Structure:
    """The structure of one queue's orders. `fields` are named by the tenant, `codes` are ShipperOne's warehouses."""
    found = Structure()
    named = {name: path for name, path in fields.items() if _holds(name, path, fields, rows)}
    _items(named, rows, found)
    known = {**named, **found.fields}
    orders = columns([without_items(raw, Places(known)) for raw in rows])
    items = [item for raw in rows for item in items_of(raw, Places(known))]
    lines = columns(items)
    counts, used = _taken(rows, items, known)
    for name, fits in _tests(rows, items, known, codes, stage).items():
        of_item = name in ("item_id", "sku", "qty", "parent_item_id", "item_type", "name")
        if counts[name] == (len(items) if of_item else len(rows)) or name in named:
            continue
        if counts[name] and name not in ("order_id", "warehouse_code", *NEEDED_OF_ITEM):
            continue  # optional, and found in some orders
        _choose(name, lines if of_item else orders, fits, used, found, stage)
    _parties(orders, counts, found)
    _usual_again([name for name in fields if name not in named], rows, items, known, found)
    return found


def _usual_again(
    dead: Sequence[str], rows: Sequence[Raw], items: Sequence[Raw], known: Mapping[str, str], found: Structure
) -> None:
    """A named place without any value is replaced by a usual place that has one."""
    places = Places(known)
    held = [*(places_in_order(raw, places) for raw in rows), *(places_in_item(item, places) for item in items)]
    for name in dead:
        at = next((each[name] for each in held if name in each), None)
        if at is not None and " + " not in at:
            found.fields.setdefault(name, at)


def _choose(
    name: str,
    among: Mapping[str, Column],
    fits: Callable[[Column], bool],
    used: set[str],
    found: Structure,
    stage: Stage,
) -> None:
    taken = used | set(found.fields.values())
    fitting = [column for path, column in among.items() if path not in taken and fits(column)]
    needed = name in ("order_id", "warehouse_code", *NEEDED_OF_ITEM)
    ranked = sorted(fitting, key=lambda one: (-one.filled, -rank(name, one.path), one.path.count("."), one.path))
    ranked.sort(key=lambda one: -rank(name, one.path))
    ranked = [one for one in ranked if rank(name, one.path) > 0] or (ranked if needed and len(ranked) == 1 else [])
    if ranked:
        found.fields[name] = ranked[0].path
        second = ranked[1] if len(ranked) > 1 else None
        if needed and second is not None and rank(name, second.path) == rank(name, ranked[0].path):
            found.questions.append(
                f"{name} may be {ranked[0].path} or {second.path} (such as {ranked[0].example()} or "
                f"{second.example()}): which of them is right?"
            )
    elif needed:
        of = {"qty": "how much has shipped" if stage is Stage.INVOICE else "the quantity"}.get(name, name)
        there = ", ".join(one.path for one in fitting[:4])
        found.questions.append(f"where does pending_{stage} list {of}? " + (f"It may be {there}" if there else ""))


def _items(named: Mapping[str, str], rows: Sequence[Raw], found: Structure) -> None:
    places = Places(named)
    if all(items_of(raw, places) for raw in rows):
        return
    lists = Counter(path for raw in rows for path in lists_in(raw))
    whole = [path for path, count in lists.items() if count == len(rows)]

    def wealth(path: str) -> tuple[int, int]:
        entries = [row for raw in rows for row in rows_of(walk(raw, path.split("."))) or ()]
        numeric = sum(column.numbers is not None for column in columns(entries).values())
        return rank("items", path), numeric

    if whole:
        found.fields["items"] = max(whole, key=wealth)
    else:
        found.questions.append("where does an order list its items? No list of objects is in every order")


def _holds(name: str, path: str, fields: Mapping[str, str], rows: Sequence[Raw]) -> bool:
    """Whether a named place holds a value in any order, so that it is kept."""
    steps = path.split(".")
    items = [item for raw in rows for item in items_of(raw, Places(fields))]
    return any(walk(each, steps) is not None for each in (*rows, *items)) or not rows


def _taken(rows: Sequence[Raw], items: Sequence[Raw], fields: Mapping[str, str]) -> tuple[Counter[str], set[str]]:
    """The number of objects in which each field is found, and the places in use."""
    places = Places(fields)
    held = [places_in_order(raw, places) for raw in rows]
    held += [{k: v for k, v in places_in_item(item, places).items() if k != "warehouse_code"} for item in items]
    return Counter(name for found in held for name in found), {path for found in held for path in found.values()}


def _tests(
    rows: Sequence[Raw], items: Sequence[Raw], fields: Mapping[str, str], codes: frozenset[str], stage: Stage
) -> dict[str, Callable[[Column], bool]]:
    """For each field, the test of its column. Required fields come first."""
    places = Places(fields)
    bounds = _bounds([len(items_of(raw, places)) for raw in rows])

    def distinct_within_orders(column: Column) -> bool:
        return column.everywhere and all(
            len(set(map(str, column.values[low:high]))) == high - low for low, high in bounds
        )

    def repeats(column: Column) -> bool:
        return column.everywhere and len(set(column.texts)) <= max(20, len(rows) // 3)

    def parents(column: Column) -> bool:
        if not column.filled or column.filled == len(column.values):
            return False
        own = [str(next((item[k] for k in ("id", "item_id") if k in item), item.get(_id(fields)))) for item in items]
        return all(
            str(value) in own[low:high] and str(value) != own[at]
            for low, high in bounds
            for at, value in enumerate(column.values[low:high], low)
            if value not in (None, 0, "0")
        )

    def quantity(column: Column) -> bool:
        if column.numbers is None or not column.everywhere or any((n or 0) <= 0 for n in column.numbers):
            return False
        if stage is Stage.INVOICE and speaks_of(column.path, ORDERED) and not speaks_of(column.path, SHIPPED):
            return False
        return rank("qty", column.path) > 0

    def text(column: Column) -> bool:
        return column.numbers is None

    return {
        "order_id": lambda one: one.everywhere and len(set(one.texts)) == len(rows) and not _is_date(one),
        "warehouse_code": lambda one: (
            set(one.texts) <= codes and one.everywhere
            if codes
            else repeats(one)
            and speaks_of(one.path, "warehouse source location sklad lager magazyn entrepot almacen") > 0
        ),
        "item_id": distinct_within_orders,
        "sku": lambda one: one.everywhere and rank("sku", one.path) > 0 and not _is_date(one),
        "qty": quantity,
        "currency": lambda one: all(re.fullmatch(r"[A-Za-z]{3}", each) for each in one.texts) and repeats(one),
        "parent_item_id": parents,
        "item_type": lambda one: set(map(str.lower, one.texts)) <= ITEM_TYPES and one.filled > 0,
        "name": lambda one: text(one) and speaks_of(one.path, "name nazev nazov bezeichnung nazwa nom nombre") > 0,
        "ordered_at": lambda one: _is_date(one) and speaks_of(one.path, SHIPPED + " update change zmen") == 0,
        "shipped_at": lambda one: _is_date(one) and speaks_of(one.path, SHIPPED) > 0 and stage is Stage.INVOICE,
        "payment_method": lambda one: (
            text(one) and speaks_of(one.path, "payment platb zahlung platnos paiement pago") > 0 and repeats(one)
        ),
        "payment_reference": lambda one: (
            speaks_of(one.path, "variable vs transaction reference") > 0 and len(set(one.texts)) == one.filled
        ),
        "order_number": lambda one: (
            len(set(one.texts)) > len(rows) // 2 and rank("order_number", one.path) > 1 and not _is_date(one)
        ),
    }


def _id(fields: Mapping[str, str]) -> str:
    return fields.get("item_id", "id")


def _bounds(counts: Sequence[int]) -> list[tuple[int, int]]:
    bounds, low = [], 0
    for count in counts:
        bounds.append((low, low + count))
        low += count
    return bounds


def _is_date(column: Column) -> bool:
    read = [read_date(value, Zones()) for value in column.values if value is not None and not isinstance(value, int)]
    return bool(read) and not any(isinstance(each, NotADate) for each in read) and any(read)


def _parties(orders: Mapping[str, Column], taken: Mapping[str, int], found: Structure) -> None:
    """Addresses in objects with keys in another language: the object's own key identifies the party."""
    objects: dict[str, dict[str, str]] = {}
    for path in orders:
        above, _, last = path.rpartition(".")
        if above and ".0" not in path:
            ranks = {name: rank("name_of_party" if name == "name" else name, last) for name in PARTY}
            name = max(ranks, key=lambda each: ranks[each])
            if ranks[name] > 1:
                objects.setdefault(above, {}).setdefault(name, path)
    for role, stems in (("billing", BILLING), ("shipping", SHIPPING), ("customer", CUSTOMER)):
        if any(name.startswith(f"{role}.") for name in taken):
            continue
        mine = [above for above, parts in objects.items() if speaks_of(above, stems) and len(parts) > 1]
        if mine:
            best = max(mine, key=lambda above: len(objects[above]))
            found.fields.update({f"{role}.{name}": path for name, path in objects[best].items()})
