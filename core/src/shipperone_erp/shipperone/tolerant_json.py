"""Splits JSON without parsing it, so that one bad entry of a page hides no other.

One linear scan of the bytes finds the beginning and the end of each value; only strings and brackets matter for that.
Invalid UTF-8, NaN, an absurd exponent or depth inside a value therefore do not affect its neighbours. Each value is
then parsed by itself.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import simplejson

from shipperone_erp.kernel.json import loads
from shipperone_erp.shipperone.decoding import BOM

DEEPEST = 64
"""The most nested levels of lists and objects. An order has about five."""

LARGEST = 4 * 1024 * 1024
"""The most bytes of one order: parsed, JSON takes up to 25 times its size."""

ENTRIES_AT_MOST = 10_000
"""The most entries of one list; the guide has 100 orders a page."""

_PIECE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|"|[\[{]++|[\]}]++', re.DOTALL)
"""A whole text, a quote that begins one without an end, a run of opening or closing brackets. Never backtracks."""

NAMES_AT_MOST = 8
SEARCHED_AT_MOST = 1024 * 1024
"""The limits of the search for the bad place in a value: names on the way, and bytes."""

_QUOTE = 0x22
_OPENING = frozenset(b"[{")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb'[^\s,:\[\]{}"]++')
_BLANK = re.compile(rb"[ \t\r\n]*+")
_EXPONENT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?<![-+0-9.])[-+0-9.]++[eE][-+]?[0-9]{5,}+', re.DOTALL)


class BadJson(ValueError):
    """The error, and its byte in the whole body, counted from 0."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.what = what
        self.at = at


@dataclass(frozen=True, slots=True)
class Span:
    """One JSON value of a body, not parsed yet. `depth`: levels of lists and objects in it, itself included."""

    body: bytes | bytearray = field(repr=False)
    start: int
    end: int
    depth: int

    @property
    def is_object(self) -> bool:
        return self.body[self.start] == 0x7B

    @property
    def is_list(self) -> bool:
        return self.body[self.start] == 0x5B

    def value(self) -> Any:
        """The value, numbers as `Decimal`. BadJson if it cannot be read for any reason."""
        if self.depth > DEEPEST:
            raise BadJson(f"lists and objects are nested {self.depth} levels deep, and at most {DEEPEST} are read",
                          self.start)  # fmt: skip
        if self.end - self.start > LARGEST:
            raise BadJson(f"it has {self.end - self.start} bytes, and at most {LARGEST} are read", self.start)
        raw = self.body[self.start : self.end]
        try:
            text = raw.decode()
        except UnicodeDecodeError as failure:
            what = f"byte 0x{raw[failure.start]:02X} is not valid UTF-8"
            raise BadJson(what, self.start + failure.start) from None
        try:
            return loads(text)
        except simplejson.JSONDecodeError as failure:
            raise BadJson(*_syntax(text, failure.pos, self.start)) from None
        except ValueError as failure:
            found = next((m for m in _EXPONENT.finditer(raw) if not m[0].startswith(b'"')), None)
            if found:
                raise BadJson("a number has an invalid exponent", self.start + found.start()) from None
            raise BadJson(f"a number has too many digits ({failure})"[:200], self.start) from None

    def members(self) -> list[tuple[str | None, "Span"]]:
        """The members of an object; the name is None where it cannot be read. BadJson where they end too early."""
        found: list[tuple[str | None, Span]] = []

        def take(at: int) -> int:
            name = span_at(self.body, at)
            if self.body[name.start] != _QUOTE:
                raise BadJson("a name in quotes is expected", name.start)
            colon = _after_blank(self.body, name.end)
            if self.body[colon : colon + 1] != b":":
                raise BadJson("a colon is expected", colon)
            member = span_at(self.body, colon + 1)
            try:
                named: str | None = str(name.value())
            except BadJson:
                named = None
            found.append((named, member))
            return member.end

        self._each(b"}", take)
        return found

    def elements(self) -> list["Span"]:
        """The entries of a list. BadJson where they end too early, or are too many."""
        found: list[Span] = []

        def take(at: int) -> int:
            found.append(span_at(self.body, at))
            if len(found) > ENTRIES_AT_MOST:
                raise BadJson(f"there are more than {ENTRIES_AT_MOST} entries in one list", at)
            return found[-1].end

        self._each(b"]", take)
        return found

    def _each(self, closing: bytes, take: Callable[[int], int]) -> None:
        at = _after_blank(self.body, self.start + 1)
        if self.body[at : at + 1] == closing:
            return
        while True:
            at = _after_blank(self.body, take(at))
            following = self.body[at : at + 1]
            if following == closing:
                return
            if following != b",":
                raise BadJson(f"a comma or {closing.decode()} is expected", at)
            at += 1


