"""The checks of `doctor` for invoices: taxes, positions, journals, terms, currencies, rounding, lock dates."""

import datetime
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from shipperone_erp import Check, Refused
from shipperone_erp_odoo import lookups
from shipperone_erp_odoo.buyers import fixed_customer
from shipperone_erp_odoo.invoice_reader import money
from shipperone_erp_odoo.locks import locked_until
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.rehearsing import CURE, rounds_globally
from shipperone_erp_odoo.settings import DETECTED, PRODUCTS_OWN
from shipperone_erp_odoo.tags import tag_fields
from shipperone_erp_odoo.warehouses import Company, own_company

Checks = Iterator[Check]


def invoicing(odoo: Odoo) -> Checks:
    """A line for each record that invoices need, and for each effect of Odoo on their amounts and dates."""
    settings, at = odoo.settings, own_company(odoo)
    if not settings.taxes:
        cure = "[[tenants.NAME.odoo.taxes]] with percent and tax, for each tax rate that you sell at"
        yield Check("taxes", False, "no taxes are mapped: every invoice is held as tax_not_mapped", cure)
    for rule in settings.taxes:
        if rule.tax != PRODUCTS_OWN:
            yield _sample(odoo, rule.tax, at)
        if rule.fiscal_position not in (None, DETECTED):
            name = rule.fiscal_position
            yield _resolves("fiscal position", lambda name=name: lookups.fiscal_position(odoo, name, at) and name)  # type: ignore[misc]
    for code in sorted(_journals(odoo), key=str):
        yield _resolves("journal", partial(_journal, odoo, code, at))
    for method, payment in settings.payments.items():
        if payment.paid_into:
            code = payment.paid_into
            yield _resolves(f"payment {method}", lambda code=code: lookups.payment_journal(odoo, code, at) and code)  # type: ignore[misc]
        if payment.term:
            term = payment.term
            yield _resolves(f"payment {method}", lambda term=term: lookups.payment_term(odoo, term, at) and term)  # type: ignore[misc]
    if settings.team:
        team = settings.team
        yield _resolves("team", lambda: lookups.team(odoo, team, at) and team)
    if settings.documents == "sale_order":
        yield from _sold_as(odoo, at)
    yield from tag_fields(odoo)
    if (settings.tracking or settings.carrier) and not odoo.has("stock.picking", "carrier_tracking_ref"):
        sentence = (
            "Odoo cannot store tracking numbers: its module for delivery carriers (stock_delivery) is not installed"
        )
        yield Check("tracking", False, sentence, "install it in Odoo, or leave out `tracking` and `carrier`")
    if settings.customer:
        yield _resolves("customer", lambda: fixed_customer(odoo, at) and str(settings.customer))
    yield from _currencies(odoo, at)
    yield from _rounding(odoo, at)
    yield from _locks(odoo, at)


def _sold_as(odoo: Odoo, at: Company) -> Checks:
    """Checks that the records named for sales orders exist."""
    settings = odoo.settings
    if name := settings.salesperson:
        yield _resolves("salesperson", lambda: lookups.salesperson(odoo, name, at) and name)
    if named := settings.pricelist:
        yield _resolves("pricelist", lambda: lookups.pricelist_named(odoo, named, at.currency, at) and named)
    if tag := settings.tag:
        yield _resolves("tag", lambda: lookups.sales_tag(odoo, tag, at) and tag)


