"""Converts gross amounts for an ERP that computes from net prices: the net of a line, and the unit price for it.

Tryton keeps a unit price without tax, multiplies, rounds, and adds the tax of each rate at the end. ShipperOne provides
the amount with tax of each line. Here a line's net is its gross without the tax, and its tax is the difference. Both
always add up to the gross. The invoice's tax of a rate is the sum of these differences, not a percentage of a sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

Rounding = Callable[[Decimal], Decimal]
"""Rounds to the currency's smallest unit."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of Tryton's invoice: a quantity at a unit price without tax."""

    qty: Decimal
    price: Decimal
    net: Decimal
    gross: Decimal


def net_of(gross: Decimal, rate: Decimal, cent: Decimal) -> Decimal:
    """The net of an amount with tax, to the cent. `rate` is 0.21 for 21 percent."""
    return (gross / (1 + rate)).quantize(cent, ROUND_HALF_UP)


def pieces(qty: Decimal, gross: Decimal, rate: Decimal, cent: Decimal, digits: int, rounded: Rounding) -> list[Piece]:
    """The line in Tryton's form: one piece, or two if no price of that many digits gives the net of the whole quantity.

    `rounded` is Tryton's own rounding of quantity times price.
    """
    net = net_of(gross, rate, cent)
    step = Decimal(1).scaleb(-digits)
    price = (net / qty).quantize(step, ROUND_HALF_UP)
    if rounded(qty * price) == net:
        return [Piece(qty, price, net, gross)]
    # the last piece carries the difference that the price's digits cannot express for all of them
    most = qty - 1
    price = (net / qty).quantize(step, ROUND_DOWN)
    first = rounded(most * price)
    last = net - first
    share = (first * (1 + rate)).quantize(cent, ROUND_HALF_UP)
    return [Piece(most, price, first, share), Piece(Decimal(1), last, last, gross - share)]
