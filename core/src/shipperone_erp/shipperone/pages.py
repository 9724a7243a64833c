"""Parses the body of a page into its entries. One that cannot be read hides no other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shipperone_erp.kernel.json import loads
from shipperone_erp.shipperone.decoding import in_utf8
from shipperone_erp.shipperone.envelopes import rows_in
from shipperone_erp.shipperone.tolerant_json import DEEPEST, BadJson, Span, path_to, place, whole

AT_ONCE = 2 * 1024 * 1024
"""Bytes of a page up to which it is parsed in one piece, which temporarily needs up to 25 times as much memory."""

RAW_AT_MOST = 20_000
"""The most characters that are kept of an entry that cannot be read."""


@dataclass(frozen=True, slots=True)
class Garbled:
    """An entry of a page that cannot be read as JSON. `sentence`: the error and its position, never the content.

    `legible` are the members that can be read, `illegible` the names of the others.
    """

    sentence: str
    legible: Mapping[str, Any] = field(repr=False)
    illegible: frozenset[str]
    raw: str = field(repr=False)


def entries_in(body: bytes | bytearray, content_type: str = "", *, first: bool = True) -> Iterable[Any]:
    """The entries of a page as JSON values, `Garbled` among them; one at a time where the page is large.

    BadJson if the page as a whole is no JSON; LookupError, with the value as its argument, if it holds no list.
    """
    body = in_utf8(body, content_type)
    if len(body) <= AT_ONCE:
        try:
            value = parsed(body.decode("utf-8-sig"))
            if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
                value = parsed(value)  # JSON in a text
            return _listed(rows_in(value, first=first), value)
        except ValueError:
            pass
    return _taken_apart(body, first)


def _taken_apart(body: bytes | bytearray, first: bool) -> Iterator[Any]:
    span, of = whole(body), "the page"
    if not span.depth:
        value = span.value()
        if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
            span, of = whole(value.encode(errors="replace")), "the text that the page is"
        else:
            return iter(_listed(rows_in(value, first=first), value))
    return (_entry(entry, of) for entry in _listed(rows_in(span, first=first), span))


def _listed(rows: Sequence[Any] | None, value: Any) -> Sequence[Any]:
    if rows is None:
        raise LookupError(value)
    return rows


def _entry(entry: Any, of: str) -> Any:
    if not isinstance(entry, Span):
        return entry
    try:
        return storable(entry.value())
    except BadJson as failure:
        return _garbled(entry, failure, of)


def _garbled(entry: Span, failure: BadJson, of: str) -> Garbled:
    path = path_to(entry, failure.at)
    where = f"at {place(entry.body, failure.at)} of {of}{f', in {path}' if path else ''}"
    legible: dict[str, Any] = {}
    illegible: set[str] = set()
    try:
        for name, member in entry.members() if entry.is_object else ():
            try:
                if name is not None:
                    legible[name] = storable(member.value())
            except BadJson:
                illegible.add(str(name))
    except BadJson:
        legible.clear()  # the end of its members is uncertain
    raw = entry.body[entry.start : entry.start + 4 * RAW_AT_MOST].decode(errors="replace")
    return Garbled(f"{failure.what}, {where}", legible, frozenset(illegible), storable(raw[:RAW_AT_MOST]))


def parsed(text: str) -> Any:
    """JSON with exact numbers. ValueError if it is invalid, or is nested deeper than any real value.

    Half a surrogate and a NUL are legal in JSON, but no database stores them: one such name must not stop a queue.
    """
    value = loads(text)
    if deeper_than(value, DEEPEST):
        raise ValueError("lists and objects are nested too deeply")
    return storable(value) if "\\u" in text else value


def deeper_than(value: Any, levels: int) -> bool:
    """Lists and objects are nested in more levels than this."""
    inner = [value]
    for _ in range(levels):
        inner = [
            entry
            for one in inner
            for entry in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(entry, dict | list)
        ]
        if not inner:
            return False
    return True


def storable(value: Any) -> Any:
    """The value with its texts as a database can store them."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode().replace("\0", "�")
    if isinstance(value, list):
        return [storable(entry) for entry in value]
    if isinstance(value, dict):
        return {storable(key): storable(entry) for key, entry in value.items()}
    return value
