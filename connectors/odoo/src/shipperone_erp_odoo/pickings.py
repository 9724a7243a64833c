"""Pickings in Odoo: states, moves, the reserved quantity of each, and their backorders.

A picking's own state is not reliable: it is `assigned` even if a line is only partly reserved. Every move is read.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shipperone_erp import Refused
from shipperone_erp_odoo import stock
from shipperone_erp_odoo.odoo import Odoo, Row, named, one

OVER = ("done", "cancel")
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Move:
    """The needed quantity of a product, and the available part of it: reserved, or moved once it is done.

    `name` is its picking's.
    """

    id: int
    picking: int
    name: str
    product: int
    state: str
    wanted: Decimal
    has: Decimal
    unit: int
    origins: tuple[int, ...]
    source: int
    mark: str

    @property
    def open(self) -> bool:
        """Whether it is neither done nor cancelled."""
        return self.state not in OVER

    @property
    def ready(self) -> bool:
        """Whether the whole needed quantity is reserved, or moved."""
        return self.state == "done" or (self.state == "assigned" and self.has >= self.wanted)


@dataclass(frozen=True, slots=True)
class Found:
    """An existing picking with its moves."""

    id: int
    name: str
    moves: tuple[Move, ...] = ()

    @property
    def open(self) -> bool:
        """Whether any move is neither done nor cancelled."""
        return any(move.open for move in self.moves)

    @property
    def cancelled(self) -> bool:
        """Whether all moves are cancelled."""
        return all(move.state == "cancel" for move in self.moves)

    @property
    def done(self) -> bool:
        """Whether no move is open, and at least one is done."""
        return not self.open and not self.cancelled


def by_picking(moves: Iterable[Move]) -> dict[int, Found]:
    """The pickings of these moves."""
    found: dict[int, list[Move]] = {}
    for move in moves:
        found.setdefault(move.picking, []).append(move)
    return {id: Found(id, found[id][0].name, tuple(found[id])) for id in sorted(found)}


def moves_counted(
    odoo: Odoo, domain: Sequence[object], company: int, location: int, of_picking: Mapping[str, Any]
) -> tuple[list[tuple[Move, Row]], dict[stock.Place, stock.Count]]:
    """The moves of a domain, each with these fields of its picking, and their products' counts under that location."""
    of_product: dict[str, Any] = {"fields": {name: {} for name in stock.of_product(odoo)}}
    picking = {"fields": {"display_name": {}, **of_picking}}
    rows = odoo.find_nested(
        "stock.move", domain, {**EACH, "picking_id": picking, "product_id": of_product}, company=company,
        order="id", context=stock.at_location(location),
    )  # fmt: skip
    products = {int(row["product_id"]["id"]): row["product_id"] for row in rows}
    counts = {(location, id): stock.counted_with(product) for id, product in products.items()}
    known = {place: count for place, count in counts.items() if count is not None}
    each = [(_move(_paired({**row, "product_id": row["product_id"]["id"]})), row["picking_id"]) for row in rows]
    return each, known


MOVE = [
    "picking_id", "product_id", "state", "product_uom_qty", "quantity", "product_uom", "move_orig_ids", "location_id",
    "origin",
]  # fmt: skip
EACH: dict[str, Any] = {
    **{name: {} for name in MOVE}, "picking_id": {"fields": {"display_name": {}, "backorder_id": {}}}
}  # fmt: skip
"""What is read of a move with its picking."""


def _paired(row: Row) -> Row:
    """A row of `EACH` in the form of a row of `MOVE`: each reference an id and a name."""
    pairs = {name: [row[name], ""] if row[name] else False for name in ("product_id", "product_uom", "location_id")}
    picking = row["picking_id"]
    return {**row, **pairs, "picking_id": [picking["id"], picking["display_name"]]}


def moves(odoo: Odoo, domain: Sequence[object], company: int) -> list[Move]:
    """The moves of a domain, the oldest first."""
    return [_move(row) for row in odoo.find("stock.move", domain, MOVE, company=company, order="id")]


def lacking(picking: Found) -> bool:
    """Whether it is open, and a move that waits for no other move is not completely reserved."""
    return picking.open and any(move.state in ("confirmed", "partially_available") for move in picking.moves)


def chains(odoo: Odoo, ids: Iterable[int], company: int) -> dict[int, list[int]]:
    """By picking, the picking itself and all its backorders, recursively."""
    found = {id: [id] for id in sorted(set(ids))}
    root = {id: {id} for id in found}
    newest = list(found)
    while newest:
        domain = [("backorder_id", "in", newest)]
        rows = odoo.find("stock.picking", domain, ["backorder_id"], company=company, order="id")
        newest = _appended(found, root, {int(row["id"]): one(row["backorder_id"]) or 0 for row in rows})
    return found


