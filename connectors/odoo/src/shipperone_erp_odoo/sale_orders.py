"""Reservations as sales orders (`documents = "sale_order"`): a confirmed `sale.order`, whose delivery Odoo plans.

Its contents match the later invoice as far as possible: the buyer, the taxes, a line for each item at its price in
ShipperOne. Its confirmation reserves the available goods and never fails, so every move is read, as for a separate
delivery.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shipperone_erp import FulfillmentOrder, Owner, Reason, Refused
from shipperone_erp_odoo import draft_invoices, existing_documents, lookups, order_links, stock
from shipperone_erp_odoo.batch_answers import Answers
from shipperone_erp_odoo.buyers import Buyer, buyers
from shipperone_erp_odoo.invoice_plan import SHIPPING, DraftLine, gross, sequence_of
from shipperone_erp_odoo.links import link
from shipperone_erp_odoo.odoo import Draft, Odoo
from shipperone_erp_odoo.optional_fields import UNNAMED_SINCE
from shipperone_erp_odoo.picking_plan import Picking, Transfers, Wanted, external_ids
from shipperone_erp_odoo.pickings import Found, Move, each, lacking, moves_counted
from shipperone_erp_odoo.products import Product
from shipperone_erp_odoo.sales import cancel, reference
from shipperone_erp_odoo.tags import tagged
from shipperone_erp_odoo.warehouses import Company, Site

SALE = "SALE"
"""The kind of the external ids of sales orders."""

FINE = Decimal("0.000001")
"""Odoo rounds a unit price to its configured precision, by default two decimal places."""


class SaleOrders:
    """The sales orders of one company."""

    def __init__(self, odoo: Odoo, at: Company, location: int, known: Mapping[str, Product | Refused]) -> None:
        self.odoo = odoo
        self.at = at
        self.location = location
        self.known = known
        self.counted: dict[stock.Place, stock.Count] = {}
        self._sold: existing_documents.Seen | None = None

    def seen(self, orders: Sequence[FulfillmentOrder]) -> list[existing_documents.Seen]:
        """The live sales orders that name these orders, and the live deliveries that do."""
        self._sold = existing_documents.sale_orders(self.odoo, orders, self.at.id)
        return [self._sold, existing_documents.pickings(self.odoo, orders, self.at.id)]

    def knows(self, order: Wanted) -> bool:
        """Whether it was created under this key."""
        return self.odoo.reference(external_ids(self.odoo, order.key, order.order, SALE)[0]) is not None

    def knows_otherwise(self, order: Wanted) -> bool:
        """Whether it was created as a delivery."""
        return self.odoo.reference(external_ids(self.odoo, order.key, order.order)[0]) is not None

    def begun_with(self, order: Wanted, live: Collection[str]) -> Transfers:
        """Each warehouse has a sales order of its own."""
        return "direct"

    def made(self, orders: Sequence[Wanted], answers: Answers[Any]) -> dict[str, list[Found]]:
        """Get-or-create, confirmed: as `reserving.Way` has it."""
        ids = self._loaded(orders, answers)
        refused = self._confirm(sorted({id for made in ids.values() for id in made}))
        found = self._found({id for made in ids.values() for id in made})
        short = sorted({move.picking for one in found.values() if lacking(one) for move in one.moves if move.open})
        if short:
            each(self.odoo, "action_assign", short, self.at.id)
            found = self._found(found)
        refused |= self._nothing_planned([id for id, order in found.items() if not order.moves and id not in refused])
        for key, made in list(ids.items()):
            for id in made:
                if id in refused:
                    answers[key] = refused[id]
                    ids.pop(key, None)
        return {key: [found[id] for id in made] for key, made in ids.items()}

    def cancel(self, made: Sequence[Found]) -> None:
        """Release the goods that they hold."""
        cancel(self.odoo, [order.id for order in made], self.at.id)

    def reference(self, made: Sequence[Found]) -> str:
        """The reference, by their numbers."""
        return reference(made)

    def url(self, made: Sequence[Found]) -> str:
        """The address of the first one's form."""
        return link(self.odoo, "sale.order", made[0].id)

    def _loaded(self, orders: Sequence[Wanted], answers: Answers[Any]) -> dict[str, list[int]]:
        """The sales orders of each order; those that cannot be created are answered."""
        by_key = {order.key: order.order for order in orders}
        plans: dict[str, tuple[draft_invoices.Terms, list[DraftLine]]] = {}
        for order in orders:
            with answers.of(order.key):
                for planned in order.pickings:
                    _in_one_step(planned.site)
                plans[order.key] = draft_invoices.plan(self.odoo, self.at, order.order, self.known)
        who = buyers(self.odoo, {key: by_key[key] for key in plans}, self.at) if plans else {}
        drafts: dict[str, list[Draft]] = {}
        for order in orders:
            buyer = who.get(order.key)
            if isinstance(buyer, Refused):
                answers[order.key] = buyer
            elif buyer is not None:
                with answers.of(order.key):
                    drafts[order.key] = self._drafts(order, buyer, *plans[order.key])
        wanted = [draft for made in drafts.values() for draft in made]
        loaded = self.odoo.load("sale.order", wanted, company=self.at.id) if wanted else {}
        ours = {
            draft.xid: (id, by_key[key])
            for key, made in drafts.items()
            for draft in made
            if isinstance(id := loaded[draft.xid], int)
        }
        order_links.show(self.odoo, "sale.order", ours, self.at.id)
        ids: dict[str, list[int]] = {}
        for key, made in drafts.items():
            found = [loaded[draft.xid] for draft in made]
            there = [id for id in found if isinstance(id, int)]
            if len(there) == len(found):
                ids[key] = there
                continue
            cancel(self.odoo, there, self.at.id)
            answers[key] = next(why for why in found if isinstance(why, Refused))
        return ids

    def _drafts(
        self, order: Wanted, buyer: Buyer, terms: draft_invoices.Terms, lines: Sequence[DraftLine]
    ) -> list[Draft]:
        """A sales order for each warehouse that delivers. Shipping and charges are on the first one of the order."""
        first = self._sold is None or not self._sold.any_of(order.order)
        drafts = []
        for planned in order.pickings:
            of_it = _item_lines(order, planned.site, lines, draft_invoices.currency(self.odoo, order.order, self.at)[1])
            if first:
                of_it += [line for line in lines if line.sequence >= SHIPPING]
            first = False
            drafts.append(self._draft(order.order, planned, buyer, terms, of_it))
        return drafts

    def _draft(
        self,
        order: FulfillmentOrder,
        planned: Picking,
        buyer: Buyer,
        terms: draft_invoices.Terms,
        lines: Sequence[DraftLine],
    ) -> Draft:
        """The draft for `load`. Values that Odoo would derive from a pricelist or the buyer's record are set."""
        unit, taxes = ("product_uom", "tax_id") if self.odoo.has(*UNNAMED_SINCE) else ("product_uom_id", "tax_ids")
        settings = self.odoo.settings
        head = {
            "company_id/.id": self.at.id,
            "warehouse_id/.id": planned.site.id,
            "partner_id/.id": buyer.invoiced,
            "partner_invoice_id/.id": buyer.invoiced,
            "partner_shipping_id/.id": buyer.addressee,
            "client_order_ref": draft_invoices.named(order),
            "origin": order.order_id,
            "picking_policy": "one",
            "pricelist_id/.id": _pricelist(self.odoo, order.currency or "", self.at),
            "tag_ids/.id": lookups.sales_tag(self.odoo, settings.tag, self.at) if settings.tag else None,
            **tagged(self.odoo, "sale_order"),
            "fiscal_position_id/.id": terms.position,
            "payment_term_id/.id": terms.term,
            "team_id/.id": terms.team,
            # with the buyer's own salesperson it would look like a foreign document
            "user_id/.id": lookups.salesperson(self.odoo, settings.salesperson, self.at)
            if settings.salesperson
            else self.odoo.user_id(),
        }
        share = f'{{"{terms.analytic}": 100}}' if terms.analytic else None
        return Draft(
            planned.xid,
            head,
            draft_invoices.with_note("order_line", buyer.note, [
                {
                    "order_line/sequence": line.sequence,
                    "order_line/product_id/.id": line.product.id,
                    f"order_line/{unit}/.id": line.product.unit,
                    "order_line/name": line.name,
                    "order_line/product_uom_qty": line.quantity,
                    "order_line/price_unit": line.price,
                    "order_line/discount": 0,
                    f"order_line/{taxes}/.id": ",".join(map(str, line.taxes)),
                    "order_line/analytic_distribution": share,
                }
                for line in lines
            ]),
        )  # fmt: skip

    def _confirm(self, ids: Sequence[int]) -> dict[int, Refused]:
        """Confirm the quotations, in one transaction, or one by one if Odoo refuses. Returns the failures."""
        if not ids or self._confirmed_together(ids):
            return {}
        left = self._quotations(ids)  # Odoo confirms none if one of them is confirmed already, or cancelled
        if not left or (left != ids and self._confirmed_together(left)):
            return {}
        refused: dict[int, Refused] = {}
        for id in left:
            try:
                self.odoo.call("sale.order", "action_confirm", [id], company=self.at.id)
            except Refused as refusal:
                if self._quotations([id]):  # else another one has confirmed it
                    refused[id] = refusal
        return refused

    def _confirmed_together(self, ids: Sequence[int]) -> bool:
        try:
            self.odoo.call("sale.order", "action_confirm", ids, company=self.at.id)
        except Refused:
            return False
        return True

    def _quotations(self, ids: Sequence[int]) -> list[int]:
        """Those of them that are not confirmed, and not cancelled."""
        domain = [("id", "in", ids), ("state", "in", ["draft", "sent"])]
        rows = self.odoo.find("sale.order", domain, ["id"], company=self.at.id, order="id")
        return [int(row["id"]) for row in rows]

    def _nothing_planned(self, ids: Sequence[int]) -> dict[int, Refused]:
        """Orders that are confirmed but have no delivery: their goods come another way."""
        domain = [("id", "in", ids), ("state", "=", "sale")]
        rows = self.odoo.find("sale.order", domain, ["name"], company=self.at.id, order="id") if ids else []
        sentence = "is confirmed in Odoo and has no delivery from the warehouse: check its products' routes"
        return {
            int(row["id"]): Refused(Reason.ERP_REFUSED, f"{row['name']} {sentence}", Owner.WAREHOUSE) for row in rows
        }

    def _found(self, ids: Sequence[int] | set[int] | Mapping[int, Found]) -> dict[int, Found]:
        """Each sales order with the moves of all its deliveries."""
        if not ids:
            return {}
        wanted, company = sorted(ids), self.at.id
        domain = [("picking_id.sale_id", "in", wanted), ("picking_id.picking_type_code", "=", "outgoing")]
        sale: dict[str, Any] = {"sale_id": {"fields": {"name": {}}}}
        found, self.counted = moves_counted(self.odoo, domain, company, self.location, sale)
        by_order: dict[int, list[Move]] = {}
        names: dict[int, str] = {}
        for move, picking in found:
            id = int(picking["sale_id"]["id"])
            names[id] = str(picking["sale_id"]["name"])
            by_order.setdefault(id, []).append(move)
        without = [id for id in wanted if id not in names]
        rows = self.odoo.find(
            "sale.order", [("id", "in", without)], ["name"], company=company, order="id"
        ) if without else []  # fmt: skip
        names |= {int(row["id"]): str(row["name"]) for row in rows}
        return {id: Found(id, names.get(id, ""), tuple(by_order.get(id, ()))) for id in wanted}