def whole(body: bytes | bytearray) -> Span:
    """The one value of a body. BadJson if it ends too early, or something follows."""
    span = span_at(body, len(BOM) if body.startswith(BOM) else 0)
    rest = _after_blank(body, span.end)
    if rest < len(body):
        raise BadJson("something follows the end of the JSON", rest)
    return span


def span_at(body: bytes | bytearray, at: int) -> Span:
    """The value that begins there, after blanks. BadJson if there is none, or it does not end."""
    start = _after_blank(body, at)
    if start >= len(body):
        raise BadJson("it is cut off: a value is expected", len(body))
    if body[start] not in _OPENING:
        scalar = _STRING.match(body, start) if body[start] == _QUOTE else _SCALAR.match(body, start)
        if scalar is None:
            cut = body[start] == _QUOTE
            raise BadJson("it is cut off inside of a text" if cut else "a value is expected", start)
        return Span(body, start, scalar.end(), 0)
    open_now = depth = 0
    for piece in _PIECE.finditer(body, start):
        first = body[piece.start()]
        length = piece.end() - piece.start()
        if first in _OPENING:
            open_now += length
            depth = max(depth, open_now)
        elif first != _QUOTE:
            if length >= open_now:
                return Span(body, start, piece.start() + open_now, depth)
            open_now -= length
        elif length == 1:
            raise BadJson("it is cut off inside of a text", piece.start())
    raise BadJson(f"it is cut off: {open_now} lists or objects are still open", len(body))


def place(body: bytes | bytearray, at: int) -> str:
    """The position of that byte, as text: "byte 231 (line 2, column 17)", all counted from 1."""
    line = body.count(b"\n", 0, at) + 1
    column = at - body.rfind(b"\n", 0, at)
    return f"byte {at + 1} (line {line}, column {column})"


def path_to(span: Span, at: int) -> str:
    """The names that lead to the value with that byte: "customer.name"; empty if they cannot be determined."""
    names: list[str] = []
    try:
        # each step reads the value once more
        while span.depth and len(names) < NAMES_AT_MOST and span.end - span.start <= SEARCHED_AT_MOST:
            inner = span.members() if span.is_object else [(str(n), one) for n, one in enumerate(span.elements())]
            name, span = next((name, one) for name, one in inner if one.start <= at < one.end)
            names.append(name or "?")
    except (BadJson, StopIteration):
        pass
    shown = ".".join(names)
    return "".join(character for character in shown if character.isprintable())[:80]


def _syntax(text: str, at: int, start: int) -> tuple[str, int]:
    before = text[:at]
    following = text[at : at + 9]
    for word in ("NaN", "Infinity", "-Infinity"):
        if following.startswith(word):
            return f"{word} is no number", start + len(before.encode())
    control = at < len(text) and ord(text[at]) < 0x20 and '"' in before
    what = f"control character 0x{ord(text[at]):02X} inside of a text" if control else "this is no JSON"
    return what, start + len(before.encode())


def _after_blank(body: bytes | bytearray, at: int) -> int:
    found = _BLANK.match(body, at)
    return found.end() if found else at
