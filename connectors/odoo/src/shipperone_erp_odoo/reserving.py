"""Reserving: get-or-create by `load`, confirm, read every move; the whole order or nothing of it.

Orders that cannot be fulfilled are found beforehand by the free quantities, so that a shortage leaves no document. A
concurrent reservation of the same goods is found afterwards, and then the picking is cancelled.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

from shipperone_erp import (
    FulfillmentOrder,
    Owner,
    Pending,
    Reason,
    Refused,
    Reserved,
    ReserveStock,
    Shortage,
    Voided,
)
from shipperone_erp_odoo import draft_invoices, existing_documents, stock, vat_checks
from shipperone_erp_odoo.batch_answers import Answers
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.picking_loader import Deliveries
from shipperone_erp_odoo.picking_plan import Transfers, Wanted, sources, wanted
from shipperone_erp_odoo.pickings import Found, Move
from shipperone_erp_odoo.products import Product, counted_products
from shipperone_erp_odoo.rehearsing import refuse_before_reserving
from shipperone_erp_odoo.sale_orders import SALE, SaleOrders
from shipperone_erp_odoo.shortages import leaked, shared_out, short_lines, short_of
from shipperone_erp_odoo.warehouses import Company, Site, sites

NOTHING = Decimal(0)
Answer = Reserved | Shortage | Pending | Voided


class Way(Protocol):
    """The kind of document that reserves in one company: separate deliveries, or sales orders with deliveries.

    `counted`: counts that came with the documents that `made` read last.
    """

    counted: dict[stock.Place, stock.Count]

    def seen(self, orders: Sequence[FulfillmentOrder]) -> Sequence[existing_documents.Seen]:
        """The live documents that name these orders, this connector's and others."""

    def knows(self, order: Wanted) -> bool:
        """Whether the document of this key exists."""

    def knows_otherwise(self, order: Wanted) -> bool:
        """Whether it exists as the other kind of document, from before a change of `documents`."""

    def begun_with(self, order: Wanted, live: Collection[str]) -> Transfers:
        """How its goods from elsewhere were requested, possibly before a change of `transfers`.

        `live`: the connector's external ids that name the order.
        """

    def made(self, orders: Sequence[Wanted], answers: Answers[Any]) -> dict[str, list[Found]]:
        """Get-or-create, confirm and request the reservation: the documents by key, one for each planned picking, in
        sequence.

        An order that cannot be created is answered and missing; a cancelled document has no live move.
        """

    def cancel(self, made: Sequence[Found]) -> None:
        """Release the goods that they hold."""

    def reference(self, made: Sequence[Found]) -> str:
        """The reference by which the reservation is found again."""

    def url(self, made: Sequence[Found]) -> str:
        """The address of the document for users."""


def reserve(odoo: Odoo, requests: Sequence[ReserveStock], documents: str | None = None) -> Answers[Answer]:
    """An answer or an exception for each key. `Transient` and `AuthFailed` raised here apply to all of them.

    `documents` overrides the setting, for goods that no sale may be made of any more.
    """
    sold = (documents or odoo.settings.documents) == "sale_order"
    kind = SALE if sold else "PICK"
    answers: Answers[Answer] = Answers()
    known = sites(odoo, [code for request in requests for code in sources(request.order)])
    by_company: dict[Company, list[ReserveStock]] = {}
    for request in requests:
        home = known[request.order.warehouse_code]
        if isinstance(home, Refused):
            answers[request.key] = home
        else:
            by_company.setdefault(home.company, []).append(request)
    for company, chunk in by_company.items():
        skus = {item.sku for request in chunk for item in request.order.items}
        skus |= draft_invoices.skus(odoo, [])  # for the lines of a sales order, or of the invoice that may follow soon
        location = _location(odoo, known, chunk)
        known_products, counted = counted_products(odoo, skus, company.id, location)
        asked: list[tuple[ReserveStock, Wanted]] = []
        orders = {} if sold else {request.key: request.order for request in chunk}  # a sale checks its buyer itself
        refused = vat_checks.refuse_before_reserving(odoo, orders, company)
        planned = partial(_planned, odoo, known, known_products, kind)
        for request in chunk:
            with answers.of(request.key):
                if request.key in refused:
                    raise refused[request.key]
                asked.append((request, planned(request, "direct" if sold else None)))
        way = SaleOrders(odoo, company, location, known_products) if sold else Deliveries(odoo, company, location)
        before = _Chunk(odoo, company, way, planned, asked, answers, counted).reserve()
        if before:  # finished as the kind as which it was begun
            for key, answer in reserve(odoo, before, "picking" if sold else "sale_order").found.items():
                answers[key] = answer
    return answers


