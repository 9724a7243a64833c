"""The quantity still to leave the stock under a key, and the moves for it. Pure functions on Odoo's data."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp_odoo.pickings import Found, Move

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Take:
    """A quantity of a move that leaves."""

    move: Move
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """The leaving moves with their quantities, by picking; `lacking`: not reserved by any open move, by product."""

    takes: Mapping[int, Sequence[Take]]
    lacking: Mapping[int, Decimal]


def missing(key: str, wanted: Mapping[int, Decimal], moves: Sequence[Move]) -> dict[int, Decimal]:
    """By product, the quantity that has not left yet for this key.

    A product without open moves has left completely: a user has validated it in Odoo, and the part that other keys have
    not taken belongs to this key.
    """
    found = {}
    for product, quantity in wanted.items():
        mine = [move for move in moves if move.product == product and move.state != "cancel"]
        shipped = sum((m.has for m in mine if m.state == "done" and m.mark == key), NOTHING)
        if shipped < quantity and mine and not any(move.open for move in mine):
            shipped = sum((m.has for m in mine if m.mark == key or not _is_key(m.mark)), NOTHING)
        if shipped < quantity:
            found[product] = quantity - shipped
    return found


def plan(moves: Sequence[Move], wanted: Mapping[int, Decimal]) -> Plan:
    """The quantity of each product, from reserved moves, the oldest first."""
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
    """Whether all open moves of the picking leave and are completely reserved, so that nothing is left behind."""
    leaving = {take.move.id: take.quantity for take in takes}
    return leaving == {move.id: move.wanted for move in picking.moves if move.open}


def _is_key(mark: str) -> bool:
    """Whether a move's source document is a key of this connector, and not a text of a user or of Odoo."""
    return mark.startswith("i-")
