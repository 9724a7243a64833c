"""Makes text from outside safe for a terminal, a log line or a JSON document.

An id, a SKU, a name or a sentence may hold escape sequences that move the cursor, line breaks that forge a row, marks
that reverse the reading direction, or invisible characters. Each of them is shown as an escape, `\\x1b`. The ledger and
`--json` keep the text itself.
"""

import re
import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: controls (C0, C1), formats (zero width, direction), surrogates, line and paragraph separators."""

_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks by their category that are shown as nothing."""


def one_line(text: str) -> str:
    """The text as one line of printable characters: everything else is an escape. Blanks are unchanged."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(sign) if _is_invisible(sign) else sign for sign in text)


def lines(text: str) -> list[str]:
    """The lines of a text that was composed here, each made safe by `one_line`. Never for a single value."""
    return [one_line(line) for line in text.split("\n")]


def label(text: str) -> str:
    """An id or a SKU for a sentence or a table: in quotes where it is empty or has blanks at an end."""
    if text and text == text.strip() and (text.isascii() or not any(map(_is_odd_blank, text))):
        return one_line(text)
    return "'" + "".join(_escape(sign) if _is_odd_blank(sign) else one_line(sign) for sign in text) + "'"


def as_cell(text: str) -> str:
    """A value for a table: as one line, in quotes where it has blanks at an end."""
    return label(text) if text != text.strip() else one_line(text)


def json_document(text: str) -> str:
    """A JSON text with JSON's own escapes for characters that control a terminal: an equal document."""
    if text.isascii():
        return text.replace("\x7f", "\\u007f")  # JSON itself escapes the controls below a blank
    return "".join(_json_escape(sign) if sign != "\n" and _is_invisible(sign) else sign for sign in text)


def _is_invisible(sign: str) -> bool:
    return unicodedata.category(sign) in _INVISIBLE or sign in _BLANK_LETTERS


def _is_odd_blank(sign: str) -> bool:
    return sign != " " and unicodedata.category(sign) == "Zs"


def _escape(sign: str) -> str:
    return _SHORT.get(sign) or _numbered(ord(sign))


def _numbered(code: int) -> str:
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _json_escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    return re.sub("(....)", r"\\u\1", units)


_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