def _location(odoo: Odoo, sites: Mapping[str, Site | Refused], requests: Sequence[ReserveStock]) -> int:
    """The stock location of most orders: its counts come with the products, the others' by a call of their own."""
    codes = Counter(code for request in requests for code in sources(request.order))
    return next(site.stock for code, _ in codes.most_common() if isinstance(site := sites[code], Site))


def _planned(
    odoo: Odoo,
    sites: Mapping[str, Site | Refused],
    products: Mapping[str, Product | Refused],
    kind: str,
    request: ReserveStock,
    transfers: Transfers | None,
) -> Wanted:
    return wanted(odoo, request.key, request.order, sites, products, kind, transfers)


class _Chunk:
    """Orders of one company, reserved together in as few calls as they need."""

    def __init__(
        self,
        odoo: Odoo,
        company: Company,
        way: Way,
        planned: Callable[[ReserveStock, Transfers | None], Wanted],
        asked: Sequence[tuple[ReserveStock, Wanted]],
        answers: Answers[Answer],
        counted: Mapping[stock.Place, stock.Count],
    ) -> None:
        self.odoo = odoo
        self.company = company
        self.way = way
        self.planned = planned
        self.asked = {order.key: (request, order) for request, order in asked}
        self.answers = answers
        self.otherwise: list[ReserveStock] = []
        self.counted = dict(counted)

    def reserve(self) -> list[ReserveStock]:
        """Returns the requests without an answer here: their reservations are documents of the other kind."""
        there = self._there_already()
        fitting = self._fitting([order for _, order in self.asked.values() if order.key not in there])
        fitting = self._invoiceable(fitting)
        todo = [order for _, order in self.asked.values() if order.key in there or order in fitting]
        mine = self.way.made(todo, self.answers)
        less = [order for order in fitting if self._got_less(order, mine.get(order.key, ()))]
        if less:
            stock.tidy_up(self.odoo, self.company.id)
            mine |= self.way.made(less, self.answers)
        todo = [order for order in todo if order.key in mine]
        for order in todo:
            with self.answers.of(order.key):
                self.answers[order.key] = self._answer(order, mine[order.key])
        self._take_back_what_is_over([order for order in todo if order.key not in there], there, mine)
        return self.otherwise

    def _there_already(self) -> set[str]:
        """The keys with an existing document: their goods are already reserved, so they need not be free."""
        orders = [order.order for _, order in self.asked.values()]
        seen = self.way.seen(orders)
        there = set()
        for key, (request, order) in list(self.asked.items()):
            if any(documents.any_of(order.order) for documents in seen):
                with self.answers.of(key):
                    if self.way.knows(order):
                        live = {name for documents in seen for name in documents.external_ids(order.order)}
                        begun = self.way.begun_with(order, live)
                        if begun != self.odoo.settings.transfers:
                            self.asked[key] = (request, self.planned(request, begun))
                        there.add(key)
                        continue
                    if self.way.knows_otherwise(order):
                        self.otherwise.append(request)
                        del self.asked[key]
                        continue
                    for documents in seen:
                        documents.refuse(order.order)
                if key in self.answers.found:
                    self.asked.pop(key, None)
        return there

    def _fitting(self, orders: Sequence[Wanted]) -> list[Wanted]:
        """The orders whose goods are free, in sequence; the others are answered as short.

        Odoo repairs its counts first, if they are implausible.
        """
        places = {place for order in orders for place in order.demand()}
        unknown = places - self.counted.keys()
        self.counted |= stock.counts(self.odoo, unknown, self.company.id) if unknown else {}
        known = self.odoo.own("stock", stock.Experience)
        fitting, short = shared_out(orders, known.free(self.counted))
        if short and places - unknown:  # a shortage is answered by counts that were all read at once
            self.counted = dict(stock.counts(self.odoo, places, self.company.id))
            fitting, short = shared_out(orders, known.free(self.counted))
        wrong = any(count.over for count in self.counted.values())
        leaks = self._leaks(short)
        if wrong or leaks:
            stock.tidy_up(self.odoo, self.company.id)
            self.counted = dict(stock.counts(self.odoo, places, self.company.id))
            fitting, short = shared_out(orders, known.free(self.counted))
            still = self._leaks(short) if leaks else {}
            leaks = {place: amount for place, amount in still.items() if leaks.get(place) == amount}
        for order, left in short:
            enough = {place: free + leaks.get(place, NOTHING) for place, free in left.items()}
            if leaks and not list(short_lines(order, enough)):
                self.answers[order.key] = leaked(order, left, leaks, self.counted)
            else:
                self.answers[order.key] = Shortage(tuple(short_lines(order, left)))
        return fitting

    def _leaks(self, short: Sequence[tuple[Wanted, Mapping[stock.Place, Decimal]]]) -> dict[stock.Place, Decimal]:
        """The quantity that these orders lack, and that is counted as reserved although nothing holds it."""
        touched = {place: self.counted[place] for order, _ in short for place in order.demand()}
        return stock.leaks(self.odoo, touched, self.company.id) if touched else {}

    def _got_less(self, order: Wanted, pickings: Sequence[Found]) -> bool:
        """Whether Odoo gave an order less than its counts show.

        This happens if rows of counts cancel each other out: version 17 leaves such rows after concurrent reservations
        were cancelled, and merges them when it tidies up.
        """
        return any(
            move.open and not move.ready and not move.origins and (move.source, move.product) in order.demand()
            for picking in pickings
            for move in picking.moves
        )

    def _invoiceable(self, orders: Sequence[Wanted]) -> list[Wanted]:
        """The orders without those whose invoice Odoo's total would differ from; the latter are answered."""
        known = {line.item.sku: line.product for order in orders for line in order.lines}
        refused = refuse_before_reserving(self.odoo, self.company, {o.key: o.order for o in orders}, known)
        for key, refusal in refused.items():
            self.answers[key] = refusal
        return [order for order in orders if order.key not in refused]

    def _answer(self, order: Wanted, pickings: Sequence[Found]) -> Answer:
        request, _ = self.asked[order.key]
        if any(picking.cancelled for picking in pickings):
            self.way.cancel(pickings)
            named = [picking for picking in pickings if picking.name]
            return Voided(self.way.reference(named) if named else None)
        _still_wants(order, pickings)
        planned = list(zip(order.pickings, pickings, strict=True))
        transfers = [picking for plan, picking in planned if plan.kind == "transfer"]
        deliveries = [picking for plan, picking in planned if plan.kind == "delivery"]
        short = [
            move
            for picking in pickings
            for move in picking.moves
            if move.open and not move.ready and not (transfers and move.origins and picking in deliveries)
        ]
        if short:
            self.way.cancel(pickings)
            self._remember(order, short)
            return Shortage(tuple(short_of(order, short)))
        waiting = [move for picking in deliveries for move in picking.moves if move.open and not move.ready]
        if waiting and request.transfer == "arrived":
            return self._on_the_road(transfers, deliveries)
        return Reserved(self.way.reference(deliveries), self.way.url(deliveries))

    def _remember(self, order: Wanted, short: Sequence[Move]) -> None:
        """Record that Odoo gave less than its counts show, although no other transaction has changed them."""
        lacking = {move.product: move.has for move in short}
        places = [place for place in order.demand() if place[1] in lacking and place in self.counted]
        now = stock.counts(self.odoo, places, self.company.id) if places else {}
        known = self.odoo.own("stock", stock.Experience)
        for place, count in now.items():
            if count == self.counted[place] and count.free > lacking[place[1]]:
                known.remember(place, count, lacking[place[1]])

    def _on_the_road(self, transfers: Sequence[Found], deliveries: Sequence[Found]) -> Pending:
        names = ", ".join(picking.name for picking in transfers)
        still = [picking.name for picking in transfers if picking.open]
        sentence = (
            f"transfer {', '.join(still)} for {deliveries[0].name} is not validated in Odoo yet"
            if still
            else f"transfer {names} is done, but {deliveries[0].name} still lacks goods: check the received quantities"
        )
        return Pending(sentence, reason=Reason.WAITING_FOR_TRANSFER, owner=Owner.WAREHOUSE)

    def _take_back_what_is_over(
        self, made: Sequence[Wanted], there: set[str], mine: Mapping[str, Sequence[Found]]
    ) -> None:
        """Undo this call's reservations that exceed the stock, since Odoo over-reserved in a concurrent transaction.

        The youngest are undone first, as far as they were not answered to core yet. Earlier reservations are held for
        an operator.
        """
        held = [order for order in made if isinstance(self.answers.found.get(order.key), Reserved | Pending)]
        before = [self.asked[key][1] for key in there if isinstance(self.answers.found.get(key), Reserved | Pending)]
        places = {place for order in [*held, *before] for place in order.demand()}
        over = dict(stock.over_reserved(self.odoo, places, self.company.id, self.way.counted)) if places else {}
        excess = {place: count.over for place, count in over.items()}
        for order in reversed(held):
            short = {place: excess[place] for place in order.demand() if excess.get(place, NOTHING) > 0}
            if not short:
                continue
            self.way.cancel(mine[order.key])
            for place, quantity in order.demand().items():
                excess[place] = excess.get(place, NOTHING) - quantity
            left = {place: max(order.demand()[place] - gap, NOTHING) for place, gap in short.items()}
            self.answers[order.key] = Shortage(tuple(short_lines(order, left)))
        if over:
            stock.tidy_up(self.odoo, self.company.id)
        for order in before:
            if any(excess.get(place, NOTHING) > 0 for place in order.demand()):
                names = ", ".join(picking.name for picking in mine[order.key])
                self.answers[order.key] = Refused(
                    Reason.ERP_STOCK_INCONSISTENT,
                    f"more is reserved than is in stock, also by {names}: release one of the reservations in Odoo, or "
                    "count the stock again",
                    Owner.WAREHOUSE,
                )


def _still_wants(order: Wanted, pickings: Sequence[Found]) -> None:
    """Refuse if the deliveries differ from the order, since a user has changed them."""
    for planned, picking in zip(order.pickings, pickings, strict=True):
        wants: dict[int, Decimal] = {}
        for move in picking.moves:
            if move.state != "cancel":
                wants[move.product] = wants.get(move.product, NOTHING) + move.wanted
        should: dict[int, Decimal] = {}
        for (product, _), quantity in planned.moves.items():
            should[product.id] = should.get(product.id, NOTHING) + quantity
        if wants != should and not picking.done:
            raise Refused(
                Reason.ERP_CHANGED,
                f"{picking.name} was changed in Odoo and no longer matches the order; correct it, or cancel it to "
                "have it rebuilt",
                Owner.WAREHOUSE,
            )