def chained(odoo: Odoo, ids: Iterable[int], company: int) -> tuple[dict[int, list[int]], dict[int, Found]]:
    """As `chains`, and all these pickings with their moves: one call if none of them has a backorder."""
    found = {id: [id] for id in sorted(set(ids))}
    root = {id: {id} for id in found}
    seen: dict[int, Found] = {}
    newest = list(found)
    domain: list[object] = ["|", ("picking_id", "in", newest), ("picking_id.backorder_id", "in", newest)]
    while newest:
        rows = odoo.find_nested("stock.move", domain, EACH, company=company, order="id")
        seen |= by_picking(_move(_paired(row)) for row in rows)
        after = {int(row["picking_id"]["id"]): int(row["picking_id"]["backorder_id"] or 0) for row in rows}
        newest = _appended(found, root, {id: before for id, before in after.items() if before in root})
        domain = [("picking_id.backorder_id", "in", newest)]
    return found, seen


def _appended(found: dict[int, list[int]], root: dict[int, set[int]], after: Mapping[int, int]) -> list[int]:
    """Append each picking to the chains of the one that it is the backorder of; returns those that are new."""
    newest = []
    for id, before in after.items():
        new = root[before] - root.get(id, set())
        root.setdefault(id, set()).update(new)
        for first in sorted(new):
            found[first].append(id)
        newest += [id] if new else []
    return newest


def backorders(odoo: Odoo, ids: Iterable[int], company: int) -> list[int]:
    """These pickings and all their backorders, recursively."""
    chained = chains(odoo, ids, company)
    return list(dict.fromkeys([*chained, *(id for chain in chained.values() for id in chain)]))


def each(odoo: Odoo, method: str, ids: Sequence[int], company: int) -> None:
    """Call the method in one transaction; if Odoo refuses that, one by one, since it does not name the failing one."""
    try:
        odoo.call("stock.picking", method, ids, company=company)
    except Refused:
        if len(ids) == 1:
            raise
        for id in ids:
            try:
                odoo.call("stock.picking", method, [id], company=company)
            except Refused:
                continue  # the moves show the state


def cancel(odoo: Odoo, ids: Collection[int], company: int) -> None:
    """Release the goods that they hold; done or cancelled ones are left unchanged."""
    still = odoo.find(
        "stock.picking", [("id", "in", sorted(ids)), ("state", "not in", OVER)], ["id"], company=company, order="id"
    )
    if still:
        odoo.call("stock.picking", "action_cancel", [int(row["id"]) for row in still], company=company)


def reference(pickings: Sequence[Found]) -> str:
    """`WH/OUT/00012 (57)`, or `WH/OUT/00012 + WH2/OUT/00003 (57, 58)`: names for users, ids for the connector."""
    names, ids = " + ".join(p.name for p in pickings), ", ".join(str(p.id) for p in pickings)
    return f"{names} ({ids})"


def referred(reference: str) -> list[int]:
    """The ids in a reference of this connector; none for a reference written by an operator."""
    match = re.search(r"\((\d+(?:, \d+)*)\)$", reference)
    return [int(text) for text in match[1].split(", ")] if match else []


def by_names(odoo: Odoo, model: str, references: Sequence[str], company: int) -> dict[str, list[int]]:
    """The records by the names that operators wrote as references: `WH/OUT/00012`, several with ` + `."""
    names = {text: [name.strip() for name in text.split("+")] for text in references}
    wanted = list(dict.fromkeys(name for several in names.values() for name in several))
    rows = odoo.find(model, [("name", "in", wanted)], ["name"], company=company, order="id") if wanted else []
    return {text: [int(row["id"]) for row in rows if row["name"] in several] for text, several in names.items()}


def _move(row: Row) -> Move:
    return Move(
        id=int(row["id"]),
        picking=one(row["picking_id"]) or 0,
        name=named(row["picking_id"]),
        product=one(row["product_id"]) or 0,
        state=str(row["state"]),
        wanted=Decimal(row["product_uom_qty"]),
        has=Decimal(row["quantity"]),
        unit=one(row["product_uom"]) or 0,
        origins=tuple(row["move_orig_ids"]),
        source=one(row["location_id"]) or 0,
        mark=str(row["origin"] or ""),
    )
