"""An order's charges: the amounts beyond lines and shipping whose paths the tenant has configured.

absent      not there, null, an empty text, or 0: nothing is charged
unreadable  any value that is not a number: the order is held, since a fee or a coupon would be missing from it
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from shipperone_erp.domain.field_places import Places
from shipperone_erp.domain.json_object import JsonObject
from shipperone_erp.domain.order import Charge
from shipperone_erp.domain.rules import ChargeRule
from shipperone_erp.kernel.json_values import exact, is_scalar, kind, rows_of

ITEMS = "items"
"""As the first step of a path: the order's items, under whichever key they are listed."""


def read_charges(order: JsonObject, named: Sequence[ChargeRule], items: Sequence[Any] = ()) -> tuple[Charge, ...]:
    """The charges that this order has, signed as the tenant configures. Unreadable names the path and the value there.

    `items` are the order's items as they are listed, for paths that go through `items`.
    """
    found = []
    for charge in named:
        raw = order.raw if ITEMS in order.raw else {**order.raw, ITEMS: items}
        amount = sum((_number(order, charge, value) for value in found_at(raw, charge.path)), Decimal(0))
        if amount:
            signed = amount if charge.sign == "+" else -abs(amount)
            found.append(Charge(charge.name, signed, charge.kind))
    return tuple(found)


def items_charges(named: Sequence[ChargeRule], fields: Mapping[str, str]) -> frozenset[str]:
    """The names of the charges whose path goes through the order's items: each belongs to the listed items."""
    if not named:
        return frozenset()
    place = Places(fields).order["items"]
    roots = [(ITEMS,), *((key,) for key in place.keys), *place.paths]
    return frozenset(
        charge.name for charge in named if any(tuple(charge.path.split("."))[: len(root)] == root for root in roots)
    )


def found_at(raw: Any, path: str) -> Iterator[Any]:
    """The values at the end of a path. A list yields those of each of its entries (of one, where the step is a number).
    So does an object with numbers as keys, which PHP makes of a list with gaps.

    `gift_cards.amount` is the amount of every gift card, `gift_cards.0.amount` that of the first.
    """
    yield from _walk(raw, path.split("."))


def _walk(raw: Any, steps: Sequence[str]) -> Iterator[Any]:
    rows = rows_of(raw)
    if isinstance(raw, dict) and steps and steps[0] in raw:
        yield from _walk(raw[steps[0]], steps[1:])
    elif rows is not None and steps and steps[0].isdecimal():
        for entry in rows[int(steps[0]) :][:1]:
            yield from _walk(entry, steps[1:])
    elif rows is not None:
        for entry in rows:
            yield from _walk(entry, steps)
    elif not steps and raw is not None and not (isinstance(raw, str) and not raw.strip()):
        yield raw


def _number(order: JsonObject, charge: ChargeRule, value: Any) -> Decimal:
    number = exact(value)
    if number is None:
        shown = repr(value)[:40] if is_scalar(value) else kind(value)
        order.refuse(
            f"has {shown} at {charge.path}, the place of the charge {charge.name}, which is not a decimal number; "
            "the path is set in [[charges]] of this tenant"
        )
    return number
