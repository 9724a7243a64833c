"""Delivering: exactly these items leave the stock, once, and the rest of the reservation stays reserved.

The quantity that has left under a key is read from Odoo and not stored here: the moves carry the key. Many orders are
read, picked and validated together. After each validation everything is read again, whatever the answer was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from shipperone_erp import Deliver, Done, Owner, Pending, Reason, Refused, Reserved, ReserveStock, Shortage, Unknown
from shipperone_erp_odoo.batch_answers import Answers
from shipperone_erp_odoo.delivery_details import track
from shipperone_erp_odoo.delivery_obstacles import explained, lacks, never_backorders, wizard
from shipperone_erp_odoo.kits import parts
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.outgoing_moves import NOTHING, Plan, missing, plan, whole
from shipperone_erp_odoo.picking_goods import lines_of, pick_part, pick_whole
from shipperone_erp_odoo.pickings import Found, Move, by_names, chained, referred
from shipperone_erp_odoo.products import counted, recent_products
from shipperone_erp_odoo.reserving import reserve
from shipperone_erp_odoo.sales import deliveries
from shipperone_erp_odoo.warehouses import own_company, sites

ROUNDS = 5
"""The number of attempts for a plan that conflicts with a concurrent change."""

VALIDATE = {"skip_backorder": True, "skip_sms": True}
"""Without a wizard: the rest becomes a backorder, and no text message is sent to the customer."""

Answer = Done | Pending


def deliver(odoo: Odoo, requests: Sequence[Deliver]) -> Answers[Answer]:
    """Done once all goods have left the stock, by this call, by an earlier one, or by the warehouse itself."""
    answers: Answers[Answer] = Answers()
    if not odoo.settings.deliver:
        for request in requests:
            answers[request.key] = Done()
        return answers
    known = sites(odoo, [request.order.warehouse_code for request in requests])
    by_company: dict[int, list[Deliver]] = {}
    for request in requests:
        home = known[request.order.warehouse_code]
        at = own_company(odoo) if isinstance(home, Refused) else home.company
        by_company.setdefault(at.id, []).append(request)
    for company, chunk in by_company.items():
        roots = _roots(odoo, chunk, company, answers)
        works = _works(odoo, [request for request in chunk if request.key in roots], roots, company, answers)
        left = _Chunk(odoo, company, answers).deliver(works)
        track(odoo, left, {request.key: request.order for request in chunk}, company)
    return answers


@dataclass(slots=True)
class _Work:
    """A key, the pickings of its reservation, and the quantity of each product to be delivered under it."""

    key: str
    roots: Sequence[int]
    wanted: Mapping[int, Decimal]
    tries: int = 0
    refusal: Refused | None = None
    before: Mapping[int, Found] = field(default_factory=dict)
    """The pickings at the time of the refusal."""

    def refused(self, refusal: Refused, before: Mapping[int, Found]) -> None:
        """Record Odoo's refusal. It becomes the answer if nothing has changed by the next look."""
        self.refusal, self.before = refusal, _without_marks(before)


def _roots(odoo: Odoo, requests: Sequence[Deliver], company: int, answers: Answers[Answer]) -> dict[str, list[int]]:
    """The pickings of each request's reservation; a request without any is answered."""
    references = dict.fromkeys(reservation.reference for request in requests for reservation in request.reservations)
    ids = {text: referred(text) for text in references}
    ids |= deliveries(odoo, [text for text in references if not ids[text]], company)
    ids |= by_names(odoo, "stock.picking", [text for text in references if not ids[text]], company)
    now = _reserved_now(odoo, requests, answers)
    return {
        request.key: [id for reservation in request.reservations for id in ids[reservation.reference]]
        + now.get(request.key, [])
        for request in requests
        if request.key not in answers.found
    }


