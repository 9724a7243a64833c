"""`build_invoice`: a draft of a customer invoice, get-or-create by `load`; never more than a draft."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from shipperone_erp import AlreadyIssued, BuildInvoice, FulfillmentOrder, Invoice, Owner, Reason, Refused, Voided
from shipperone_erp_odoo import draft_buyers, existing_documents, lookups, order_links
from shipperone_erp_odoo.batch_answers import Answers
from shipperone_erp_odoo.buyers import Buyer, buyers
from shipperone_erp_odoo.delivery_details import address, departing
from shipperone_erp_odoo.invoice_plan import NOTE, DraftLine, draft_lines
from shipperone_erp_odoo.invoice_reader import reference, standing
from shipperone_erp_odoo.load_tables import EMPTY
from shipperone_erp_odoo.locks import locks, refuse_locked
from shipperone_erp_odoo.odoo import Draft, Odoo, external_id
from shipperone_erp_odoo.optional_fields import UNNAMED_SINCE
from shipperone_erp_odoo.products import Product, recent_products
from shipperone_erp_odoo.rounding import balanced
from shipperone_erp_odoo.sales import Sold, sold
from shipperone_erp_odoo.settings import DETECTED, TaxRule
from shipperone_erp_odoo.tags import tagged
from shipperone_erp_odoo.tax_rules import item_taxes
from shipperone_erp_odoo.warehouses import Company, Site, sites

Answer = Invoice | Voided


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings for one order's invoice.

    With `journal` None Odoo uses the company's first one; with `position` None it detects the fiscal position.
    """

    journal: int | None
    position: int | Literal[""] | None
    term: int | None
    payment_reference: str | None
    team: int | None
    analytic: int | None


def build(odoo: Odoo, requests: Sequence[BuildInvoice]) -> Answers[Answer]:
    """A draft, or an exception, for each key."""
    answers: Answers[Answer] = Answers()
    for at, chunk in by_company(odoo, requests, answers).items():
        _build(odoo, at, chunk, answers)
    return answers


def by_company(
    odoo: Odoo, requests: Sequence[BuildInvoice], answers: Answers[Answer]
) -> dict[Company, list[BuildInvoice]]:
    """The requests by the company of their warehouse."""
    known = sites(odoo, [request.order.warehouse_code for request in requests])
    chunks: dict[Company, list[BuildInvoice]] = {}
    for request in requests:
        site = known[request.order.warehouse_code]
        if isinstance(site, Refused):
            answers[request.key] = site
        else:
            chunks.setdefault(site.company, []).append(request)
    return chunks


def skus(odoo: Odoo, orders: Sequence[FulfillmentOrder]) -> set[str]:
    """The SKUs that the invoices of these orders may name: their items, shipping, charges."""
    settings = odoo.settings
    more = [settings.shipping_product] if settings.shipping_product else []
    return {item.sku for order in orders for item in order.items} | {*more, *settings.charges.values()}


def _build(odoo: Odoo, at: Company, requests: Sequence[BuildInvoice], answers: Answers[Answer]) -> None:
    orders = {request.key: request.order for request in requests}
    known = recent_products(odoo, skus(odoo, list(orders.values())), at.id)
    seen = existing_documents.invoices(odoo, list(orders.values()), at.id)
    deliveries = departing(odoo, {request.key: request.reservations for request in requests}, at)
    lock = deliveries.lock
    today = datetime.datetime.now(datetime.UTC).date()  # the day of issue, for invoices dated by it
    days = {request.key: request.issue_date or request.tax_date or today for request in requests}
    plans: dict[str, tuple[Terms, list[DraftLine]]] = {}
    for request in requests:
        with answers.of(request.key):
            seen.refuse(request.order)
            if locks(lock, days[request.key]) and odoo.reference(external_id("INV", request.key)) is None:
                refuse_locked(lock, days[request.key], at)  # an existing draft is answered regardless of the lock
            plans[request.key] = plan(odoo, at, request.order, known)
    found = buyers(odoo, {key: orders[key] for key in plans}, at, unread=True)
    sales = sold(odoo, {request.key: request.reservations for request in requests}, at.id)
    drafts = {}
    for request in requests:
        who, sale = found.get(request.key), sales[request.key]
        if isinstance(who, Refused):
            answers[request.key] = who
        elif isinstance(sale, Refused):
            answers[request.key] = sale
        elif who is not None:
            with answers.of(request.key):
                drafts[request.key] = draft(odoo, at, request, who, sale, *plans[request.key])
    made = odoo.load("account.move", list(drafts.values()), company=at.id) if drafts else {}
    ids = {key: made[draft.xid] for key, draft in drafts.items()}
    planned = {id: (orders[key], plans[key][1]) for key, id in ids.items() if isinstance(id, int)}
    ours = {drafts[key].xid: (id, orders[key]) for key, id in ids.items() if isinstance(id, int)}
    order_links.show(odoo, "account.move", ours, at.id)
    read = standing(odoo, list(planned), at)
    drafted = {
        id: draft_buyers.Drafted(key, orders[key], who, (terms := plans[key][0]).position, terms.term)
        for key, id in ids.items()
        if isinstance(id, int) and isinstance(who := found[key], Buyer)
    }
    who_is_it = draft_buyers.corrected(odoo, at, drafted, read)
    address(odoo, deliveries, {key: who for key, who in who_is_it.items() if isinstance(who, Buyer)}, at)
    current = balanced(odoo, at, read, planned)
    for key, id in ids.items():
        if isinstance(id, Refused):
            answers[key] = id
            continue
        if isinstance(who := who_is_it[key], Refused):
            answers[key] = who
            continue
        with answers.of(key):
            one = current.get(id)
            if one is None or one.state == "cancel":
                answers[key] = Voided(reference(id))
                continue
            invoice = one.answer(odoo, orders[key])
            if one.state == "posted":
                raise AlreadyIssued(invoice)
            refuse_locked(lock, days[key], at)
            answers[key] = invoice


