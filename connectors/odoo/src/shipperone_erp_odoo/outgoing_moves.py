"""What is still to leave the stock under a key, and which moves it leaves by. Pure functions of what Odoo shows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp_odoo.pickings import Found, Move

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Take:
    """So much of a move leaves."""

    move: Move
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """Which moves leave, and how much of each, by picking; `lacking` is what no open move has reserved, by product."""

    takes: Mapping[int, Sequence[Take]]
    lacking: Mapping[int, Decimal]


def missing(key: str, wanted: Mapping[int, Decimal], moves: Sequence[Move]) -> dict[int, Decimal]:
    """By product, what has not left yet for this key.

    A product of which nothing is open any more has left in full: somebody validated it in Odoo, and what other keys
    have not taken of it is ours.
    """
    found = {}
    for product, quantity in wanted.items():
        mine = [move for move in moves if move.product == product and move.state != "cancel"]
        left = sum((m.has for m in mine if m.state == "done" and m.mark == key), NOTHING)
        if left < quantity and mine and not any(move.open for move in mine):
            left = sum((m.has for m in mine if m.mark == key or not _is_key(m.mark)), NOTHING)
        if left < quantity:
            found[product] = quantity - left
    return found


def plan(moves: Sequence[Move], wanted: Mapping[int, Decimal]) -> Plan:
    """So much of each product, out of what is reserved, the oldest moves first."""
    takes: dict[int, list[Take]] = {}
    lacking: dict[int, Decimal] = {}
    for product, quantity in wanted.items():
        rest = quantity
        for move in moves:
            if move.product != product or not move.open or not rest:
                continue
            take = min(rest, move.has)
            if take > 0:
                takes.setdefault(move.picking, []).append(Take(move, take))
                rest -= take
        if rest:
            lacking[product] = rest
    return Plan(takes, lacking)


def whole(picking: Found, takes: Collection[Take]) -> bool:
    """All that is still open of the picking leaves, and all of that is reserved: nothing of it is left behind."""
    leaving = {take.move.id: take.quantity for take in takes}
    return leaving == {move.id: move.wanted for move in picking.moves if move.open}


def _is_key(mark: str) -> bool:
    """A move's source document is a key of ours, not a person's or Odoo's own."""
    return mark.startswith("i-")
