"""Marks goods of a picking as picked, and by which key: the step before its validation.

The moves that leave have the key as their source document, written in the same transaction as the picking. A plan is
written as absolute values, never as a difference. The unchanged unit beside it makes Odoo refuse a write to a move that
is done by now.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from shipperone_erp import Refused
from shipperone_erp_odoo.odoo import Odoo, Row, one
from shipperone_erp_odoo.outgoing_moves import NOTHING, Take
from shipperone_erp_odoo.pickings import Found

LINE = [
    "move_id", "quantity", "product_id", "product_uom_id", "location_id", "location_dest_id", "lot_id", "package_id",
    "owner_id",
]  # fmt: skip


def pick_whole(odoo: Odoo, pickings: Mapping[str, Sequence[Found]], company: int) -> dict[str, Refused]:
    """Pick all open moves of these pickings, by key, in one transaction.

    Returns the keys that failed, with the reasons; nothing is written for them.
    """
    remaining = {
        key: {move.id: move.unit for picking in found for move in picking.moves if move.open}
        for key, found in pickings.items()
    }
    refused: dict[str, Refused] = {}
    while remaining:
        rows = {
            id: {"origin": key, "picked": "1", "product_uom/.id": unit}
            for key, moves in remaining.items()
            for id, unit in moves.items()
        }
        bad = odoo.write_each("stock.move", rows, company=company)
        if not bad:
            break
        refused |= {key: bad[id] for key, moves in remaining.items() for id in moves if id in bad}
        remaining = {key: moves for key, moves in remaining.items() if key not in refused}
    return refused


def lines_of(odoo: Odoo, pickings: Sequence[Found], company: int) -> dict[int, list[Row]]:
    """The lines of the open moves of these pickings, by move."""
    moves = [move.id for picking in pickings for move in picking.moves if move.open]
    found: dict[int, list[Row]] = {id: [] for id in moves}
    for row in odoo.find("stock.move.line", [("move_id", "in", moves)], LINE, company=company, order="id"):
        found[one(row["move_id"]) or 0].append(row)
    return found


def pick_part(
    odoo: Odoo, key: str, picking: Found, takes: Sequence[Take], lines: Mapping[int, Sequence[Row]], company: int
) -> None:
    """Pick these quantities of these moves, and nothing else of the picking, in one transaction."""
    leaving = {take.move.id: take.quantity for take in takes}
    commands = []
    for move in picking.moves:
        if not move.open:
            continue
        take = leaving.get(move.id, NOTHING)
        values: dict[str, Any] = {"product_uom": move.unit, "move_line_ids": _picked(picking, lines[move.id], take)}
        if take:
            values["origin"] = key
        commands.append([1, move.id, values])
    odoo.call("stock.picking", "write", [picking.id], company=company, vals={"move_ids": commands})


def _picked(picking: Found, lines: Sequence[Row], take: Decimal) -> list[list[Any]]:
    """The lines of a move with that quantity picked.

    A line that leaves in part is split, so that its rest stays reserved and no other transaction can take it in
    between.
    """
    commands: list[list[Any]] = []
    for line in lines:
        has = Decimal(line["quantity"])
        now = min(has, take)
        take -= now
        if now == has:
            commands.append([1, line["id"], {"picked": True}])
        elif not now:
            commands.append([1, line["id"], {"picked": False}])
        else:
            rest = {
                "product_id": one(line["product_id"]),
                "product_uom_id": one(line["product_uom_id"]),
                "quantity": has - now,
                "picked": False,
                "picking_id": picking.id,
                "location_id": one(line["location_id"]),
                "location_dest_id": one(line["location_dest_id"]),
                **{name: one(line[name]) for name in ("lot_id", "package_id", "owner_id") if line[name]},
            }
            commands += [[1, line["id"], {"quantity": now, "picked": True}], [0, 0, rest]]
    return commands
