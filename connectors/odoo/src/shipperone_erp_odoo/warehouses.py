"""ShipperOne's warehouses in Odoo, the company of each, and the source and destination of their goods (B17)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_odoo.odoo import Odoo, Row
from shipperone_erp_odoo.settings import WarehouseRule


@dataclass(frozen=True, slots=True)
class Company:
    """A company that the user works in; `country` is its code in capitals, and so is `currency`.

    `chart`: the chart of accounts that was loaded for it, mostly named like a country.
    """

    id: int
    name: str
    country: str | None
    currency: str
    chart: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A warehouse: `code` is ShipperOne's, `name` Odoo's; with its operation types for deliveries and transfers.

    `one_step`: its goods go directly to the customer, not by way of packing or shipping zones.
    """

    code: str
    id: int
    name: str
    company: Company
    stock: int
    deliveries: int
    transfers: int
    one_step: bool
    rule: WarehouseRule


def own_company(odoo: Odoo) -> Company:
    """The tenant's company: the configured one, else the user's own."""
    return company(odoo, odoo.settings.company)


def company(odoo: Odoo, name: str | None) -> Company:
    """The company of that name (None: the user's own). `Refused` if the user may not work in it."""
    if found := _by_places(odoo, name):
        return found
    known = odoo.is_kept("login")
    found = _own(_login(odoo), name) or (_own(_login(odoo, anew=True), name) if known else None)
    return found or _not_allowed(_login(odoo), name)


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
    found = _places(odoo).customers(at) or _places(odoo, anew=True).customers(at)
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
        _keep_of(odoo, companies)
        return _Login({**row, "company_ids": [each["id"] for each in companies]}, companies)

    return odoo.kept("login", find, anew=anew)


def _keep_of(odoo: Odoo, companies: Sequence[Row]) -> None:
    """Cache what was read with the companies: the country and the currency of each."""
    for each in companies:
        country, currency = each["country_id"], each["currency_id"]
        if country:
            odoo.keep(("country", str(country["code"]).upper()), int(country["id"]))
        cent = Decimal(1).scaleb(-int(currency["decimal_places"]))
        odoo.keep(("currency", str(currency["name"]), each["id"]), (int(currency["id"]), cent))


COMPANY: dict[str, Any] = {
    "name": {},
    "chart_template": {},
    "country_id": {"fields": {"code": {}}},
    "currency_id": {"fields": {"name": {}, "decimal_places": {}}},
}
USER: dict[str, Any] = {"login": {}, "email": {}, "company_id": {}, "company_ids": {"fields": COMPANY}}
"""What is read of the user and its companies, in one call."""


def _by_places(odoo: Odoo, name: str | None) -> Company | None:
    """The company, as far as the warehouses tell it; the user's own one if there is only one."""
    try:
        seen = _places(odoo).companies
    except Refused:
        return None  # without the right to read warehouses the user may still have a company
    if name is not None:
        return _company(seen, name)
    return _described(seen[0]) if len(seen) == 1 else None


def _own(login: _Login, name: str | None) -> Company | None:
    if name is not None:
        return _company(login.companies, name)
    return next((_described(row) for row in login.companies if row["id"] == login.user["company_id"]), None)


def _company(companies: Sequence[Row], name: str) -> Company | None:
    return next((_described(row) for row in companies if row["name"] == name), None)


def _described(row: Row) -> Company:
    country = str(row["country_id"]["code"]).upper() if row["country_id"] else None
    currency = str(row["currency_id"]["name"])
    return Company(int(row["id"]), str(row["name"]), country, currency, row["chart_template"] or None)


def _not_allowed(login: _Login, name: str | None) -> Company:
    raise Refused(
        Reason.CONFIG_INCOMPLETE,
        f"user {login.user['login']} has no access to a company named {name!r} in Odoo; check `company`, and the "
        "companies that the user is allowed",
    )


@dataclass(frozen=True, slots=True)
class _Places:
    """The companies with stock that the user may work in, their warehouses, and the locations of customers."""

    companies: Sequence[Row]
    warehouses: Sequence[Row]
    to_customers: Sequence[Row]

    def warehouse(self, name: str, at: Company) -> Row | None:
        """The company's warehouse of that short name."""
        found = (row for row in self.warehouses if row["code"] == name and row["company_id"] == at.id)
        return next(found, None)

    def customers(self, at: Company) -> int | None:
        """The first location of customers that the company shares or has for itself."""
        return next((int(row["id"]) for row in self.to_customers if _of(row) in (None, at.id)), None)


WAREHOUSE: dict[str, Any] = {
    "code": {}, "company_id": {}, "lot_stock_id": {"fields": {"display_name": {}}}, "out_type_id": {},
    "int_type_id": {}, "delivery_steps": {},
}  # fmt: skip
ONE_STEP = "ship_only"
PLACE: dict[str, Any] = {
    "usage": {}, "company_id": {"fields": COMPANY}, "warehouse_view_ids": {"fields": WAREHOUSE}
}  # fmt: skip
EACH_HAS = "inventory"
"""The usage of the location of inventory differences, which Odoo makes with every company."""


def _places(odoo: Odoo, *, anew: bool = False) -> _Places:
    """All in one call: a warehouse is read through the location that contains all of its others."""

    def find() -> _Places:
        domain = ["|", ("warehouse_view_ids", "!=", False), ("usage", "in", ["customer", EACH_HAS])]
        rows = odoo.find_nested("stock.location", domain, PLACE, order="id")
        companies = {row["company_id"]["id"]: row["company_id"] for row in rows if row["company_id"]}
        _keep_of(odoo, list(companies.values()))
        return _Places(
            list(companies.values()),
            [each for row in rows for each in row["warehouse_view_ids"]],
            [row for row in rows if row["usage"] == "customer"],
        )

    return odoo.kept("places", find, anew=anew)


def _of(row: Row) -> int | None:
    return int(row["company_id"]["id"]) if row["company_id"] else None


def _rule(odoo: Odoo, code: str) -> WarehouseRule:
    rules = odoo.settings.warehouses
    rule = rules.get(code) if rules else WarehouseRule(code=code)
    if rule is None:
        sentence = f"ShipperOne's warehouse {code} is not mapped: add [tenants.NAME.odoo.warehouses.{code!r}]"
        raise Refused(Reason.WAREHOUSE_UNKNOWN, sentence, Owner.IT)
    return rule


def _site(odoo: Odoo, code: str, rule: WarehouseRule, at: Company) -> Site:
    row = _places(odoo).warehouse(rule.code, at) or _places(odoo, anew=True).warehouse(rule.code, at)
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
        one_step=row["delivery_steps"] == ONE_STEP,
        rule=rule,
    )
