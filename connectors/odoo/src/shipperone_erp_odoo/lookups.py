"""Configured records named by settings: journals, taxes, terms, positions, teams, accounts, currencies.

A name that matches none or several is `config_incomplete`, with the existing names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_odoo.odoo import Odoo, Row
from shipperone_erp_odoo.settings import PRODUCTS_OWN
from shipperone_erp_odoo.warehouses import Company


@dataclass(frozen=True, slots=True)
class Tax:
    """A sales tax. `included`: prices include it; without this no gross amount can be exact to the cent."""

    id: int
    name: str
    percent: Decimal | None
    included: bool


TAX = ["name", "amount", "amount_type", "price_include"]


def tax(odoo: Odoo, name: str, at: Company) -> Tax:
    """The sales tax of that name or external id."""
    return odoo.kept(("tax", name, at.id), lambda: _tax(odoo, name, at))


def sale_taxes(odoo: Odoo, ids: tuple[int, ...], at: Company) -> list[Tax]:
    """The sale taxes of the company among these: a product lists the taxes of every company."""

    def find() -> list[Tax]:
        domain = [("id", "in", list(ids)), ("type_tax_use", "=", "sale"), ("company_id", "=", at.id)]
        rows = odoo.find("account.tax", domain, TAX, company=at.id, order="id")
        return [as_tax(row) for row in rows]

    return odoo.kept(("sale taxes", ids, at.id), find) if ids else []


def sales_taxes(odoo: Odoo, at: Company) -> list[Tax]:
    """The company's sales taxes, as Odoo sorts them."""
    domain = [("type_tax_use", "=", "sale"), ("company_id", "=", at.id)]
    rows = odoo.find("account.tax", domain, TAX, company=at.id, order="sequence, id")
    return [as_tax(row) for row in rows]


def sales_journal(odoo: Odoo, code: str | None, at: Company) -> int:
    """The sales journal of that code; None: the company's first one, which Odoo itself would use."""
    named = [("code", "=", code)] if code else []
    domain = [("type", "=", "sale"), ("company_id", "=", at.id), *named]
    what = f"sales journal with the code {code}" if code else "sales journal"
    return odoo.kept(("journal", code, at.id), lambda: _first(odoo, "account.journal", domain, what, at))


def sales_journals(odoo: Odoo, at: Company, fields: Sequence[str]) -> Row:
    """The company's present values of these fields, in one call with the sales journals of `sales_journal`."""
    domain = [("type", "=", "sale"), ("company_id", "=", at.id)]
    wanted: dict[str, Any] = {"code": {}, "company_id": {"fields": {name: {} for name in fields}}}
    journals = odoo.find_nested("account.journal", domain, wanted, company=at.id)
    if not journals:
        (row,) = odoo.find("res.company", [("id", "=", at.id)], fields, company=at.id)
        return row
    for journal in reversed(journals):
        for code in (journal["code"], None):
            odoo.keep(("journal", code, at.id), int(journal["id"]))
    found: Row = journals[0]["company_id"]
    return found


def fiscal_position(odoo: Odoo, name: str, at: Company) -> int:
    """The fiscal position of that name."""
    domain = [("name", "=", name), ("company_id", "=", at.id)]
    return odoo.kept(("position", name, at.id), lambda: _only(odoo, "account.fiscal.position", domain, name, at))


def payment_term(odoo: Odoo, name: str, at: Company) -> int:
    """The payment term of that name."""
    domain = [("name", "=", name), ("company_id", "in", [False, at.id])]
    return odoo.kept(("term", name, at.id), lambda: _only(odoo, "account.payment.term", domain, name, at))


def team(odoo: Odoo, name: str, at: Company) -> int:
    """The sales team of that name."""
    domain = [("name", "=", name), ("company_id", "in", [False, at.id])]
    return odoo.kept(("team", name, at.id), lambda: _only(odoo, "crm.team", domain, name, at))


def analytic_account(odoo: Odoo, name: str, at: Company) -> int:
    """The analytic account of that name or code."""
    domain = ["|", ("name", "=", name), ("code", "=", name), ("company_id", "in", [False, at.id])]
    return odoo.kept(("analytic", name, at.id), lambda: _only(odoo, "account.analytic.account", domain, name, at))


