"""VAT ids, registration numbers and company names as buyers type them. Pure functions.

Each returns None for a text that identifies nobody ("-", "n/a", "0"), so that matching and tax agree.
"""

import re
import unicodedata

FEWEST_DIGITS = 2
"""No country has VAT ids or registration numbers with fewer digits."""

COUNTED_UP = "1234567890"
SURE = 8
"""Digits. That many ascending or equal digits are a placeholder; fewer may be real, beside letters."""

NO_COMPANY = frozenset(
    ("na", "none", "null", "nil", "no", "nein", "nie", "nic", "nichts", "x", "xx", "xxx", "notapplicable", "nocompany",
     "private", "privateperson", "privat", "privatperson", "individual")
)  # fmt: skip
"""Letters and digits of texts that buyers without a company type into a company field."""


def vat_id(text: str | None) -> str | None:
    """The VAT id in capitals without its separators."""
    return _number(text)


def registration_number(text: str | None) -> str | None:
    """The registration number in its form for comparison: in capitals, without separators and leading zeros."""
    number = _number(text)
    return number.lstrip("0") if number else None


def company_name(text: str | None) -> str | None:
    """The company's name with single spaces."""
    name = " ".join((text or "").split())
    letters = "".join(char for char in unicodedata.normalize("NFKC", name).casefold() if char.isalnum())
    return name if letters.strip("0") and letters not in NO_COMPANY else None


def plain(text: object) -> str:
    """A text in its form for comparison: case and spaces are ignored."""
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
