"""From ShipperOne's JSON to a `FulfillmentOrder`: exact numbers, aware times, nothing guessed, nothing lost.

absent      null, an empty text, MySQL's zero date: the field is None, never 0
not it      a usual name that holds another kind of thing (`shipping: 4.99`, `customer: 17`): the next name is tried,
            and what was found stays in `extra`
unreadable  what an order cannot do without is absent; or what is there is certainly meant to be the field, yet is no
            number, no time or no id; or a place that the tenant has named holds another kind of thing. Dropping such
            a value quietly could invoice a wrong amount or on a wrong day, so that a person looks at it
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeGuard

from shipperone_erp.errors import ShipperOneErpError
from shipperone_erp.model.order import FulfillmentOrder, OrderItem, Party
from shipperone_erp.shipperone.names import Field, Group, Places, Role, Steps

DIGITS_AT_MOST = 30
"""Before or after the decimal point: past this it is no amount, and writing it out plainly would fill the memory."""

Scalar = str | int | float | Decimal
SCALARS = frozenset({str, int, float, Decimal})


class Unreadable(ShipperOneErpError):
    """An order cannot be read. `order_id` is None where not even its id can."""

    def __init__(self, sentence: str, *, order_id: str | None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.order_id = order_id


def read_order(raw: Mapping[str, Any], fields: Mapping[str, str], *, tenant: str = "NAME") -> FulfillmentOrder:
    """The order that `raw` (JSON as `model.text.loads` gives it) is about; `fields` is the tenant's table of places.

    Unreadable with a sentence that names the item, the keys that were looked for, and the setting that would cure it.
    """
    return OrderWire(fields, tenant=tenant).read(raw)


class OrderWire:
    """Reads the orders of one tenant; the places of its fields are worked out once."""

    def __init__(self, fields: Mapping[str, str], *, tenant: str = "NAME") -> None:
        self._places = Places(fields, tenant)

    def read(self, raw: object) -> FulfillmentOrder:
        """As `read_order`; also refuses what is not a JSON object."""
        if not isinstance(raw, Mapping):
            raise Unreadable(f"the queue lists {_kind(raw)} where an order should be", order_id=None)
        order = _Object(raw, "an order")
        order_id = order.text(self._places.order["order_id"])
        if order_id is None:
            order.missing(self._places.order["order_id"], "no id")
        order.who, order.order_id = f"order {order_id}", order_id
        return self._order(order, order_id)

    def _order(self, order: "_Object", order_id: str) -> FulfillmentOrder:
        fields = self._places.order
        warehouse = order.text(fields["warehouse_code"])
        if warehouse is None:
            order.missing(fields["warehouse_code"], "no warehouse")
        items = self._items(order, warehouse)
        currency = order.text(fields["currency"])
        parties = {role: _party(order, places) for role, places in self._places.parties.items()}
        return FulfillmentOrder(
            order_id=order_id,
            warehouse_code=warehouse,
            items=items,
            currency=currency.upper() if currency else None,
            shipping_amount_incl_tax=order.number(fields["shipping_amount_incl_tax"]),
            total_incl_tax=order.number(fields["total_incl_tax"]),
            order_number=order.text(fields["order_number"]),
            payment_method=order.text(fields["payment_method"]),
            payment_reference=order.text(fields["payment_reference"]),
            ordered_at=order.moment(fields["ordered_at"]),
            shipped_at=order.moment(fields["shipped_at"]),
            **parties,
            extra=order.extra(),
        )

    def _items(self, order: "_Object", warehouse: str) -> tuple[OrderItem, ...]:
        field = self._places.order["items"]
        entries = order.rows(field)
        if not entries:
            order.missing(field, "no items")
        items = tuple(
            self._item(order.inner(entry, f"the {number}. item"), warehouse) for number, entry in enumerate(entries, 1)
        )
        seen: set[str] = set()
        for item in items:
            if str(item.item_id) in seen:
                order.refuse(f"lists item {item.item_id} twice: only its id tells one item from another")
            seen.add(str(item.item_id))
        return items

    def _item(self, item: "_Object", warehouse: str) -> OrderItem:
        fields = self._places.item
        item_id = item.id(fields["item_id"])
        if item_id is None:
            item.missing(fields["item_id"], "no id")
        item.who = f"{item.whose}: item {item_id}"
        sku = item.text(fields["sku"])
        if sku is None:
            item.missing(fields["sku"], "no SKU")
        qty = item.number(fields["qty"])
        if qty is None:
            item.missing(fields["qty"], "no quantity")
        if qty <= 0:
            # neither a line to leave out nor one to confirm: ShipperOne compares our items with its own one by one
            item.refuse(f"has the quantity {qty}: there is nothing to reserve or to invoice")
        own_warehouse = item.text(fields["warehouse_code"])
        parent = item.id(fields["parent_item_id"])
        return OrderItem(
            item_id=item_id,
            sku=sku,
            name=item.text(fields["name"]),
            qty=qty,
            warehouse_code=None if own_warehouse == warehouse else own_warehouse,
            price_incl_tax=item.number(fields["price_incl_tax"]),
            row_total_incl_tax=item.number(fields["row_total_incl_tax"]),
            tax_percent=item.number(fields["tax_percent"]),
            discount=item.number(fields["discount"]),
            parent_item_id=None if parent in (0, "0") else parent,
            item_type=item.text(fields["item_type"]),
            extra=item.extra(),
        )


class _Object:
    """One JSON object while it is read: which of its keys were taken, and whose it is, for sentences."""

    __slots__ = ("order_id", "raw", "taken", "who", "whose")

    def __init__(self, raw: Mapping[str, Any], who: str, order_id: str | None = None, whose: str = "") -> None:
        self.raw = raw
        self.who = who
        self.whose = whose
        self.order_id = order_id
        self.taken: set[str] = set()

    def inner(self, raw: object, what: str) -> "_Object":
        """An object inside of this one."""
        who = f"{self.who}: {what}"
        if not isinstance(raw, dict):
            raise Unreadable(f"{who} is {_kind(raw)}, not an object", order_id=self.order_id)
        return _Object(raw, who, self.order_id, self.who)

    def extra(self) -> dict[str, Any]:
        """What no field was made of. An object that a path leads into stays whole."""
        taken = self.taken
        return {key: value for key, value in self.raw.items() if key not in taken}

    def text(self, field: Field) -> str | None:
        """Text; a number as it is written."""
        value = self._scalar(field)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, float):
            self.not_a(field, value, "exact text")
        return str(value)

    def number(self, field: Field) -> Decimal | None:
        """A number, or the text of one."""
        value = self._scalar(field)
        if value is None:
            return None
        number = exact(value)
        if number is None:
            self.not_a(field, value, "a decimal number")
        return number

    def moment(self, field: Field) -> datetime | None:
        """A time in UTC; one without an offset is UTC already, as Magento has it."""
        value = self._scalar(field)
        if value is None or (isinstance(value, str) and value.startswith("0000-00-00")):
            return None
        moment = utc(str(value))
        if moment is None:
            self.not_a(field, value, "a time such as 2026-03-31T22:30:00+02:00 or 2026-03-31 20:30:00")
        return moment

    def id(self, field: Field) -> int | str | None:
        """An item's id, an int or a text as it came: it goes back to ShipperOne just so."""
        value = self._scalar(field)
        if isinstance(value, float | Decimal):
            self.not_a(field, value, "a whole number or a text, as an id is")
        return value

    def rows(self, field: Field) -> Sequence[Any]:
        """The entries of a list; empty if there is none."""
        for value, key in self._candidates(field):
            entries = rows_of(value)
            if entries is not None:
                self._take(key)
                return entries
            if field.named:
                self.not_a(field, value, "a list")
        return ()

    def nested(self, field: Field, marks: frozenset[str]) -> Mapping[str, Any] | None:
        """An object that has one of these keys, if one of the places holds one."""
        for value, key in self._candidates(field):
            if isinstance(value, dict) and not marks.isdisjoint(value):
                self._take(key)
                return value
        return None

    def lines(self, field: Field) -> str | None:
        """Text that may come as a list of lines, or with line breaks in it: joined by commas."""
        for value, key in self._candidates(field):
            parts = value if isinstance(value, list) else [value]
            if all(part is None or is_scalar(part) for part in parts):
                whole = ", ".join(line.strip() for part in parts for line in _words(part).splitlines() if line.strip())
                if whole:
                    self._take(key)
                    return whole
            elif field.named:
                self.not_a(field, value, "text")
        return None

    def joined(self, keys: Sequence[str], by: str) -> str | None:
        """The texts under these keys, those that there are."""
        found = {key: self.raw[key].strip() for key in keys if isinstance(self.raw.get(key), str)}
        self.taken.update(found)
        return by.join(part for part in found.values() if part) or None

    def _scalar(self, field: Field) -> Scalar | None:
        raw = self.raw
        for key in field.keys:
            if key not in raw or (key in self.taken and not field.named):
                continue
            value = raw[key]
            if value is None:
                self.taken.add(key)
                continue
            if is_scalar(value):
                self.taken.add(key)
                if isinstance(value, str) and not value.strip():
                    continue
                return value
            if field.named:
                self.not_a(field, value, "a single value")
        for path in field.paths:
            if path[0] not in raw:
                continue
            value = _walk(raw, path)
            if is_scalar(value) and not (isinstance(value, str) and not value.strip()):
                return value
            if field.named and isinstance(value, (dict, list, bool)):
                self.not_a(field, value, "a single value")
        return None

    def _candidates(self, field: Field) -> Iterator[tuple[Any, str | None]]:
        for key in field.keys:
            if self.raw.get(key) is not None and (field.named or key not in self.taken):
                yield self.raw[key], key
        for path in field.paths:
            value = _walk(self.raw, path)
            if value is not None:
                yield value, None

    def _take(self, key: str | None) -> None:
        if key is not None:
            self.taken.add(key)

    def missing(self, field: Field, what: str) -> NoReturn:
        """What the order cannot do without is not there."""
        keys = ", ".join(sorted(map(str, self.raw))[:20]) or "none"
        self.refuse(
            f"has {what} (looked for {field.looked_for}; its keys are {keys}); "
            f"if it is somewhere else, say where: {field.setting}"
        )

    def not_a(self, field: Field, value: object, what: str) -> NoReturn:
        """What is there is not what the field needs."""
        # the text of a person's field does not belong into a sentence that may be logged
        shown = repr(value)[:40] if is_scalar(value) and "." not in field.name else _kind(value)
        self.refuse(f"{field.name} is {shown}, not {what} (found among {field.looked_for}; {field.setting})")

    def refuse(self, sentence: str) -> NoReturn:
        raise Unreadable(f"{self.who} {sentence}", order_id=self.order_id)