def payment_journal(odoo: Odoo, code: str, at: Company) -> tuple[int, int]:
    """The bank or cash journal of that code, and its first payment method with an account for the money."""

    def find() -> tuple[int, int]:
        domain = [("code", "=", code), ("type", "in", ["bank", "cash"]), ("company_id", "=", at.id)]
        journal = _first(odoo, "account.journal", domain, f"bank or cash journal with the code {code}", at)
        ways = [("journal_id", "=", journal), ("payment_type", "=", "inbound")]
        ways += [("payment_account_id", "!=", False)] if odoo.version >= OWN_ACCOUNT_SINCE else []
        rows = odoo.find("account.payment.method.line", ways, ["id"], company=at.id, order="sequence, id", limit=1)
        if not rows:
            raise Refused(
                Reason.CONFIG_INCOMPLETE,
                f"journal {code} of {at.name} has no outstanding account for incoming payments in Odoo: set one on its "
                "Incoming Payments tab, or leave out `paid_into`",
                Owner.ACCOUNTANT,
            )
        return journal, int(rows[0]["id"])

    return odoo.kept(("paid", code, at.id), find)


OWN_ACCOUNT_SINCE = 18
"""Earlier versions post to an account of the company if the journal has none; since this version they post nowhere."""


def salesperson(odoo: Odoo, login: str, at: Company) -> int:
    """The user of that login."""
    domain = [("login", "=", login), ("company_ids", "in", [at.id])]
    return odoo.kept(("salesperson", login, at.id), lambda: _only(odoo, "res.users", domain, login, at))


def sales_tag(odoo: Odoo, name: str, at: Company) -> int:
    """The tag of sales orders of that name."""
    return odoo.kept(("tag", name, at.id), lambda: _only(odoo, "crm.tag", [("name", "=", name)], name, at))


def pricelist_named(odoo: Odoo, name: str, currency: str, at: Company) -> int:
    """The pricelist of that name in that currency."""
    domain = [("name", "=", name), ("currency_id.name", "=", currency), ("company_id", "in", [False, at.id])]
    return odoo.kept(("pricelist", name, currency, at.id), lambda: _only(odoo, "product.pricelist", domain, name, at))


def carrier(odoo: Odoo, name: str, company: int) -> int | None:
    """The carrier of that name; None if there is none, or if several have it."""

    def find() -> int | None:
        domain = [("name", "=", name), ("company_id", "in", [False, company])]
        found = odoo.find("delivery.carrier", domain, ["id"], company=company)
        return int(found[0]["id"]) if len(found) == 1 else None

    return odoo.kept(("carrier", name, company), find)


def currency(odoo: Odoo, code: str, at: Company) -> tuple[int, Decimal]:
    """The active currency of that code, and its smallest unit.

    `Refused`, currency_differs, if Odoo does not have it, or would post it 1 : 1 into the company's books.
    """

    def find() -> tuple[int, Decimal]:
        found = odoo.find("res.currency", [("name", "=", code)], ["decimal_places"])
        if not found:
            raise Refused(Reason.CURRENCY_DIFFERS, f"currency {code} is not active in Odoo", Owner.ACCOUNTANT)
        if code != at.currency and not rated(odoo, int(found[0]["id"]), at):
            raise Refused(
                Reason.CURRENCY_DIFFERS,
                f"currency {code} has no rate in Odoo, which would treat 1 {code} as 1 {at.currency}: enter its rate",
                Owner.ACCOUNTANT,
            )
        return int(found[0]["id"]), Decimal(1).scaleb(-int(found[0]["decimal_places"]))

    return odoo.kept(("currency", code, at.id), find)


def rated(odoo: Odoo, currency: int, at: Company) -> bool:
    """Whether the company has a rate of that currency. Without one Odoo silently uses 1."""
    domain = [("currency_id", "=", currency)]
    return bool(odoo.find("res.currency.rate", domain, ["id"], company=at.id, limit=1))


def pricelist(odoo: Odoo, code: str, at: Company) -> int | None:
    """The first pricelist in the currency of that code; None if there is none."""

    def find() -> int | None:
        domain = [("currency_id.name", "=", code), ("company_id", "in", [False, at.id])]
        found = odoo.find("product.pricelist", domain, ["id"], company=at.id, order="sequence, id", limit=1)
        return int(found[0]["id"]) if found else None

    return odoo.kept(("pricelist", code, at.id), find)


