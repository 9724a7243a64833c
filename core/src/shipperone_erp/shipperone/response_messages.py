"""The message of an answer, for operators. No decision depends on its words: they are translated, and change.

Magento's form is `{"message": "… %1 … %name …", "parameters": [...] or {...}, "errors": [the same, nested]}`.
"""

import html
import re
from typing import Any

from shipperone_erp.kernel.json import dumps

LONGEST = 1000
"""The most characters of a message; the answer itself is stored beside it."""

HEAD = 16 * 1024
"""The characters of an answer that are searched for a message: it comes first."""

ENTRIES = 20
"""The most messages of a list, and parameters of one, that are read."""

_PLACEHOLDER = re.compile(r"%(\d+|[A-Za-z_]\w*)")
_TITLE = re.compile(r"<title\b", re.IGNORECASE)
_REPORT = re.compile(
    r"\b(webapi-[0-9a-f]{6,})\b|(?:report\s*id|record\s*number)\W{1,4}([A-Za-z0-9][\w-]{3,63})", re.IGNORECASE
)
_MESSAGE_KEYS = ("message", "error_message", "error_description", "error", "detail", "title")


EXCERPT = 200
"""The most characters of an error without a message that are shown unchanged."""


def of_json(value: Any) -> str:
    """The message of an error body, its placeholders filled in; empty if there is none."""
    return _tidy(_message(value))


def excerpt(text: str) -> str:
    """The beginning of an error that has no message. Not for a queue's answer, which may hold personal data."""
    text = _tidy(text[:HEAD])
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"


def of_page(text: str) -> str:
    """A description of a body that is not JSON, with a page's title; never its content, which may be an order's."""
    if not text or text.isspace():
        return "an empty body"
    start = text[:HEAD].lstrip()
    if start.startswith("<"):
        title = _title(start)
        return f"a page, “{title}”" if title else "a page without a title"
    if start.startswith(("{", "[", '"')):
        return f"broken JSON ({len(text)} characters)"
    return f"no JSON ({len(text)} characters)"


def report_id(text: str) -> str | None:
    """The id under which ShipperOne has logged its own failure, if the text names one."""
    found = _REPORT.search(text[:HEAD])
    return (found.group(1) or found.group(2)) if found else None


def _title(page: str) -> str:
    # by hand: a pattern would search for the end from each of a thousand beginnings
    found = _TITLE.search(page)
    after = page.find(">", found.end()) + 1 if found else 0
    return _tidy(html.unescape(page[after:].partition("<")[0])) if after else ""


def _message(value: Any, depth: int = 8) -> str:
    if isinstance(value, str):
        return value[:HEAD]
    if depth == 0:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_message(one, depth - 1) for one in value[:ENTRIES])))[:HEAD]
    if not isinstance(value, dict):
        return ""
    words = next((found for key in _MESSAGE_KEYS if (found := _message(value.get(key), depth - 1))), "")
    words = _filled(words[: 2 * LONGEST], value.get("parameters"))
    return "; ".join(filter(None, [words, _message(value.get("errors"), depth - 1)]))[:HEAD]


def _filled(words: str, parameters: Any) -> str:
    if isinstance(parameters, list):
        named = {str(number): entry for number, entry in enumerate(parameters, 1)}
    elif isinstance(parameters, dict):
        named = parameters
    else:
        return words
    # an unknown placeholder is kept: it is more informative than a gap
    return _PLACEHOLDER.sub(lambda found: _word(named[found[1]]) if found[1] in named else found[0], words)


def _word(value: Any) -> str:
    return (value if isinstance(value, str) else "" if value is None else dumps(value))[:LONGEST]


def _tidy(text: str) -> str:
    text = " ".join(text.split())
    text = "".join(character for character in text if character.isprintable())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
