"""Delivering: exactly these items leave the stock, once, and the rest of the reservation stays reserved.

The moves that leave carry the key (their source document), written in the same transaction that picks them: what has
left under a key is then a question to Odoo and not a memory of ours. A plan is written whole, never as a difference;
writing an unchanged unit beside it makes Odoo refuse the write if the move is done meanwhile. Then one validation, and
whatever it answered, everything is looked at again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from shipperone_erp import Deliver, Done, Owner, Pending, Reason, Refused, Reserved, ReserveStock, Shortage, Unknown
from shipperone_erp_odoo.kits import parts
from shipperone_erp_odoo.odoo import Odoo, Row, named, one
from shipperone_erp_odoo.pickings import Found, Move, backorders, by_name, found, referred
from shipperone_erp_odoo.products import counted, products
from shipperone_erp_odoo.reserving import reserve
from shipperone_erp_odoo.sales import deliveries
from shipperone_erp_odoo.sites import own_company, sites

NOTHING = Decimal(0)
ROUNDS = 5
"""A plan that somebody got in the way of is made again this often."""

VALIDATE = {"skip_backorder": True, "skip_sms": True}
"""No wizard: the rest becomes a backorder, and no text message goes to the customer from here."""


def deliver(odoo: Odoo, request: Deliver) -> Done | Pending:
    """Done once all of it has left the stock, by this call, by an earlier one, or by the warehouse itself."""
    if not odoo.settings.deliver:
        return Done()
    home = sites(odoo, [request.order.warehouse_code])[request.order.warehouse_code]
    company = own_company(odoo).id if isinstance(home, Refused) else home.company.id
    roots = [
        id
        for reservation in request.reservations
        for id in referred(reservation.reference)
        or deliveries(odoo, reservation.reference, company)
        or by_name(odoo, reservation.reference, company)
    ]
    roots += _reserved_now(odoo, request)
    work = _Delivery(odoo, company, request, roots)
    for _ in range(ROUNDS):
        if work.round():
            return Done()
    raise Unknown("somebody is working on the same deliveries in Odoo; they are looked at again")


def _reserved_now(odoo: Odoo, request: Deliver) -> list[int]:
    """Deliveries for what no reservation covers (`without_reservation = "deliver"`), made under this key.

    They are never sales orders: what leaves here is invoiced already, and a sale would ask to be invoiced again.
    """
    covered = {str(id) for reservation in request.reservations for id in reservation.item_ids}
    rest = tuple(item for item in request.order.items if str(item.item_id) not in covered)
    if not rest:
        return []
    order = replace(request.order, items=rest)
    answer = reserve(odoo, [ReserveStock(request.key, order, 1, "arrived")], "picking").only()
    if isinstance(answer, Reserved):
        return referred(answer.reference)
    if isinstance(answer, Shortage):
        lines = "; ".join(f"{s.sku}: {s.wanted:f} to deliver, {s.available:f} free" for s in answer.lines)
        said = f"no reservation of it is known, and Odoo does not have the goods: {lines}"
    else:
        said = "no reservation of it is known, and the delivery that was made for it was cancelled in Odoo"
    raise Refused(Reason.ISSUED_NOT_DELIVERED, said, Owner.WAREHOUSE)


@dataclass(frozen=True, slots=True)
class _Take:
    """So much of a move leaves."""

    move: Move
    quantity: Decimal


class _Delivery:
    def __init__(self, odoo: Odoo, company: int, request: Deliver, roots: Sequence[int]) -> None:
        self.odoo = odoo
        self.company = company
        self.key = request.key
        self.roots = roots
        self.wanted: dict[int, Decimal] = {}
        known = products(odoo, {item.sku for item in request.order.items}, company, archived=True)
        for item in request.order.items:
            product = known[item.sku]
            if isinstance(product, Refused):
                raise product
            if not product.service:
                for part, quantity in parts(odoo, product, counted(odoo, product, item.qty), company):
                    self.wanted[part.id] = self.wanted.get(part.id, NOTHING) + quantity

    def round(self) -> bool:
        """Look, and do what is still to be done. True if nothing was."""
        chain = backorders(self.odoo, self.roots, self.company)
        pickings = found(self.odoo, chain, self.company)
        moves = [move for picking in pickings.values() for move in picking.moves]
        missing = self._missing(moves)
        if not missing:
            self._unmark([move for move in moves if move.open and move.mark == self.key])
            return True
        plan = self._plan(pickings, moves, missing)
        try:
            for picking, takes in plan.items():
                self._write(pickings[picking], takes)
            self.odoo.call("stock.picking", "button_validate", sorted(plan), company=self.company, context=VALIDATE)
        except Refused as refusal:
            self._undone(pickings, plan, refusal)
        return False

    def _missing(self, moves: Sequence[Move]) -> dict[int, Decimal]:
        """By product, what has not left yet for this key.

        A product of which nothing is open any more has left in full: somebody validated it in Odoo, and what other
        keys have not taken of it is ours.
        """
        missing = {}
        for product, quantity in self.wanted.items():
            mine = [move for move in moves if move.product == product and move.state != "cancel"]
            left = sum((m.has for m in mine if m.state == "done" and m.mark == self.key), NOTHING)
            if left < quantity and mine and not any(move.open for move in mine):
                left = sum((m.has for m in mine if m.mark == self.key or not _is_key(m.mark)), NOTHING)
            if left < quantity:
                missing[product] = quantity - left
        return missing

    def _plan(
        self, pickings: Mapping[int, Found], moves: Sequence[Move], missing: Mapping[int, Decimal]
    ) -> dict[int, list[_Take]]:
        """Which moves leave, and how much of each, by picking. All that is missing is covered, or nothing is done."""
        plan: dict[int, list[_Take]] = {}
        for product, quantity in missing.items():
            rest = quantity
            for move in moves:
                if move.product != product or not move.open or not rest:
                    continue
                take = min(rest, move.has)
                if take > 0:
                    plan.setdefault(move.picking, []).append(_Take(move, take))
                    rest -= take
            if rest:
                self._lacks(pickings, product, rest)
        self._keeps_backorders(pickings, plan)
        return plan

    def _lacks(self, pickings: Mapping[int, Found], product: int, rest: Decimal) -> None:
        waiting = [
            picking.name
            for picking in pickings.values()
            for move in picking.moves
            if move.open and move.product == product
        ]
        (row,) = self.odoo.find("product.product", [("id", "=", product)], ["display_name"], company=self.company)
        if waiting:
            said = f"{rest:f} of {row['display_name']} in {', '.join(waiting)} is not reserved in Odoo (any more): "
            said += "reserve it there, or validate the transfer that it waits for"
        else:
            names = ", ".join(picking.name for picking in pickings.values())
            said = f"{rest:f} of {row['display_name']} is in no open delivery ({names}): the rest was cancelled in Odoo"
        raise Refused(Reason.ISSUED_NOT_DELIVERED, said, Owner.WAREHOUSE)

    def _keeps_backorders(self, pickings: Mapping[int, Found], plan: Mapping[int, Sequence[_Take]]) -> None:
        """An operation type that never makes backorders would cancel the rest of the reservation, and say nothing."""
        parts = [
            id
            for id, takes in plan.items()
            if {take.move.id: take.quantity for take in takes}
            != {move.id: move.wanted for move in pickings[id].moves if move.open}
        ]
        if not parts:
            return
        rows = self.odoo.find("stock.picking", [("id", "in", parts)], ["picking_type_id"], company=self.company)
        types = sorted({one(row["picking_type_id"]) or 0 for row in rows})
        never = self.odoo.find(
            "stock.picking.type", [("id", "in", types), ("create_backorder", "=", "never")], ["name"],
            company=self.company,
        )  # fmt: skip
        if never:
            raise Refused(
                Reason.ISSUED_NOT_DELIVERED,
                f"operation type {never[0]['name']} never makes backorders in Odoo: a part delivery would cancel the "
                "rest; set it to Ask or Always",
                Owner.WAREHOUSE,
            )

    def _write(self, picking: Found, takes: Sequence[_Take]) -> None:
        """Pick these quantities of these moves and nothing else of the picking, in one transaction."""
        leaving = {take.move.id: take.quantity for take in takes}
        moves = [move for move in picking.moves if move.open]
        fields = [
            "move_id", "quantity", "product_id", "product_uom_id", "location_id", "location_dest_id", "lot_id",
            "package_id", "owner_id",
        ]  # fmt: skip
        domain = [("move_id", "in", [move.id for move in moves])]
        lines = self.odoo.find("stock.move.line", domain, fields, company=self.company, order="id")
        commands = []
        for move in moves:
            mine = [line for line in lines if one(line["move_id"]) == move.id]
            take = leaving.get(move.id, NOTHING)
            values: dict[str, Any] = {"product_uom": move.unit, "move_line_ids": _picked(picking, mine, take)}
            if take:
                values["origin"] = self.key
            commands.append([1, move.id, values])
        self.odoo.call("stock.picking", "write", [picking.id], company=self.company, vals={"move_ids": commands})

    def _unmark(self, rest: Sequence[Move]) -> None:
        """The rest of a move that was split has inherited the key, and has not left under it."""
        if rest:
            self.odoo.call(
                "stock.move", "write", [move.id for move in rest], company=self.company, vals={"origin": False}
            )

    def _undone(self, before: Mapping[int, Found], plan: Collection[int], refusal: Refused) -> None:
        """Odoo said no. If nothing has moved on meanwhile, that is the answer, with what is known of it."""
        if found(self.odoo, backorders(self.odoo, self.roots, self.company), self.company) != before:
            return
        domain = [
            ("picking_id", "in", sorted(plan)), ("picked", "=", True), ("product_id.tracking", "!=", "none"),
            ("lot_id", "=", False), ("lot_name", "=", False),
        ]  # fmt: skip
        lines = self.odoo.find("stock.move.line", domain, ["product_id", "picking_id"], company=self.company)
        said = refusal.sentence
        if lines:
            which = ", ".join(sorted({f"{named(line['product_id'])} in {named(line['picking_id'])}" for line in lines}))
            said = f"Odoo has reserved no lot or serial number of {which}: say there which one leaves"
        raise Refused(Reason.ISSUED_NOT_DELIVERED, said, Owner.WAREHOUSE) from refusal


def _picked(picking: Found, lines: Sequence[Row], take: Decimal) -> list[list[Any]]:
    """The lines of a move with that much of it picked: a line that leaves in part is split, so that its rest stays
    reserved and no other transaction can take it in between."""
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


def _is_key(mark: str) -> bool:
    """A move's source document is a key of ours, not a person's or Odoo's own."""
    return mark.startswith("i-")