def country(odoo: Odoo, code: str) -> int | None:
    """The country of those two letters; None if there is none."""

    def find() -> int | None:
        found = odoo.find("res.country", [("code", "=", code.upper())], ["id"])
        return int(found[0]["id"]) if found else None

    return odoo.kept(("country", code.upper()), find)


def account(odoo: Odoo, code: str, at: Company) -> int:
    """The account of that code in the company's books."""
    return odoo.kept(("account", code, at.id), lambda: _only(odoo, "account.account", [("code", "=", code)], code, at))


def language(odoo: Odoo, text: str) -> str | None:
    """Odoo's code of the active language named by a text such as `sk`, `sk-SK` or `sk_SK`; None if there is none."""

    def find() -> list[tuple[str, str]]:
        return [(str(row["code"]), str(row["iso_code"])) for row in odoo.find("res.lang", [], ["code", "iso_code"])]

    known = odoo.kept("languages", find)
    wanted = text.strip().replace("-", "_").casefold()
    exact = [code for code, iso in known if wanted in (code.casefold(), iso.casefold())]
    alike = [code for code, _ in known if code.casefold().split("_")[0] == wanted.split("_")[0]]
    return next(iter(exact or alike), None)


def region(odoo: Odoo, text: str, country: int) -> int | None:
    """The country's state or province of that code or name; None if there is none."""

    def find() -> int | None:
        named = ["|", ("code", "=ilike", text), ("name", "=ilike", text)]
        found = odoo.find("res.country.state", [("country_id", "=", country), *named], ["id"])
        return int(found[0]["id"]) if len(found) == 1 else None

    return odoo.kept(("region", country, text.casefold()), find)


def _tax(odoo: Odoo, name: str, at: Company) -> Tax:
    by_xid = odoo.reference(name) if _external(name) else None
    # the settings' other taxes by name come in the same call
    names = {name, *(rule.tax for rule in odoo.settings.taxes if rule.tax != PRODUCTS_OWN and not _external(rule.tax))}
    wanted = ("id", "=", by_xid) if by_xid else ("name", "in", sorted(names))
    domain = [wanted, ("type_tax_use", "=", "sale"), ("company_id", "=", at.id)]
    by_name: dict[str, list[Row]] = {}
    for row in odoo.find("account.tax", domain, TAX, company=at.id, order="id"):
        by_name.setdefault(name if by_xid else str(row["name"]), []).append(row)
    for other, rows in by_name.items():
        if len(rows) == 1 and (found := as_tax(rows[0])).included:
            odoo.keep(("tax", other, at.id), found)
    rows = by_name.get(name, [])
    if len(rows) != 1:
        raise _not_one("sales tax", name, len(rows), at)
    found = as_tax(rows[0])
    if not found.included:
        raise Refused(
            Reason.CONFIG_INCOMPLETE,
            f"tax {found.name} is not included in the price in Odoo: three pieces at 19.99 would total 59.98; set it "
            "to `Included in Price`, or name another one in [[tenants.NAME.odoo.taxes]]",
            Owner.ACCOUNTANT,
        )
    return found


def _external(name: str) -> bool:
    return "." in name and " " not in name


def as_tax(row: Row) -> Tax:
    """A tax, from the fields in `TAX`."""
    percent = Decimal(row["amount"]) if row["amount_type"] == "percent" else None
    return Tax(int(row["id"]), str(row["name"]), percent, bool(row["price_include"]))


def _first(odoo: Odoo, model: str, domain: list[tuple[str, str, object]], what: str, at: Company) -> int:
    rows = odoo.find(model, domain, ["id"], company=at.id, limit=1)
    if not rows:
        raise Refused(Reason.CONFIG_INCOMPLETE, f"{at.name} has no {what} in Odoo")
    return int(rows[0]["id"])


def _only(odoo: Odoo, model: str, domain: Sequence[object], name: str, at: Company) -> int:
    rows = odoo.find(model, domain, ["id"], company=at.id)
    if len(rows) != 1:
        raise _not_one(model, name, len(rows), at)
    return int(rows[0]["id"])


def _not_one(what: str, name: str, count: int, at: Company) -> Refused:
    how_many = "no" if not count else f"{count} records of"
    return Refused(Reason.CONFIG_INCOMPLETE, f"{at.name} has {how_many} {what} named {name!r} in Odoo")