def _in_one_step(site: Site) -> None:
    """`Refused` if a sales order's delivery would not be a single picking."""
    if not site.one_step:
        raise Refused(
            Reason.CONFIG_INCOMPLETE,
            f"{site.name} delivers in several steps in Odoo (pick, pack, ship), which is not supported with sales "
            'orders: set its outgoing shipments to one step, or `documents = "picking"`',
            Owner.WAREHOUSE,
        )


def _pricelist(odoo: Odoo, currency: str, at: Company) -> int | None:
    """A pricelist in that currency, needed only because it sets a sales order's currency.

    Without a pricelist the currency is the company's.
    """
    if odoo.settings.pricelist is not None:
        return lookups.pricelist_named(odoo, odoo.settings.pricelist, currency, at)
    found = lookups.pricelist(odoo, currency, at)
    if found is None and currency != at.currency:
        sentence = (
            f"a sales order gets its currency from its pricelist, and {at.name} has none in {currency} in Odoo: "
            "create one"
        )
        raise Refused(Reason.CURRENCY_DIFFERS, sentence, Owner.ACCOUNTANT)
    return found


def _item_lines(order: Wanted, site: Site, lines: Sequence[DraftLine], cent: Decimal) -> list[DraftLine]:
    """One line for each item that leaves that warehouse, unlike on the invoice.

    Partial deliveries and invoices of an item are then counted in one place. The price may lose fractions of a cent.
    """
    taxes = {line.sequence - line.sequence % 10: line.taxes for line in lines}
    by_item = {line.item.item_id: line for line in order.lines}
    found = []
    for sequence, item in sequence_of(order.order).items():
        wanted = by_item[item.item_id]
        if wanted.source == site and wanted.quantity:
            price = (gross(item, cent) / wanted.quantity).quantize(FINE, ROUND_HALF_UP)
            name = item.name or wanted.product.name
            found.append(DraftLine(sequence, wanted.product, name, wanted.quantity, price, taxes[sequence]))
    return found
