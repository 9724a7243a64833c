"""How many decimals a currency's amounts have. Everything that is rounded anywhere is rounded here."""

from decimal import ROUND_HALF_UP, Context, Decimal

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
"""Room for whatever the wire takes for a number: an absurd amount is compared and held, it crashes nothing."""


def decimals(currency: str | None) -> int:
    """The decimals of that currency; two where it is not known."""
    return OTHER_DECIMALS.get(currency or "", USUAL_DECIMALS)


def rounded(amount: Decimal, currency: str | None) -> Decimal:
    """The amount in the currency's smallest unit, half up."""
    return amount.quantize(Decimal(1).scaleb(-decimals(currency)), ROUND_HALF_UP, _WIDE)


def decimals_in_words(currency: str | None) -> str:
    """'JPY has no decimals', 'EUR has 2 decimals'."""
    return f"{currency} has {decimals(currency) or 'no'} decimals"