def _sample(odoo: Odoo, name: str, at: Company) -> Check:
    """Odoo itself computes a sample with this tax; nothing is written."""
    found = _resolves("taxes", lambda: lookups.tax(odoo, name, at).name)
    if not found.ok:
        return found
    if odoo.protocol == "xmlrpc":
        # the answer contains a record, which Odoo cannot convert to XML
        sentence = f"{name} is included in its price; a sample cannot be computed over XML-RPC"
        return Check("taxes", None, sentence, 'leave out `protocol`: "auto" is better')
    quantity, price = SAMPLE
    answer = odoo.call(
        "account.tax", "compute_all", [lookups.tax(odoo, name, at).id], company=at.id,
        price_unit=float(price), quantity=quantity,
    )  # fmt: skip
    gross, net = money(answer["total_included"]), money(answer["total_excluded"])
    sentence = f"{name}: {quantity} at {price} come to {gross}, {gross - net} of it tax"
    if gross == quantity * price:
        return Check("taxes", True, sentence)
    cure = "set the tax, and each of its component taxes, to be included in the price in Odoo"
    return Check("taxes", False, f"{sentence}, and must come to {quantity * price}", cure)


SAMPLE = (3, Decimal("19.99"))
"""Pieces at a price whose tax is not a whole number of cents: a tax added on top would give another total."""


def _journals(odoo: Odoo) -> set[str | None]:
    """The journals that settings name for the tenant's company, and None for the default one."""
    settings = odoo.settings
    own = [rule.journal for rule in settings.warehouses.values() if rule.company in (None, settings.company)]
    named = [rule.journal for rule in settings.taxes] + [payment.journal for payment in settings.payments.values()]
    return {*own, *(journal for journal in named if journal)} or {None}


def _journal(odoo: Odoo, code: str | None, at: Company) -> str:
    (row,) = odoo.find(
        "account.journal", [("id", "=", lookups.sales_journal(odoo, code, at))], ["name", "code"], company=at.id
    )
    chosen = "" if code else " (the first one, since no setting names another)"
    return f"sales journal {row['name']} ({row['code']}){chosen}"


def _currencies(odoo: Odoo, at: Company) -> Checks:
    """Active currencies that Odoo would post at a rate of 1 : 1."""
    active = odoo.find("res.currency", [("name", "!=", at.currency)], ["name"], order="name")
    bare = [str(row["name"]) for row in active if not lookups.rated(odoo, int(row["id"]), at)]
    if bare:
        sentence = f"{', '.join(bare)}: active in Odoo without a rate, posted 1 : 1 there; orders in it are refused"
        yield Check("currency rates", None, sentence, "enter a rate in Odoo (Accounting, Configuration, Currencies)")


def _rounding(odoo: Odoo, at: Company) -> Checks:
    """Whether an invoice with two rates equals the sum of its lines."""
    settings = odoo.settings
    account, taxes = settings.rounding_account, {rule.tax for rule in settings.taxes}
    if account:
        yield _resolves("rounding", lambda: lookups.account(odoo, account, at) and f"account {account}")
    if not rounds_globally(odoo, at):
        yield Check("rounding", True, f"{at.name} rounds tax per line")
    elif account:
        yield Check("rounding", True, f"{at.name} rounds tax globally: rounding differences are posted to {account}")
    elif len(taxes) > 1 or PRODUCTS_OWN in taxes:
        sentence = (
            f"{at.name} rounds tax globally: an invoice with two rates may differ by a cent from its lines, and its "
            "order is "
        )
        yield Check("rounding", None, f"{sentence}held as total_differs before it is reserved", CURE)


def _locks(odoo: Odoo, at: Company) -> Checks:
    lock = locked_until(odoo, at)
    if lock is None:
        yield Check("lock dates", True, f"no period of {at.name} is locked for sales")
        return
    close = (datetime.datetime.now(datetime.UTC).date() - lock[0]).days < DAYS_AHEAD
    sentence = (
        f"{at.name} is locked until {lock[0]} ({lock[1]}): invoices of earlier days are held as erp_period_locked"
    )
    yield Check("lock dates", None if close else True, sentence, "invoice shipped orders before a period is locked")


DAYS_AHEAD = 5
"""A lock date this close affects orders that have shipped and are not invoiced yet."""


def _resolves(name: str, find: Callable[[], object]) -> Check:
    try:
        return Check(name, True, f"{find()} exists")
    except Refused as refusal:
        return Check(name, False, refusal.sentence, "check its name in the tenant's table, and its company in Odoo")