def _reserved_now(odoo: Odoo, requests: Sequence[Deliver], answers: Answers[Answer]) -> dict[str, list[int]]:
    """Deliveries of goods without a reservation (`without_reservation = "deliver"`), created under the request's key.

    They are never sales orders: these goods are invoiced already, and a sale would have to be invoiced again.
    """
    asked = []
    for request in requests:
        covered = {str(id) for reservation in request.reservations for id in reservation.item_ids}
        rest = tuple(item for item in request.order.items if str(item.item_id) not in covered)
        if rest:
            asked.append(ReserveStock(request.key, replace(request.order, items=rest), 1, "arrived"))
    found = reserve(odoo, asked, "picking").found if asked else {}
    ids = {}
    for key, answer in found.items():
        if isinstance(answer, Reserved):
            ids[key] = referred(answer.reference)
        elif isinstance(answer, Exception):
            answers[key] = answer
        else:
            if isinstance(answer, Shortage):
                lines = "; ".join(f'"{s.sku}": {s.wanted:f} to deliver, {s.available:f} free' for s in answer.lines)
                sentence = f"no reservation of it is known, and Odoo does not have enough stock: {lines}"
            else:
                sentence = "no reservation of it is known, and the delivery created for it was cancelled in Odoo"
            answers[key] = Refused(Reason.ISSUED_NOT_DELIVERED, sentence, Owner.WAREHOUSE)
    return ids


def _works(
    odoo: Odoo,
    requests: Sequence[Deliver],
    roots: Mapping[str, Sequence[int]],
    company: int,
    answers: Answers[Answer],
) -> list[_Work]:
    skus = {item.sku for request in requests for item in request.order.items}
    known = recent_products(odoo, skus, company, archived=True) if skus else {}
    works = []
    for request in requests:
        with answers.of(request.key):
            wanted: dict[int, Decimal] = {}
            for item in request.order.items:
                product = known[item.sku]
                if isinstance(product, Refused):
                    raise product
                if not product.service:
                    for part, quantity in parts(odoo, product, counted(odoo, product, item.qty), company):
                        wanted[part.id] = wanted.get(part.id, NOTHING) + quantity
            works.append(_Work(request.key, roots[request.key], wanted))
    return works