def _party(order: _Object, role: Role) -> Party | None:
    inside = _Object(order.nested(role.place, role.marks) or {}, order.who, order.order_id)
    found = _fields(inside, role.inside) if inside.raw else {}
    if role.on_order.fields:
        for name, text in _fields(order, role.on_order).items():
            found.setdefault(name, text)
    extra = inside.extra()
    return Party(**found, extra=extra) if found or extra else None


def _fields(source: _Object, group: Group) -> dict[str, str]:
    found = {}
    for name, field in group.fields.items():
        text = source.lines(field) if name == "street" else source.text(field)
        if text is not None:
            found[name] = text
    for name, keys in group.pieces:
        if name not in found and (text := source.joined(keys, ", " if name == "street" else " ")):
            found[name] = text
    return found


def exact(value: Scalar) -> Decimal | None:
    """The number as it is written, with its decimals; None for what is no finite number or is a binary float."""
    if isinstance(value, float):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        number = Decimal(value)
    except (InvalidOperation, ValueError):
        return None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -DIGITS_AT_MOST or number.adjusted() > DIGITS_AT_MOST:
        return None
    return number


_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)


def utc(text: str) -> datetime | None:
    """ISO 8601, or `YYYY-MM-DD HH:MM:SS`, in UTC where it does not say; a bare date is its noon. None if it is none.

    Noon, because midnight in UTC would be the day before wherever the clocks are behind.
    """
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) + (timedelta(0) if ":" in text else timedelta(hours=12))


def rows_of(value: object) -> Sequence[Any] | None:
    """A list; also an object with numbers for keys, which is what PHP makes of a list with gaps. Else None."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and value and all(isinstance(key, str) and key.isdecimal() for key in value):
        return list(value.values())
    return None


def is_scalar(value: object) -> TypeGuard[Scalar]:
    """Text or a number. True and false are neither."""
    return type(value) in SCALARS


def _walk(raw: Any, path: Steps) -> Any:
    for step in path:
        if isinstance(raw, dict):
            raw = raw.get(step)
        elif isinstance(raw, list) and step.isdecimal() and int(step) < len(raw):
            raw = raw[int(step)]
        else:
            return None
    return raw


def _words(value: Scalar | None) -> str:
    return "" if value is None else str(value)


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return "a text" if isinstance(value, str) else "a number"
