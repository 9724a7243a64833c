"""Texts and numbers in the place of others: the same for the same within one capture, and telling nothing of them.

Letters become letters, with a diacritic where there was one, in the same case; digits become digits; everything else
stays. `Anna@Shop.sk` and `anna@shop.SK` become the same but for their case. Nobody without the salt, which is written
nowhere, can find a text by trying likely ones.
"""

import hashlib
import hmac
import secrets
import string
from collections.abc import Iterator

PLAIN = string.ascii_lowercase
MARKED = "áäčďéíľňóôřšťúýžęłö"
NONE_LIKE_IT = 50
"""Tries for a text that stands for no other yet; short texts have few to choose from."""


class Pseudonyms:
    """Those of one capture."""

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = salt or secrets.token_bytes(32)
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def text(self, value: str) -> str:
        """The text that stands for this one: as long, its letters and digits where they were."""
        key = value.strip().casefold()
        made = self._given.get(key)
        if made is None or len(made) != len(value):
            made = self._new(key, value)
        return "".join(
            sign.upper() if original.isupper() else sign.lower() if original.islower() else sign
            for sign, original in zip(made, value, strict=True)
        )

    def integer(self, value: int) -> int:
        """The number that stands for this one: with as many digits."""
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
