"""Examples of listed values that are safe to show: of possibly personal values only the shape is shown."""

from typing import Any

from shipperone_erp.kernel.dates import NotADate, Zones, read_date
from shipperone_erp.kernel.json_values import exact, is_scalar

LONGEST = 24
DIGITS_KEPT = 7


def shape(text: str) -> str:
    """`Xxxx Xxxxxx 00`: the kinds of the letters and digits, without their values."""
    signs = ("0" if sign.isdigit() else ("X" if sign.isupper() else "x") if sign.isalpha() else sign for sign in text)
    shown = "".join(sign if sign.isprintable() else " " for sign in signs)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def example(value: Any, *, personal: bool) -> str | None:
    """The value itself, or its shape if it may be personal; None if there is none."""
    if value is None or not is_scalar(value):
        return None
    text = str(value)
    return shape(text) if personal else text[:LONGEST]


def harmless(value: Any) -> bool:
    """Whether it is an amount, a small number or a date, which is not personal at any place."""
    if not is_scalar(value) or isinstance(value, float):
        return False
    number = exact(value)
    if number is not None:
        return number.adjusted() < DIGITS_KEPT - 1
    read = read_date(value, Zones())
    return read is not None and not isinstance(read, NotADate)
