"""Invoices computed by Odoo itself, in drafts that are removed afterwards.

Whether an invoice equals the sum of its lines depends on the company's rounding of tax, on the version and on the
order's cents: only Odoo can compute it. Such a draft names no order, is addressed to the company itself, and keeps no
number.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp import BuildInvoice, Check, ConnectorError, FulfillmentOrder, Owner, Reason, Refused
from shipperone_erp_odoo import draft_invoices, lookups
from shipperone_erp_odoo.buyers import Buyer
from shipperone_erp_odoo.invoice_plan import ITEMS, DraftLine
from shipperone_erp_odoo.invoice_reader import Standing, standing
from shipperone_erp_odoo.odoo import Draft, Odoo, external_id, one
from shipperone_erp_odoo.products import Product, products, recent_products
from shipperone_erp_odoo.rounding import balanced
from shipperone_erp_odoo.sales import Sold
from shipperone_erp_odoo.settings import PRODUCTS_OWN
from shipperone_erp_odoo.warehouses import Company, own_company, sites

TRIAL = "TRY"
"""The kind of the external ids of these drafts."""

NAME = "ShipperOne doctor: may be deleted"

METHOD = "tax_calculation_rounding_method"
GLOBALLY = "round_globally"

Planned = tuple[FulfillmentOrder, draft_invoices.Terms, Sequence[DraftLine]]


@dataclass(frozen=True, slots=True)
class Off:
    """A draft whose total differs from its lines."""

    order_id: str
    total: Decimal
    wanted: Decimal


def rehearse(odoo: Odoo, orders: Sequence[FulfillmentOrder]) -> list[Check]:
    """The checks of `doctor` for these orders' invoices; for generated samples if there are no orders."""
    try:
        return [*(_listed(odoo, orders) if orders else _samples(odoo))]
    except ConnectorError as error:
        sentence = f"no invoice could be computed in Odoo: {error.sentence}"
        return [Check(CHECK, None, sentence, "give the user the rights for invoices, and check again")]


CHECK = "invoices"


def off(odoo: Odoo, at: Company, planned: Mapping[str, Planned]) -> dict[str, Off]:
    """The plans, by key, whose total Odoo does not bring to the sum of their lines.

    The rounding line on `rounding_account` is included if that is set. `Refused` if Odoo does not create such a draft.
    No draft is left.
    """
    (row,) = odoo.find("res.company", [("id", "=", at.id)], ["partner_id"], company=at.id)
    itself = Buyer(one(row["partner_id"]) or 0, None)
    drafts = {key: _draft(odoo, at, itself, *plan) for key, plan in planned.items()}
    made = odoo.load("account.move", list(drafts.values()), company=at.id)
    ids = {key: id for key, draft in drafts.items() if isinstance(id := made[draft.xid], int)}
    try:
        refused = next((answer for answer in made.values() if isinstance(answer, Refused)), None)
        if refused is not None:
            raise refused
        current = standing(odoo, list(ids.values()), at)
        found = balanced(odoo, at, current, {ids[key]: (order, lines) for key, (order, _, lines) in planned.items()})
    finally:
        _remove(odoo, list(ids.values()), at)
    return {key: gap for key, id in ids.items() if id in found and (gap := _gap(found[id], planned[key])) is not None}


def refuse_before_reserving(
    odoo: Odoo, at: Company, orders: Mapping[str, FulfillmentOrder], known: Mapping[str, Product | Refused]
) -> dict[str, Refused]:
    """By key, the orders that would be held after they ship, since Odoo's total would differ from the lines.

    Only possible with two taxes, a company that rounds globally, and no account for the cents; checked only then.
    """
    if odoo.settings.rounding_account is not None:
        return {}
    several = {key: order for key, order in orders.items() if _tells(order) and _rates(order)}
    if not several or not rounds_globally(odoo, at):
        return {}
    planned: dict[str, Planned] = {}
    more = draft_invoices.skus(odoo, list(several.values())) - known.keys()
    all_of_it = {**known, **(recent_products(odoo, more, at.id) if more else {})}
    for key, order in several.items():
        try:
            terms, lines = draft_invoices.plan(odoo, at, order, all_of_it)
        except Refused:
            continue  # missing data of an invoice must not affect the reservation
        if len({line.taxes for line in lines}) > 1:
            planned[key] = (order, terms, lines)
    try:
        found = off(odoo, at, planned) if planned else {}
    except Refused:
        return {}  # a user without the right to create invoices
    return {
        key: Refused(
            Reason.TOTAL_DIFFERS,
            f"Odoo would invoice {gap.total}, but the lines come to {gap.wanted}: {at.name} rounds tax globally. "
            f"Nothing is reserved: {CURE}, then `order retry {gap.order_id}`",
            Owner.ACCOUNTANT,
        )
        for key, gap in found.items()
    }


CURE = "name an account for rounding differences in `rounding_account`, or have Odoo round tax per line"


def rounds_globally(odoo: Odoo, at: Company) -> bool:
    """Whether the company adds up the net amounts before it rounds the tax."""

    def find() -> bool:
        (row,) = odoo.find("res.company", [("id", "=", at.id)], [METHOD], company=at.id)
        return bool(row[METHOD] == GLOBALLY)

    return odoo.kept(("rounds globally", at.id), find)