def there(known: Mapping[str, Product | Refused]) -> dict[str, Product]:
    """The products that can be used."""
    return {sku: product for sku, product in known.items() if isinstance(product, Product)}


def named(order: FulfillmentOrder) -> str:
    """The order's name on documents."""
    return f"{order.order_id} / {order.order_number}" if order.order_number else order.order_id


def plan(
    odoo: Odoo, at: Company, order: FulfillmentOrder, known: Mapping[str, Product | Refused]
) -> tuple[Terms, list[DraftLine]]:
    """The contents of this order's invoice. `Refused` if the settings or Odoo lack something that it needs."""
    settings = odoo.settings
    chosen = item_taxes(odoo, at, order, known)
    needed = [item.sku for item in order.items]
    if order.shipping_amount_incl_tax:
        if settings.shipping_product is None:
            sentence = "the order has a shipping amount, but `shipping_product` names no product for it"
            raise Refused(Reason.CONFIG_INCOMPLETE, sentence)
        needed.append(settings.shipping_product)
    for charge in order.charges:
        if charge.kind == "line":
            if charge.name not in settings.charges:
                sentence = f"charge {charge.name} has no product: name its SKU in [tenants.NAME.odoo.charges]"
                raise Refused(Reason.CONFIG_INCOMPLETE, sentence)
            needed.append(settings.charges[charge.name])
    for sku in needed:
        product = known[sku]
        if isinstance(product, Refused):
            raise product
    _, cent = currency(odoo, order, at)
    taxes = {id: choice.tax for id, choice in chosen.items()}
    terms = _terms(odoo, at, order, [choice.rule for choice in chosen.values()])
    return terms, draft_lines(order, there(known), taxes, settings, cent)


def _terms(odoo: Odoo, at: Company, order: FulfillmentOrder, rules: Sequence[TaxRule]) -> Terms:
    settings = odoo.settings
    site = sites(odoo, [order.warehouse_code])[order.warehouse_code]
    assert isinstance(site, Site)  # noqa: S101  # by_company has seen to it
    positions = {rule.fiscal_position for rule in rules}
    journals = {rule.journal for rule in rules if rule.journal}
    if len(positions) > 1 or len(journals) > 1:
        sentence = "its items' entries of [[tenants.NAME.odoo.taxes]] name several fiscal positions or journals"
        raise Refused(Reason.TAX_NOT_MAPPED, f"{sentence}: an invoice can have only one of each", Owner.ACCOUNTANT)
    position = positions.pop() if positions else None
    payment = settings.payments.get(order.payment_method or "")
    if settings.payments and payment is None:
        raise Refused(
            Reason.PAYMENT_NOT_MAPPED,
            f"payment method {order.payment_method or '(none)'} is not mapped: add "
            f"[tenants.NAME.odoo.payments.{order.payment_method or 'METHOD'}]",
            Owner.ACCOUNTANT,
        )
    journal = (journals.pop() if journals else None) or site.rule.journal or (payment.journal if payment else None)
    return Terms(
        # for another currency Odoo would use any journal that is in it
        journal=lookups.sales_journal(odoo, journal, at) if journal or order.currency != at.currency else None,
        position=_position(odoo, position, at),
        term=lookups.payment_term(odoo, payment.term, at) if payment and payment.term else None,
        payment_reference=order.payment_reference if payment and payment.payment_reference else None,
        team=lookups.team(odoo, settings.team, at) if settings.team else None,
        analytic=lookups.analytic_account(odoo, site.rule.analytic, at) if site.rule.analytic else None,
    )


