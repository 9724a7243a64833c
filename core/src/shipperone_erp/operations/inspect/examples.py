"""Examples of listed values, fit to be shown: what may be about a person is shown as its shape alone."""

from typing import Any

from shipperone_erp.kernel.dates import NotADate, Zones, read_date
from shipperone_erp.kernel.json_values import exact, is_scalar

LONGEST = 24
DIGITS_KEPT = 7


def shape(text: str) -> str:
    """`Xxxx Xxxxxx 00`: letters and digits as what they are, whatever they say."""
    signs = ("0" if sign.isdigit() else ("X" if sign.isupper() else "x") if sign.isalpha() else sign for sign in text)
    shown = "".join(sign if sign.isprintable() else " " for sign in signs)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def example(value: Any, *, personal: bool) -> str | None:
    """The value as it stands there, or its shape where it may be personal; None where there is none."""
    if value is None or not is_scalar(value):
        return None
    text = str(value)
    return shape(text) if personal else text[:LONGEST]


def harmless(value: Any) -> bool:
    """An amount, a small number or a date: nothing of a person, wherever it stands."""
    if not is_scalar(value) or isinstance(value, float):
        return False
    number = exact(value)
    if number is not None:
        return number.adjusted() < DIGITS_KEPT - 1
    read = read_date(value, Zones())
    return read is not None and not isinstance(read, NotADate)
