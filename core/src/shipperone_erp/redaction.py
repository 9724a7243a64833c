"""Keeping secrets out of what is written: out of texts that others made, which may hold one in any form.

Settings hold secrets hidden (`secrets`). A connector's exception, ShipperOne's error page or a driver's message know
nothing of that.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote

from pydantic import BaseModel, SecretStr

MASK = "********"

SHORTEST = 4
"""Characters: what is shorter stands in every sentence, and is guessed sooner than read."""

LINE_AT_LEAST = 16
"""Characters of one line of a secret of several (a private key), from which on the line alone is taken for it."""


class Redaction:
    """Takes secrets out of texts, however they are written there. May be called from any thread.

    Secrets are added and never taken away: what is under way may still hold the one of before.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """From now on these are taken out too."""
        found = (form for secret in secrets for form in _forms(secret))
        forms = {*self._forms, *(form for form in found if len(form) >= SHORTEST)}
        # the longest first: one may be a part of another
        self._forms = tuple(sorted(forms, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """The text with asterisks in their place."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is written in plain text, in addresses, JSON (PHP's too), HTML and Python."""
    lines = secret.splitlines()
    for text in {secret, secret.strip(), *(line for line in lines if len(lines) > 1 and len(line) >= LINE_AT_LEAST)}:
        yield from (text, quote(text, safe=""), quote(text), quote_plus(text), html.escape(text), repr(text)[1:-1])
        for quoted in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            yield from (quoted, quoted.replace("/", "\\/"))


_IN_ADDRESS = re.compile(r"(://[^\s/:@]*:)(?!\d{1,5}[/?#])(\S*)(?=@)")
_NAMED = re.compile(
    r"((?<![^\s?&;])(?:password|passwd|pwd|secret|token|api_?key)=)(\{[^}]*\}|[^\s;&,'\":?%@$][^\s;&,'\"]*)",
    re.IGNORECASE,
)
"""As connection strings write them. In an SQL statement a name is followed by a bind or by a quoted text."""


def passwords_in(text: str) -> Iterator[str]:
    """What an address or a connection string gives away: `user:PASSWORD@host`, `password=PASSWORD`."""
    for pattern in (_IN_ADDRESS, _NAMED):
        for found in pattern.finditer(text):
            password = found[2]
            # which of several @ ends it depends on who reads the address
            yield from {password, password.partition("@")[0], unquote(password), password.strip("{}")} - {""}


def without_passwords(text: str) -> str:
    """An address or a connection string with asterisks for its password."""
    for pattern in (_IN_ADDRESS, _NAMED):
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