def _position(odoo: Odoo, name: str | None, at: Company) -> int | Literal[""] | None:
    """Without a name, none: the one that Odoo detects by the buyer's address would not fit the configured taxes."""
    if name == DETECTED:
        return None
    return lookups.fiscal_position(odoo, name, at) if name else EMPTY


def draft(
    odoo: Odoo, at: Company, request: BuildInvoice, who: Buyer, sale: Sold, terms: Terms, lines: Sequence[DraftLine]
) -> Draft:
    """The invoice of this order in the form of `load`."""
    order = request.order
    head: dict[str, object] = {
        "move_type": "out_invoice",
        "company_id/.id": at.id,
        "journal_id/.id": terms.journal,
        "partner_id/.id": who.invoiced,
        "partner_shipping_id/.id": who.addressee,  # otherwise Odoo chooses any delivery address of the buyer
        "ref": named(order),
        "invoice_origin": order.order_id,
        "currency_id/.id": currency(odoo, order, at)[0],
        "fiscal_position_id/.id": terms.position,
        "invoice_payment_term_id/.id": terms.term,
        "payment_reference": terms.payment_reference,
        "team_id/.id": terms.team,
        **tagged(odoo, "invoice"),
        **dates(odoo, at, request.tax_date, request.issue_date),
    }
    share = f'{{"{terms.analytic}": 100}}' if terms.analytic else None
    return Draft(
        external_id("INV", request.key),
        head,
        with_note("invoice_line_ids", who.note, [
            {
                "invoice_line_ids/sequence": line.sequence,
                "invoice_line_ids/product_id/.id": line.product.id,
                "invoice_line_ids/product_uom_id/.id": line.product.unit,
                "invoice_line_ids/name": line.name,
                "invoice_line_ids/quantity": line.quantity,
                "invoice_line_ids/price_unit": line.price,
                "invoice_line_ids/tax_ids/.id": ",".join(map(str, line.taxes)),
                "invoice_line_ids/analytic_distribution": share,
                "invoice_line_ids/sale_line_ids/.id": sale.line(line),
            }
            for line in lines
        ], "product"),
    )  # fmt: skip


def with_note(
    field: str, note: str | None, lines: list[dict[str, object]], display_type: str | None = None
) -> list[dict[str, object]]:
    """The lines, followed by a line of text without an amount. `display_type` is that of the other lines."""
    if note is None:
        return lines
    others = [{**line, f"{field}/display_type": display_type} for line in lines]
    return [*others, {f"{field}/sequence": NOTE, f"{field}/display_type": "line_note", f"{field}/name": note}]


def dates(odoo: Odoo, at: Company, supplied: object, issued: object = None) -> dict[str, object]:
    """The columns for the day of supply, as far as this version of Odoo has them, and for the invoice's date.

    `issued`: if an operator has set it, the invoice's date and the accounting date; otherwise both are the day of
    supply (Odoo derives the accounting date).
    """
    if supplied is None and issued is None:
        return {}
    columns: dict[str, object] = {"invoice_date": str(issued or supplied)}
    if supplied is not None:
        taxable = [TAXABLE] if _has_taxable_supply_date(odoo, at) else []
        columns.update(dict.fromkeys(["delivery_date", *taxable], str(supplied)))
    return columns if issued is None else {**columns, "date": str(issued)}


TAXABLE = "taxable_supply_date"
TAXABLE_IN = ("CZ", "SK")
"""The countries whose modules have this field up to 18."""


def _has_taxable_supply_date(odoo: Odoo, at: Company) -> bool:
    """Whether invoices have the field; asked only for a company of these countries with another chart of accounts."""
    if not odoo.has(*UNNAMED_SINCE):  # since 19, when a move lost its name, in every country
        return True
    if (at.chart or "").upper() in TAXABLE_IN:  # its chart comes with the module
        return True
    return at.country in TAXABLE_IN and odoo.has("account.move", TAXABLE)


def currency(odoo: Odoo, order: FulfillmentOrder, at: Company) -> tuple[int, Decimal]:
    """The order's currency in Odoo, and its smallest unit."""
    if order.currency is None:
        raise Refused(Reason.CURRENCY_MISSING, "the order names no currency; set the tenant's `currency`")
    return lookups.currency(odoo, order.currency, at)
