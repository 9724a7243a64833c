"""The place of each field of an order, found by testing the places that the order parser accepts, one by one. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from shipperone_erp.domain.field_places import ITEM, ORDER, Field, Group, Places, Role
from shipperone_erp.domain.json_object import JsonObject, Unreadable
from shipperone_erp.kernel.dates import Zones
from shipperone_erp.kernel.json_values import rows_of, walk

Read = Callable[[JsonObject, Field], Any]

ORDER_READS: Mapping[str, Read] = {
    "order_id": JsonObject.text,
    "warehouse_code": JsonObject.text,
    "items": JsonObject.rows,
    "currency": JsonObject.text,
    "shipping_amount_incl_tax": JsonObject.number,
    "total_incl_tax": JsonObject.number,
    "order_number": JsonObject.text,
    "payment_method": JsonObject.text,
    "payment_reference": JsonObject.text,
    "ordered_at": lambda order, field: order.moment(field, Zones())[1],
    "shipped_at": lambda order, field: order.moment(field, Zones())[1],
}
"""The reader of each field of an order, in the sequence in which `wire` reads them."""

ITEM_READS: Mapping[str, Read] = {
    "item_id": JsonObject.id,
    "sku": JsonObject.text,
    "qty": JsonObject.number,
    "warehouse_code": JsonObject.text,
    "parent_item_id": JsonObject.id,
    "name": JsonObject.text,
    "price_incl_tax": JsonObject.number,
    "row_total_incl_tax": JsonObject.number,
    "tax_percent": JsonObject.number,
    "discount": JsonObject.number,
    "item_type": JsonObject.text,
}

assert ORDER_READS.keys() == ORDER.keys() and ITEM_READS.keys() == ITEM.keys()  # noqa: S101, PT018


def places_in_order(raw: Mapping[str, Any], places: Places) -> dict[str, str]:
    """For each field of the order and its parties, the path of its value in this order."""
    order = JsonObject(raw, "an order")
    found: dict[str, str] = {}
    for name, read in ORDER_READS.items():
        if name == "order_number":  # after the parties, as in `wire`
            for role, place in places.parties.items():
                found.update(_party(order, role, place))
        if (path := _first(order, places.order[name], read)) is not None:
            found[name] = path
    return found


def places_in_item(raw: Mapping[str, Any], places: Places) -> dict[str, str]:
    """For each field of an item, the path of its value in this item."""
    item = JsonObject(raw, "an item")
    return {
        name: path for name, read in ITEM_READS.items() if (path := _first(item, places.item[name], read)) is not None
    }


def items_of(raw: Mapping[str, Any], places: Places) -> list[Mapping[str, Any]]:
    """The items of an order that are objects."""
    items = replace(places.order["items"], named=False)
    return [row for row in JsonObject(raw, "an order").rows(items) if isinstance(row, dict)]


def without_items(raw: Mapping[str, Any], places: Places) -> Mapping[str, Any]:
    """The order without its items, whose paths are separate."""
    at = _first(JsonObject(raw, "an order"), places.order["items"], JsonObject.rows)
    return raw if at is None else _without(raw, at)


def _without(raw: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    first, _, rest = path.partition(".")
    if not rest:
        return {key: value for key, value in raw.items() if key != first}
    inner = raw.get(first)
    return {**raw, first: _without(inner, rest)} if isinstance(inner, dict) else raw


def _party(order: JsonObject, role: str, place: Role) -> Iterator[tuple[str, str]]:
    at = next((path for path, single in _each(place.place) if order.nested(single, place.marks) is not None), None)
    if at is not None:
        inside = walk(order.raw, at.split("."))
        yield from _in_group(JsonObject(inside, ""), role, place.inside, f"{at}.")
    yield from _in_group(order, role, place.on_order, "")


def _in_group(source: JsonObject, role: str, group: Group, prefix: str) -> Iterator[tuple[str, str]]:
    for name, field in group.fields.items():
        read = JsonObject.lines if name == "street" else JsonObject.text
        if (path := _first(source, field, read)) is not None:
            yield (name if "." in name else f"{role}.{name}"), prefix + path
    for name, keys in group.pieces:
        held = [key for key in keys if isinstance(source.raw.get(key), str) and source.raw[key].strip()]
        if held:
            yield f"{role}.{name}", " + ".join(prefix + key for key in held)


def _first(source: JsonObject, field: Field, read: Read) -> str | None:
    for path, single in _each(field):
        try:
            held = read(source, single)
        except Unreadable:
            return path  # the value exists, but is not valid
        if held is not None and held != ():
            return path
    return None


def _each(field: Field) -> Iterator[tuple[str, Field]]:
    for key in field.keys:
        yield key, replace(field, keys=(key,), paths=())
    for path in field.paths:
        yield ".".join(path), replace(field, keys=(), paths=(path,))


def lists_in(value: Any, path: str = "") -> Iterator[str]:
    """The paths in this order, or in the part of it at `path`, that lead to a list of objects."""
    rows = rows_of(value) if path else None
    if rows is not None:
        if rows and all(isinstance(row, dict) for row in rows):
            yield path
    elif isinstance(value, dict) and path.count(".") < 4:
        for key, inner in value.items():
            if key and "." not in key:
                yield from lists_in(inner, f"{path}.{key}" if path else key)
