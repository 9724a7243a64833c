"""Reads an order's fields from one JSON object, with precise sentences about unreadable ones."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from shipperone_erp.domain.field_places import Field
from shipperone_erp.kernel.dates import NotADate, Zones, read_date
from shipperone_erp.kernel.errors import ShipperOneErpError
from shipperone_erp.kernel.json_values import Scalar, exact, is_scalar, kind, rows_of, walk


class Unreadable(ShipperOneErpError):
    """An order cannot be read. `order_id` is None where even its id cannot be read."""

    def __init__(self, sentence: str, *, order_id: str | None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.order_id = order_id


class JsonObject:
    """One JSON object while it is read: the keys read so far, and the names for sentences, its own and the tenant's."""

    __slots__ = ("order_id", "raw", "taken", "tenant", "who", "whose")

    def __init__(
        self, raw: Mapping[str, Any], who: str, order_id: str | None = None, whose: str = "", tenant: str = "NAME"
    ) -> None:
        self.raw = raw
        self.who = who
        self.whose = whose
        self.order_id = order_id
        self.tenant = tenant
        self.taken: set[str] = set()

    def inner(self, raw: object, what: str) -> "JsonObject":
        """An object inside this one."""
        who = f"{self.who}: {what}"
        if not isinstance(raw, dict):
            raise Unreadable(f"{who} is {kind(raw)}, not an object", order_id=self.order_id)
        return JsonObject(raw, who, self.order_id, self.who, self.tenant)

    def extra(self) -> dict[str, Any]:
        """The keys that no field was read from. An object that a path leads into stays whole."""
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

    def moment(self, field: Field, zones: Zones) -> tuple[datetime | None, str | None]:
        """A time in UTC, and the value as it is listed; both None where there is no date, or an empty one.

        A value that is not a date is never a time: it stays in `extra`, and is returned as text without a time.
        """
        for value, key in self._candidates(field):
            if not is_scalar(value):
                if field.named:
                    return None, kind(value)
                continue
            found = read_date(value, zones)
            if isinstance(found, NotADate):
                return None, found.text
            self._take(key)
            if found is not None:
                return found, str(value).strip()
        return None, None

    def id(self, field: Field) -> int | str | None:
        """An id, an int or a text as listed: it must be sent back to ShipperOne unchanged. As an order's
        id, 12.0 would be another order than 12.
        """
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
        """The texts under these keys, joined; absent ones are left out."""
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
            value = walk(raw, path)
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
            value = walk(self.raw, path)
            if value is not None:
                yield value, None

    def _take(self, key: str | None) -> None:
        if key is not None:
            self.taken.add(key)

    def missing(self, field: Field, what: str) -> NoReturn:
        """Refuse the order: a required field is missing."""
        keys = ", ".join(sorted(map(str, self.raw))[:20]) or "none"
        self.refuse(
            f"has {what} (looked for {field.looked_for}; its keys are {keys}); "
            f"if it is somewhere else, say where: {self._setting(field)}"
        )

    def not_a(self, field: Field, value: object, what: str) -> NoReturn:
        """Refuse the order: the value does not fit the field."""
        # the text of a party's field does not belong in a sentence that may be logged
        shown = repr(value)[:40] if is_scalar(value) and "." not in field.name else kind(value)
        self.refuse(f"{field.name} is {shown}, not {what} (found among {field.looked_for}; {self._setting(field)})")

    def _setting(self, field: Field) -> str:
        return field.setting.replace("tenants.NAME.", f"tenants.{self.tenant}.")

    def refuse(self, sentence: str) -> NoReturn:
        raise Unreadable(f"{self.who} {sentence}", order_id=self.order_id)


def _words(value: Scalar | None) -> str:
    return "" if value is None else str(value)
