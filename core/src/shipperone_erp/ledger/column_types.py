"""Column types: aware UTC times, closed lists of words, short lists as JSON text."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String, Text, TypeDecorator

from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.job import CreditNote

RowId = BigInteger().with_variant(Integer(), "sqlite")
"""In SQLite only INTEGER is the row's own id; any other type needs an additional index."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class UtcTime(TypeDecorator[datetime]):
    """Aware in, aware UTC out; a naive time is refused. In SQLite it is ISO text of constant width, which sorts by
    time.
    """

    impl = DateTime(timezone=True).with_variant(String(32), "sqlite")
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        if value.tzinfo is not UTC:
            value = value.astimezone(UTC)
        return value.isoformat(timespec="microseconds") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


class FreeText(TypeDecorator[str]):
    """Text from outside. Characters that no database accepts (NUL, half a surrogate pair) become question marks."""

    impl = Text()
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if "\0" in value:
            value = value.replace("\0", "?")
        return value if value.isascii() else value.encode("utf-8", "replace").decode()


class Word(TypeDecorator[StrEnum]):
    """One word of a closed list; any other is refused. `former`: earlier versions' words with their meaning."""

    impl = String(32)
    cache_ok = True

    def __init__(self, words: type[StrEnum], former: tuple[tuple[str, StrEnum], ...] = ()) -> None:
        super().__init__()
        self.words = words
        self.former = former
        self._known = {word.value: word for word in words} | dict(former)

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.value if type(value) is self.words else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self._known.get(value) or self.words(value)


class JsonTuple(TypeDecorator[tuple[Any, ...]]):
    """A short tuple as JSON text. Its numbers are integers: money is stored with its order or invoice."""

    impl = Text()
    cache_ok = True

    def __init__(self, out: Callable[[Any], Any] | None = None, back: Callable[[Any], Any] | None = None) -> None:
        super().__init__()
        self.out, self.back = out, back

    def process_bind_param(self, value: tuple[Any, ...] | None, dialect: Dialect) -> str:
        if not value:
            return "[]"
        return _encode([self.out(entry) for entry in value] if self.out else value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Any, ...]:
        if value is None or value == "[]":
            return ()
        entries = json.loads(value)
        return tuple(map(self.back, entries) if self.back else entries)


def _credit(number: str, amount: str) -> CreditNote:
    return CreditNote(number, Decimal(amount))


Differences = JsonTuple(lambda one: [one.field, one.ours, one.theirs], lambda kept: Difference(*kept))
Credits = JsonTuple(lambda one: [one.number, f"{one.amount:f}"], lambda kept: _credit(*kept))
