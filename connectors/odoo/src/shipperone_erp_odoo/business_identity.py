"""VAT ids, registration numbers and company names as buyers type them. Pure functions.

Each returns None for a text that identifies nobody ("-", "n/a", "0"), so that matching and tax take the same decision.
"""

import re
import unicodedata

FEWEST_DIGITS = 2
"""No country has a VAT id or a registration number with fewer digits."""

COUNTED_UP = "1234567890"
SURE = 8
"""Digits: so many that count up, or are equal, are a placeholder; fewer may be true, beside letters."""

NO_COMPANY = frozenset(
    ("na", "none", "null", "nil", "no", "nein", "nie", "nic", "nichts", "x", "xx", "xxx", "notapplicable", "nocompany",
     "private", "privateperson", "privat", "privatperson", "individual")
)  # fmt: skip
"""Letters and digits of what is typed where a form wants a company and there is none."""


def vat_id(text: str | None) -> str | None:
    """The VAT id in capitals without its separators."""
    return _number(text)


def registration_number(text: str | None) -> str | None:
    """The registration number as it is compared: in capitals, without separators and leading zeros."""
    number = _number(text)
    return number.lstrip("0") if number else None


def company_name(text: str | None) -> str | None:
    """The company's name with single spaces."""
    name = " ".join((text or "").split())
    letters = "".join(char for char in unicodedata.normalize("NFKC", name).casefold() if char.isalnum())
    return name if letters.strip("0") and letters not in NO_COMPANY else None


def plain(text: object) -> str:
    """A text as it is compared: without a difference of case and of spaces."""
    return " ".join(str(text or "").split()).casefold()


def _number(text: str | None) -> str | None:
    compact = re.sub(r"[^A-Z0-9]", "", unicodedata.normalize("NFKC", text or "").upper())
    digits = re.sub(r"[^0-9]", "", compact)
    if len(digits) < FEWEST_DIGITS or not digits.strip("0"):
        return None
    long = len(digits) >= SURE
    counted_up = COUNTED_UP.startswith(digits) and (long or (len(digits) > FEWEST_DIGITS and compact == digits))
    repeated = long and len(set(digits)) == 1
    return None if counted_up or repeated else compact
