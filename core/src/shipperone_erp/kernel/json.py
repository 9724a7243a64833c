"""Values as JSON text and back, money as decimal text throughout.

`simplejson` writes a `Decimal` as an exact JSON number (4.990 stays 4.990) and reads one back without a binary float in
between.
"""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import simplejson


def dumps(value: Any) -> str:
    """JSON text of plain values, dataclasses, times and decimals; None in a dataclass is left out."""
    return _ENCODER.encode(value)


def loads(text: str | bytes) -> Any:
    """The value of the text, numbers with a fraction or an exponent as `Decimal`. ValueError if it cannot be read."""
    try:
        return _DECODER.decode(text if isinstance(text, str) else text.decode())
    except ArithmeticError:  # decimal.InvalidOperation is no ValueError
        raise ValueError("a number has an invalid exponent") from None
    except RecursionError:
        raise ValueError("lists and objects are nested too deeply") from None


def _plain(value: Any) -> Any:
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is not None:
        return {name: entry for name in fields if (entry := getattr(value, name)) or not _left_out(entry)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be encoded as JSON")


def _left_out(entry: Any) -> bool:
    return entry is None or entry == {}


# made once: `simplejson.loads` makes a decoder for each call with an option, which takes longer than a short text
_DECODER = simplejson.JSONDecoder(parse_float=Decimal)
_ENCODER = simplejson.JSONEncoder(
    use_decimal=True,
    namedtuple_as_object=False,  # none is encoded, and asking each value whether it is one takes half of the time
    default=_plain,
    separators=(",", ":"),
    ensure_ascii=False,
)
