"""Finds secrets, and removes them from texts of other programs, which may hold one in any form.

Settings hold secrets hidden (`connector.secret`). A connector's exception, ShipperOne's error page or a driver's
message may contain them.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from urllib.parse import quote, quote_plus, unquote

from pydantic import BaseModel, SecretStr

MASK = "********"

SHORTEST = 4
"""Characters: a shorter secret would match in every sentence, and is guessed more easily than read."""

IN_ANY_CASE_FROM = 8
"""Characters from which on case is ignored: a shorter secret may be a word, such as a name."""

LINE_AT_LEAST = 16
"""Characters from which on one line of a secret of several lines (a private key) counts as the secret."""

DECODED = 3
"""The number of layers of escapes that are decoded: JSON in JSON, an address in an address."""


class Redaction:
    """Removes secrets from texts, however they are written: in any case, with the escapes of addresses, JSON, HTML,
    Python.

    Thread-safe. Secrets are added and never removed: texts under way may still hold the previous one.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._exact: frozenset[str] = frozenset()
        self._in_any_case: frozenset[str] = frozenset()
        self._shortest = 0
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Remove these secrets too from now on."""
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        self._exact |= {form for form in forms if len(form) < IN_ANY_CASE_FROM}
        self._in_any_case |= {_fold(form) for form in forms if len(form) >= IN_ANY_CASE_FROM}
        self._shortest = min(map(len, self._exact | self._in_any_case), default=0)

    def __call__(self, text: str) -> str:
        """The text with asterisks in place of the secrets."""
        # a text that is too short holds no secret, however it is escaped: most answers to a confirmation
        if len(text) < self._shortest or not self._shortest:
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
    """A text, original or decoded. `places`: the position of each of its characters in the original, and the end of the
    last one; None for the original itself.
    """

    text: str
    places: list[int] | None

    def spans(self, exact: Iterable[str], in_any_case: Iterable[str]) -> Iterator[tuple[int, int]]:
        """The positions of these forms in the original; `in_any_case` are folded."""
        folded = _fold(self.text)
        for text, forms in ((self.text, exact), (folded, in_any_case)):
            for form in forms:
                start = text.find(form)
                while start >= 0:
                    end = start + len(form)
                    yield (start, end) if self.places is None else (self.places[start], self.places[end])
                    start = text.find(form, end)

    def decoded(self) -> "_View | None":
        """The text with one layer of escapes decoded; None if there is none."""
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
    """In lower case, character by character; a blank is a plus, as in the parameters of an address."""
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
        yield from _in_base64(text.encode("utf-8", "surrogatepass"))
        # as bytes of an address that are decoded one by one
        yield text.encode("utf-8", "surrogatepass").decode("latin-1")
        for quoted in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            yield from (quoted, quoted.replace("/", "\\/"))


def _in_base64(secret: bytes) -> Iterator[str]:
    """The characters that any text with the secret in it has in base64, as `user:PASSWORD` in a header of HTTP."""
    if len(secret) < IN_ANY_CASE_FROM:
        return
    for before in range(3):  # bytes before it: three bytes are four characters
        ends = (before + len(secret)) * 8 // 6
        whole = base64.b64encode(bytes(before) + secret).decode()[-(-before * 8 // 6) : ends]
        yield from {whole, whole.translate(_URL_SAFE)}


_URL_SAFE = str.maketrans("+/", "-_")

_IN_ADDRESS = re.compile(r"(://[^\s/:@]*:)(?!\d{1,5}[/?#])(\S*)(?=@)")
_NAMED = re.compile(
    r"((?<![^\s?&;])(?:password|passwd|pwd|secret|token|api_?key)=)(\{[^}]*\}|[^\s;&,'\":?%@$][^\s;&,'\"]*)",
    re.IGNORECASE,
)
"""As connection strings write them. In an SQL statement a bind or a quoted text follows the name."""
_PARAMETER = re.compile(
    r"([?&](?:[\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|signature)|key|sig|auth)=)"
    r"(?!\$?\{)([^\s&#'\"]+)",
    re.IGNORECASE,
)
"""As the parameters of an address name them; a variable that is not filled in yet does not count."""

_HEADER = re.compile(
    r"((?:authorization|api-key|x-[\w-]*(?:key|token)):[ ]*(?:(?:bearer|basic|token) +)?+)(?!\$?\{)([^\s'\"]+)",
    re.IGNORECASE,
)
"""As a program's argument gives a header of a request."""

_PATTERNS = (_IN_ADDRESS, _NAMED, _PARAMETER, _HEADER)


def passwords_in(text: str) -> Iterator[str]:
    """The passwords in an address or a connection string: `user:PASSWORD@host`, `password=PASSWORD`."""
    if "@" not in text and "=" not in text and ":" not in text:
        return  # each pattern needs one of them; settings have tens of thousands of texts
    for pattern in _PATTERNS:
        for found in pattern.finditer(text):
            password = found[2]
            # which of several @ ends it depends on the reader of the address: it may take the rest for the host, and
            # what follows a slash for the name of the database
            parts = {part for part in re.split("[@/]", password) if len(part) >= SHORTEST and "@" in password}
            yield from {password, password.partition("@")[0], unquote(password), password.strip("{}"), *parts} - {""}


def without_passwords(text: str) -> str:
    """An address or a connection string with asterisks for its password."""
    for pattern in _PATTERNS:
        text = pattern.sub(lambda found: found[1] + MASK if found[2] else found[0], text)
    return text


def secrets_in(settings: object) -> Iterator[str]:
    """Every secret in these settings, at any depth, including passwords inside addresses."""
    waiting = [settings]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield from passwords_in(found)
        elif found is None or isinstance(found, int | Decimal | timedelta):
            continue
        elif isinstance(found, SecretStr):
            yield found.get_secret_value()
        elif isinstance(found, BaseModel):
            waiting += vars(found).values()
        elif isinstance(found, Mapping):
            waiting += found.values()
        elif isinstance(found, list | tuple | set | frozenset):
            waiting += found


_ADDRESS_VARIABLE = re.compile(r"(https?|all)_proxy|otel_exporter_otlp_(\w+_)?endpoint", re.IGNORECASE)
_HEADERS_VARIABLE = re.compile(r"otel_exporter_otlp_(\w+_)?headers", re.IGNORECASE)
_PASSWORD_VARIABLE = re.compile(r"pgpassword", re.IGNORECASE)


def environment_secrets(environment: Mapping[str, str]) -> Iterator[str]:
    """Secrets in variables that libraries read by themselves, and that no configuration declares.

    The passwords of proxies and collectors, the headers of a collector, and PostgreSQL's password.
    """
    for name, value in environment.items():
        if _ADDRESS_VARIABLE.fullmatch(name):
            yield from passwords_in(value if "://" in value else f"http://{value}")
        elif _HEADERS_VARIABLE.fullmatch(name):
            for header in value.split(","):
                # 'name=value' is right; the form of HTTP, 'name: value', is what people write and the library logs
                yield from _credentials(re.split(r"[=:]", header, maxsplit=1)[-1])
        elif _PASSWORD_VARIABLE.fullmatch(name):
            yield value


def _credentials(value: str) -> Iterator[str]:
    """A header's value, and the credentials in it without their scheme."""
    for text in {value.strip(), unquote(value).strip()}:
        yield text
        yield text.partition(" ")[2].strip()
