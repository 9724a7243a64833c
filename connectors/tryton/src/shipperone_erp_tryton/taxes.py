"""Selects Tryton's tax for an item."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shipperone_erp import FulfillmentOrder, Owner, Reason, Refused
from shipperone_erp_tryton.erp import Books
from shipperone_erp_tryton.settings import TaxRule

TAX = "account.tax"


def tax_of(books: Books, order: FulfillmentOrder, percent: Decimal | None) -> Any:
    """The tax of the first rule that matches; without rules, the only sales tax of that rate."""
    where = order.shipping or order.billing or order.customer
    country = (where.country if where else None) or ""
    buyer = order.billing or order.customer
    business = bool(buyer and buyer.vat_id)
    if books.settings.taxes:
        for rule in books.settings.taxes:
            if _fits(rule, country, business, percent):
                return named(books, rule.tax, percent)
        sentence = f"no rule of `taxes` fits {_shown(percent)} to {country or 'a country that is not stated'}"
        raise Refused(Reason.TAX_NOT_MAPPED, sentence, Owner.ACCOUNTANT)
    if percent is None:
        sentence = "ShipperOne states no tax, and `taxes` has no rule for that"
        raise Refused(Reason.TAX_NOT_MAPPED, sentence, Owner.ACCOUNTANT)
    found = [tax for tax in _sales_taxes(books) if tax.rate == percent / 100]
    if len(found) != 1:
        sentence = f"{len(found) or 'no'} sales taxes of {_shown(percent)} in Tryton; name one in `taxes`"
        raise Refused(Reason.TAX_NOT_MAPPED, sentence, Owner.ACCOUNTANT)
    return found[0]


def named(books: Books, name: str, percent: Decimal | None = None) -> Any:
    """The tax of this name. Refused unless it is a single percentage, equal to the one that ShipperOne provides."""
    found = [tax for tax in _sales_taxes(books) if tax.name == name]
    if len(found) != 1:
        sentence = f"{len(found) or 'no'} sales taxes with a percentage are named {name} in Tryton"
        raise Refused(Reason.TAX_NOT_MAPPED, sentence, Owner.ACCOUNTANT)
    if percent is not None and found[0].rate != percent / 100:
        sentence = f"the tax {name} is {_shown(found[0].rate * 100)} in Tryton, and ShipperOne states {_shown(percent)}"
        raise Refused(Reason.TAX_NOT_MAPPED, sentence, Owner.ACCOUNTANT)
    return found[0]


def _sales_taxes(books: Books) -> list[Any]:
    domain = [
        ("company", "=", books.company.id), ("type", "=", "percentage"), ("parent", "=", None), ("childs", "=", None),
        ["OR", ("group", "=", None), ("group.kind", "in", ["sale", "both"])],
    ]  # fmt: skip
    return books.search(TAX, domain)


def _fits(rule: TaxRule, country: str, business: bool, percent: Decimal | None) -> bool:
    return (
        rule.country in ("*", country)
        and rule.business in (None, business)
        and (rule.percent is None or rule.percent == percent)
    )


def _shown(percent: Decimal | None) -> str:
    return "no rate" if percent is None else f"{percent.normalize():f} %"