class _Chunk:
    """Deliveries of one company."""

    def __init__(self, odoo: Odoo, company: int, answers: Answers[Answer]) -> None:
        self.odoo = odoo
        self.company = company
        self.answers = answers
        self.departed: dict[str, list[int]] = {}

    def deliver(self, works: Sequence[_Work]) -> dict[str, list[int]]:
        """Deliver in rounds until each key is answered; returns by key the pickings by which the goods left.

        Keys that share a reservation are delivered one after the other.
        """
        waiting = list(works)
        while waiting:
            seen = self._look(waiting)
            turn = self._planned(waiting, seen)
            self._validate(self._picked(turn, seen), turn, seen)
            waiting = [work for work in waiting if work.key not in self.answers.found]
        return self.departed

    def _look(self, works: Sequence[_Work]) -> dict[str, dict[int, Found]]:
        """The pickings of each key, with their backorders."""
        chains, there = chained(self.odoo, {id for work in works for id in work.roots}, self.company)
        return {
            work.key: {
                id: there[id]
                for id in sorted({id for root in work.roots for id in chains[root]})
                if id in there
            }
            for work in works
        }  # fmt: skip

    def _planned(
        self, works: Sequence[_Work], seen: Mapping[str, Mapping[int, Found]]
    ) -> dict[str, tuple[_Work, Plan]]:
        """The plan of this round by key. Completed keys, and keys that cannot be delivered, are answered."""
        turn: dict[str, tuple[_Work, Plan]] = {}
        busy: set[int] = set()
        rest: list[Move] = []
        for work in works:
            pickings = seen[work.key]
            moves = [move for picking in pickings.values() for move in picking.moves]
            still = missing(work.key, work.wanted, moves)
            if not still:
                rest += [move for move in moves if move.open and move.mark == work.key]
                self.departed[work.key] = [
                    picking.id
                    for picking in pickings.values()
                    if any(move.state == "done" and move.mark == work.key for move in picking.moves)
                ]
                self.answers[work.key] = Done()
            elif busy.isdisjoint(pickings):
                busy.update(pickings)
                with self.answers.of(work.key):
                    turn[work.key] = (work, self._plan(work, pickings, still))
        self._unmark(rest)
        self._keep_backorders(turn, seen)
        return turn

    def _keep_backorders(self, turn: dict[str, tuple[_Work, Plan]], seen: Mapping[str, Mapping[int, Found]]) -> None:
        """Answer partial deliveries whose operation type would cancel the rest."""
        parts = {
            id: key
            for key, (_, planned) in turn.items()
            for id, takes in planned.takes.items()
            if not whole(seen[key][id], takes)
        }
        for id, refusal in never_backorders(self.odoo, sorted(parts), self.company).items():
            self.answers[parts[id]] = refusal
            turn.pop(parts[id], None)

    def _plan(self, work: _Work, pickings: Mapping[int, Found], still: Mapping[int, Decimal]) -> Plan:
        """A plan that covers the whole missing quantity; otherwise a refusal, and nothing is done."""
        if work.refusal is not None and _without_marks(pickings) == work.before:
            raise explained(self.odoo, work.refusal, pickings, self.company)
        work.refusal = None
        work.tries += 1
        if work.tries > ROUNDS:
            raise Unknown("a user is working on the same deliveries in Odoo; they are checked again")
        planned = plan([move for picking in pickings.values() for move in picking.moves], still)
        for product, quantity in planned.lacking.items():
            raise lacks(self.odoo, pickings, product, quantity, self.company)
        return planned

    def _picked(
        self, turn: Mapping[str, tuple[_Work, Plan]], seen: Mapping[str, Mapping[int, Found]]
    ) -> dict[str, list[int]]:
        """Pick and mark the planned goods; returns by key the pickings to validate.

        A key with a concurrent change is missing in the result, and is looked at again in the next round.
        """
        entire = {
            key: [seen[key][id] for id in planned.takes]
            for key, (_, planned) in turn.items()
            if all(whole(seen[key][id], takes) for id, takes in planned.takes.items())
        }
        failed = pick_whole(self.odoo, entire, self.company)
        partial = {key: planned.takes for key, (_, planned) in turn.items() if key not in entire}
        touched = [seen[key][id] for key, takes in partial.items() for id in takes]
        lines = lines_of(self.odoo, touched, self.company) if touched else {}
        for key, takes in partial.items():
            try:
                for id, of_it in takes.items():
                    pick_part(self.odoo, key, seen[key][id], of_it, lines, self.company)
            except Refused as refusal:
                failed[key] = refusal
        for key, why in failed.items():
            turn[key][0].refused(why, seen[key])
        return {key: sorted(planned.takes) for key, (_, planned) in turn.items() if key not in failed}

    def _validate(
        self,
        picked: Mapping[str, Sequence[int]],
        turn: Mapping[str, tuple[_Work, Plan]],
        seen: Mapping[str, Mapping[int, Found]],
    ) -> None:
        """Validate all pickings in one transaction.

        If Odoo refuses one picking it rolls back all of them, and does not name it: then each half is validated
        separately, recursively. Success is never concluded from an answer.
        """
        groups = [list(picked)] if picked else []
        while groups:
            keys = groups.pop()
            obstacle = self._validated(sorted(id for key in keys for id in picked[key]))
            if obstacle is not None and len(keys) == 1:
                turn[keys[0]][0].refused(obstacle, seen[keys[0]])
            elif obstacle is not None:
                half = len(keys) // 2
                groups += [keys[half:], keys[:half]]

    def _validated(self, ids: Sequence[int]) -> Refused | None:
        """Odoo's reason for not validating these pickings; None on success."""
        try:
            return wizard(
                self.odoo.call("stock.picking", "button_validate", ids, company=self.company, context=VALIDATE)
            )
        except Refused as refusal:
            return refusal

    def _unmark(self, rest: Sequence[Move]) -> None:
        """Remove the key from the rest of a split move: it has inherited the key, but has not left under it."""
        if rest:
            self.odoo.call(
                "stock.move", "write", [move.id for move in rest], company=self.company, vals={"origin": False}
            )


def _without_marks(pickings: Mapping[int, Found]) -> dict[int, Found]:
    """The pickings without the keys, which this connector writes itself."""
    return {
        id: replace(picking, moves=tuple(replace(move, mark="") for move in picking.moves))
        for id, picking in pickings.items()
    }
