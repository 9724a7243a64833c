"""ShipperOne's warehouses in Odoo, the company of each, and the source and destination of their goods (B17)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_odoo.odoo import Odoo, Row
from shipperone_erp_odoo.settings import WarehouseRule


@dataclass(frozen=True, slots=True)
class Company:
    """A company that the user works in; `country` is its code in capitals, and so is `currency`."""

    id: int
    name: str
    country: str | None
    currency: str


@dataclass(frozen=True, slots=True)
class Site:
    """A warehouse: `code` is ShipperOne's, `name` Odoo's; with its operation types for deliveries and transfers."""

    code: str
    id: int
    name: str
    company: Company
    stock: int
    deliveries: int
    transfers: int
    rule: WarehouseRule


def own_company(odoo: Odoo) -> Company:
    """The tenant's company: the configured one, else the user's own."""
    return company(odoo, odoo.settings.company)


def company(odoo: Odoo, name: str | None) -> Company:
    """The company of that name (None: the user's own). `Refused` if the user may not work in it."""
    login = _login(odoo)
    return _company(login, name) or _company(_login(odoo, anew=True), name) or _not_allowed(login, name)


def sites(odoo: Odoo, codes: Collection[str]) -> dict[str, Site | Refused]:
    """The warehouse of each of ShipperOne's codes, or the reason why there is none."""
    found: dict[str, Site | Refused] = {}
    for code in dict.fromkeys(codes):
        try:
            rule = _rule(odoo, code)
            at = company(odoo, rule.company or odoo.settings.company)
            found[code] = _site(odoo, code, rule, at)
        except Refused as refusal:
            found[code] = refusal
    return found


def customers(odoo: Odoo, at: Company) -> int:
    """The location of customers, where deliveries go."""
    found = _places(odoo, at).customers or _places(odoo, at, anew=True).customers
    if found is None:
        raise Refused(Reason.CONFIG_INCOMPLETE, f"{at.name} has no customer location in Odoo: deliveries need one")
    return found


def me(odoo: Odoo) -> Row:
    """The user of the login: id, login, email, company_id, company_ids."""
    return _login(odoo).user


@dataclass(frozen=True, slots=True)
class _Login:
    """The user, and the companies that it may work in."""

    user: Row
    companies: Sequence[Row]


def _login(odoo: Odoo, *, anew: bool = False) -> _Login:
    def find() -> _Login:
        (row,) = odoo.find_nested("res.users", [("id", "=", odoo.user_id())], USER)
        companies: list[Row] = row["company_ids"]
        for each in companies:
            country, currency = each["country_id"], each["currency_id"]
            if country:
                odoo.keep(("country", str(country["code"]).upper()), int(country["id"]))
            cent = Decimal(1).scaleb(-int(currency["decimal_places"]))
            odoo.keep(("currency", str(currency["name"]), each["id"]), (int(currency["id"]), cent))
        return _Login({**row, "company_ids": [each["id"] for each in companies]}, companies)

    return odoo.kept("login", find, anew=anew)


COMPANY: dict[str, Any] = {
    "name": {},
    "country_id": {"fields": {"code": {}}},
    "currency_id": {"fields": {"name": {}, "decimal_places": {}}},
}
USER: dict[str, Any] = {"login": {}, "email": {}, "company_id": {}, "company_ids": {"fields": COMPANY}}
"""What is read of the user and its companies, in one call."""


def _company(login: _Login, name: str | None) -> Company | None:
    field, wanted = ("id", login.user["company_id"]) if name is None else ("name", name)
    found = next((row for row in login.companies if row[field] == wanted), None)
    if found is None:
        return None
    country = str(found["country_id"]["code"]).upper() if found["country_id"] else None
    return Company(int(found["id"]), str(found["name"]), country, str(found["currency_id"]["name"]))


def _not_allowed(login: _Login, name: str | None) -> Company:
    raise Refused(
        Reason.CONFIG_INCOMPLETE,
        f"user {login.user['login']} has no access to a company named {name!r} in Odoo; check `company`, and the "
        "companies that the user is allowed",
    )


@dataclass(frozen=True, slots=True)
class _Places:
    """A company's warehouses by short name, and the first location of customers."""

    warehouses: Mapping[str, Row]
    customers: int | None


WAREHOUSE: dict[str, Any] = {
    "code": {}, "company_id": {}, "lot_stock_id": {"fields": {"display_name": {}}}, "out_type_id": {},
    "int_type_id": {},
}  # fmt: skip


def _places(odoo: Odoo, at: Company, *, anew: bool = False) -> _Places:
    """Both in one call: a warehouse is read through the location that contains all of its others."""

    def find() -> _Places:
        domain = [
            "|", ("warehouse_view_ids.company_id", "=", at.id),
            "&", ("usage", "=", "customer"), ("company_id", "in", [False, at.id]),
        ]  # fmt: skip
        specification = {"usage": {}, "warehouse_view_ids": {"fields": WAREHOUSE}}
        rows = odoo.find_nested("stock.location", domain, specification, company=at.id, order="id")
        warehouses = {
            str(each["code"]): each
            for row in rows
            for each in row["warehouse_view_ids"]
            if each["company_id"] == at.id
        }  # fmt: skip
        customers = [int(row["id"]) for row in rows if row["usage"] == "customer"]
        return _Places(warehouses, customers[0] if customers else None)

    return odoo.kept(("places", at.id), find, anew=anew)


def _rule(odoo: Odoo, code: str) -> WarehouseRule:
    rules = odoo.settings.warehouses
    rule = rules.get(code) if rules else WarehouseRule(code=code)
    if rule is None:
        sentence = f"ShipperOne's warehouse {code} is not mapped: add [tenants.NAME.odoo.warehouses.{code!r}]"
        raise Refused(Reason.WAREHOUSE_UNKNOWN, sentence, Owner.IT)
    return rule


def _site(odoo: Odoo, code: str, rule: WarehouseRule, at: Company) -> Site:
    row = _places(odoo, at).warehouses.get(rule.code) or _places(odoo, at, anew=True).warehouses.get(rule.code)
    if row is None:
        sentence = f"there is no warehouse with the short name {rule.code} in {at.name} in Odoo (ShipperOne's {code})"
        raise Refused(Reason.WAREHOUSE_UNKNOWN, sentence, Owner.IT)
    return Site(
        code=code,
        id=int(row["id"]),
        name=str(row["lot_stock_id"]["display_name"]),
        company=at,
        stock=int(row["lot_stock_id"]["id"]),
        deliveries=int(row["out_type_id"] or 0),
        transfers=int(row["int_type_id"] or 0),
        rule=rule,
    )
