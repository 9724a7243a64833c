"""Pseudonyms for texts and numbers: equal values have equal pseudonyms within one capture.

Letters become letters of the same case, with a diacritic where there was one; digits become digits; everything else is
kept. `Anna@Shop.sk` and `anna@shop.SK` have pseudonyms that differ only in case. The salt is random and never written,
so that nobody can find a value by trying likely ones.
"""

import hashlib
import hmac
import secrets
import string
from collections.abc import Iterator

PLAIN = string.ascii_lowercase
MARKED = "áäčďéíľňóôřšťúýžęłö"
NONE_LIKE_IT = 50
"""Attempts to find a pseudonym that is not in use; short texts have few candidates."""


class Pseudonyms:
    """The pseudonyms of one capture."""

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = salt or secrets.token_bytes(32)
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def text(self, value: str) -> str:
        """The pseudonym of a text: of the same length, with letters and digits at the same positions."""
        key = value.strip().casefold()
        made = self._given.get(key)
        if made is None or len(made) != len(value):
            made = self._new(key, value)
        return "".join(
            sign.upper() if original.isupper() else sign.lower() if original.islower() else sign
            for sign, original in zip(made, value, strict=True)
        )

    def integer(self, value: int) -> int:
        """The pseudonym of a number, with the same number of digits."""
        digits = self.text(str(abs(value)))
        first = digits[0] if digits[0] != "0" else "1"
        number = int(first + digits[1:])
        return number if value >= 0 else -number

    def _new(self, key: str, value: str) -> str:
        made = value
        for attempt in range(NONE_LIKE_IT):
            stream = self._stream(f"{attempt}:{key}")
            made = "".join(_like(sign, stream) for sign in value).lower()
            if made not in self._taken and made != value.lower():
                break
        self._given[key] = made
        self._taken.add(made)
        return made

    def _stream(self, key: str) -> Iterator[int]:
        counter = 0
        while True:
            yield from hmac.digest(self._salt, f"{counter}:{key}".encode(errors="replace"), hashlib.sha256)
            counter += 1


def _like(sign: str, stream: Iterator[int]) -> str:
    if sign.isdigit():
        return str(next(stream) % 10)
    if sign.isalpha():
        letters = PLAIN if sign.isascii() else MARKED
        return letters[next(stream) % len(letters)]
    return sign
