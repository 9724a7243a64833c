"""The number of decimals of each currency's amounts, and the only functions of this package that round."""

from decimal import ROUND_HALF_UP, Context, Decimal

NOTHING = Decimal(0)

USUAL_DECIMALS = 2

OTHER_DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    "HUF": 0,  # two by ISO 4217; by practice nothing below one forint is charged or paid
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""ISO 4217 where it is not two."""


_WIDE = Context(prec=100)
"""Precision for any number in a response: an absurd amount is compared and held, and raises no exception."""


def decimals(currency: str | None) -> int:
    """The decimals of that currency; two where it is unknown."""
    return OTHER_DECIMALS.get(currency or "", USUAL_DECIMALS)


def rounded(amount: Decimal, currency: str | None) -> Decimal:
    """The amount in the currency's smallest unit, half up."""
    return to_places(amount, decimals(currency))


def to_places(amount: Decimal, places: int) -> Decimal:
    """The amount with that many decimals, half up."""
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _WIDE)


_CENT = Decimal("0.01")


def places_of(amount: Decimal) -> int:
    """The number of decimals that it is written with; 0 for an infinity or NaN."""
    if amount.same_quantum(_CENT):
        return 2  # nearly every amount: a fast path without taking it apart
    exponent = amount.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


NOISE = Decimal("0.000001")
"""The greatest difference between a binary float written out in full (75.650000000000006) and its intended amount."""

PRICE_DECIMALS = 2
"""The additional decimals that a price of one piece may have beyond those of its currency."""


def clean(amount: Decimal, currency: str | None, *, tolerance: Decimal = NOISE) -> Decimal:
    """The amount of the currency that is within `tolerance` (at least a millionth) of this one, else this one."""
    return _within(amount, decimals(currency), tolerance)


def clean_price(price: Decimal, currency: str | None) -> Decimal:
    """The price of one piece without the noise of a binary float: four decimals in EUR, two in JPY. Never rounded."""
    return _within(price, decimals(currency) + PRICE_DECIMALS, NOISE)


def _within(number: Decimal, places: int, tolerance: Decimal) -> Decimal:
    if places_of(number) <= places:
        return number
    near = to_places(number, places)
    return near if number != near and abs(number - near) <= max(tolerance, NOISE) else number


def decimals_in_words(currency: str | None) -> str:
    """'JPY has no decimals', 'EUR has 2 decimals'."""
    return f"{currency} has {decimals(currency) or 'no'} decimals"
