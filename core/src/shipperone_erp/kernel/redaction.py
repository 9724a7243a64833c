"""Keeping secrets out of what is written: out of texts that others made, which may hold one in any form.

Settings hold secrets hidden (`connector.secret`). A connector's exception, ShipperOne's error page or a driver's
message do not know them.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus, unquote

from pydantic import BaseModel, SecretStr

MASK = "********"

SHORTEST = 4
"""Characters: what is shorter stands in every sentence, and is guessed sooner than read."""

IN_ANY_CASE_FROM = 8
"""Characters from which on upper and lower case count the same: what is shorter may be a word, such as a name."""

LINE_AT_LEAST = 16
"""Characters of one line of a secret of several (a private key), from which on the line alone is taken for it."""

DECODED = 3
"""How often escapes are undone, one layer after another: JSON in JSON, an address in an address."""


class Redaction:
    """Takes secrets out of texts, however they are written there: in any case, and with any escapes of addresses,
    JSON, HTML and Python. May be called from any thread.

    Secrets are added and never taken away: what is under way may still hold the one of before.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._exact: frozenset[str] = frozenset()
        self._in_any_case: frozenset[str] = frozenset()
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """From now on these are taken out too."""
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        self._exact |= {form for form in forms if len(form) < IN_ANY_CASE_FROM}
        self._in_any_case |= {_fold(form) for form in forms if len(form) >= IN_ANY_CASE_FROM}

    def __call__(self, text: str) -> str:
        """The text with asterisks in their place."""
        if not self._exact and not self._in_any_case:
            return text
        found: set[tuple[int, int]] = set()
        view = _View(text, None)
        for _ in range(DECODED + 1):
            found.update(view.spans(self._exact, self._in_any_case))
            decoded = view.decoded()
            if decoded is None:
                break
            view = decoded
        return _masked(text, sorted(found)) if found else text


@dataclass(frozen=True, slots=True)
class _View:
    """A text, or one whose escapes were undone. `places`: where each of its characters begins in the original, and
    where the last one ends; None while it is the original itself."""

    text: str
    places: list[int] | None

    def spans(self, exact: Iterable[str], in_any_case: Iterable[str]) -> Iterator[tuple[int, int]]:
        """Where in the original one of these is; `in_any_case` are folded."""
        folded = _fold(self.text)
        for text, forms in ((self.text, exact), (folded, in_any_case)):
            for form in forms:
                start = text.find(form)
                while start >= 0:
                    end = start + len(form)
                    yield (start, end) if self.places is None else (self.places[start], self.places[end])
                    start = text.find(form, end)

    def decoded(self) -> "_View | None":
        """The text with one layer of escapes undone; None if there is none."""
        parts: list[str] = []
        places: list[int] = []
        at = 0
        for found in _ESCAPES.finditer(self.text):
            plain = _unescaped(found[0])
            parts += (self.text[at : found.start()], plain)
            places += range(at, found.start())
            # an escape belongs to its first character: a secret that ends before it ends where the escape begins
            places += [found.start()] * len(plain)
            at = found.end()
        if not parts:
            return None
        parts.append(self.text[at:])
        places += range(at, len(self.text) + 1)
        return _View("".join(parts), places if self.places is None else [self.places[place] for place in places])


_ESCAPES = re.compile(
    r"%[0-9a-f]{2}"  # addresses; of a character beyond ASCII each byte is one
    r"|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\[\"'\\/nrt]"  # JSON and Python
    r"|&(?:\#\d{1,7}|\#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos|sol|equals|plus|colon|semi|num|percnt|commat|excl|quest);",
    re.IGNORECASE,
)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}


def _unescaped(escape: str) -> str:
    """The one character of an escape."""
    if escape[0] == "&":
        return html.unescape(escape)[:1]
    if escape[0] == "%":
        return chr(int(escape[1:], 16))
    if len(escape) > 2:
        return chr(int(escape[2:], 16))
    return _CONTROLS.get(escape[1], escape[1])


def _fold(text: str) -> str:
    """In lower case, a character each; a blank is a plus, as in the parameters of an address."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(sign if len(sign.lower()) != 1 else sign.lower() for sign in text)
    return lower.replace(" ", "+")


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in spans:
        if start >= at:
            parts += (text[at:start], MASK)
        at = max(at, end)
    return "".join([*parts, text[at:]])


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is written in plain text, in addresses, JSON (PHP's too), HTML and Python."""
    lines = secret.splitlines()
    for text in {secret, secret.strip(), *(line for line in lines if len(lines) > 1 and len(line) >= LINE_AT_LEAST)}:
        yield from (text, quote(text, safe=""), quote(text), quote_plus(text), html.escape(text), repr(text)[1:-1])
        # as bytes of an address that are undone one by one
        yield text.encode("utf-8", "surrogatepass").decode("latin-1")
        for quoted in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            yield from (quoted, quoted.replace("/", "\\/"))


_IN_ADDRESS = re.compile(r"(://[^\s/:@]*:)(?!\d{1,5}[/?#])(\S*)(?=@)")
_NAMED = re.compile(
    r"((?<![^\s?&;])(?:password|passwd|pwd|secret|token|api_?key)=)(\{[^}]*\}|[^\s;&,'\":?%@$][^\s;&,'\"]*)",
    re.IGNORECASE,
)
"""As connection strings write them. In an SQL statement a name is followed by a bind or by a quoted text."""
_PARAMETER = re.compile(
    r"([?&](?:[\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|signature)|key|sig|auth)=)"
    r"(?!\$?\{)([^\s&#'\"]+)",
    re.IGNORECASE,
)
"""As the parameters of an address name them; a variable that is still to be put in is none."""


def passwords_in(text: str) -> Iterator[str]:
    """What an address or a connection string gives away: `user:PASSWORD@host`, `password=PASSWORD`."""
    for pattern in (_IN_ADDRESS, _NAMED, _PARAMETER):
        for found in pattern.finditer(text):
            password = found[2]
            # which of several @ ends it depends on who reads the address
            yield from {password, password.partition("@")[0], unquote(password), password.strip("{}")} - {""}


def without_passwords(text: str) -> str:
    """An address or a connection string with asterisks for its password."""
    for pattern in (_IN_ADDRESS, _NAMED, _PARAMETER):
        text = pattern.sub(lambda found: found[1] + MASK if found[2] else found[0], text)
    return text


def secrets_in(settings: object) -> Iterator[str]:
    """Every secret that these settings hold, at whatever depth, the passwords inside of addresses included."""
    if isinstance(settings, SecretStr):
        yield settings.get_secret_value()
    elif isinstance(settings, str):
        yield from passwords_in(settings)
    elif isinstance(settings, BaseModel):
        yield from secrets_in(vars(settings))
    elif isinstance(settings, Mapping):
        for entry in settings.values():
            yield from secrets_in(entry)
    elif isinstance(settings, list | tuple | set | frozenset):
        for entry in settings:
            yield from secrets_in(entry)