def _tells(order: FulfillmentOrder) -> bool:
    """Whether its listing shows the total of each line. A discount may still have two readings before the invoice."""
    return not any(
        item.discount or (item.row_total_incl_tax is None and item.price_incl_tax is None) for item in order.items
    )


def _rates(order: FulfillmentOrder) -> bool:
    """Whether it may have two taxes."""
    rates = {item.tax_percent for item in order.items}
    return len(rates) > 1 or (None in rates and len(order.items) > 1)


def _listed(odoo: Odoo, orders: Sequence[FulfillmentOrder]) -> Iterator[Check]:
    known_sites = sites(odoo, [order.warehouse_code for order in orders])
    by_company: dict[Company, dict[str, FulfillmentOrder]] = {}
    for number, order in enumerate(orders):
        site = known_sites[order.warehouse_code]
        if not isinstance(site, Refused):  # reported by another check
            by_company.setdefault(site.company, {})[str(number)] = order
    for at, of_company in by_company.items():
        known = products(odoo, draft_invoices.skus(odoo, list(of_company.values())), at.id)
        planned: dict[str, Planned] = {}
        held: dict[str, list[tuple[str, Refused]]] = {}
        for key, order in of_company.items():
            try:
                planned[key] = (order, *draft_invoices.plan(odoo, at, order, known))
            except Refused as refusal:
                held.setdefault(refusal.reason, []).append((order.order_id, refusal))
        for reason, refused in held.items():
            first, why = refused[0]
            sentence = f"{len(refused)} of {len(of_company)} listed order(s) tried would be held, {reason}"
            yield Check(CHECK, None, sentence, f"first: order {first}: {why.sentence}")
        if planned:
            yield _found(off(odoo, at, planned), len(planned), "listed order(s)", at)


def _found(gaps: Mapping[str, Off], tried: int, what: str, at: Company) -> Check:
    if not gaps:
        return Check(
            CHECK, True, f"{tried} {what} of {at.name} computed in Odoo: each total equals the sum of its lines"
        )
    first = next(iter(gaps.values()))
    example = f"{first.order_id} to {first.total}, its lines to {first.wanted}"
    sentence = f"{len(gaps)} of {tried} {what} computed in Odoo have another total ({example}): such orders are held"
    return Check(CHECK, None, sentence, CURE)


PRICES = tuple(map(Decimal, ("19.99", "4.49", "7.35", "0.99", "12.07", "3.33", "101.11", "8.88")))
"""Prices of samples, whose taxes are not whole cents."""


def _samples(odoo: Odoo) -> Iterator[Check]:
    """Invoices of the shipping product with one tax and with two, of the configured ones."""
    settings, at = odoo.settings, own_company(odoo)
    names = list(dict.fromkeys(rule.tax for rule in settings.taxes if rule.tax != PRODUCTS_OWN))[:3]
    if settings.shipping_product is None or not names:
        return
    product = products(odoo, [settings.shipping_product], at.id)[settings.shipping_product]
    if isinstance(product, Refused):
        return
    taxes = [lookups.tax(odoo, name, at).id for name in names]
    terms = draft_invoices.Terms(lookups.sales_journal(odoo, None, at), "", None, None, None, None)
    planned: dict[str, Planned] = {}
    for number, price in enumerate(PRICES):
        other = PRICES[number - 1]
        second = taxes[1 + number % (len(taxes) - 1)] if len(taxes) > 1 else taxes[0]
        lines = [
            DraftLine(ITEMS + 10 * place, product, "sample", Decimal(quantity), each, (tax,))
            for place, (quantity, each, tax) in enumerate(((3, price, taxes[0]), (1, other, second)))
        ]
        order = FulfillmentOrder(f"sample {number + 1}", "", (), at.currency)
        planned[str(number)] = (order, terms, lines)
    yield _found(off(odoo, at, planned), len(planned), "sample(s)", at)


def _draft(
    odoo: Odoo,
    at: Company,
    itself: Buyer,
    order: FulfillmentOrder,
    terms: draft_invoices.Terms,
    lines: Sequence[DraftLine],
) -> Draft:
    what = "\n".join([order.order_id, *(f"{n.sequence} {n.name} {n.quantity} {n.price} {n.taxes}" for n in lines)])
    request = BuildInvoice(hashlib.sha256(what.encode()).hexdigest()[:20], order, 1, None, ())
    made = draft_invoices.draft(odoo, at, request, itself, Sold(), terms, lines)
    head = {**made.head, "ref": NAME, "invoice_origin": None, "payment_reference": None}
    return Draft(external_id(TRIAL, request.key), head, made.lines)


def _gap(current: Standing, plan: Planned) -> Off | None:
    order, _, lines = plan
    wanted = sum((line.quantity * line.price for line in lines), Decimal(0))
    return None if current.total == wanted else Off(order.order_id, current.total, wanted)


def _remove(odoo: Odoo, ids: Sequence[int], at: Company) -> None:
    """Delete them; cancel them if the user may not delete, or if Odoo keeps them for their number."""
    if not ids:
        return
    try:
        odoo.call("account.move", "unlink", ids, company=at.id)
    except Refused:
        odoo.call("account.move", "button_cancel", ids, company=at.id)
