"""ShipperOne's warehouses in Odoo, the company of each, and the source and destination of their goods (B17)."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_odoo.odoo import Odoo, Row, named, one
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
    return odoo.kept(("company", name), lambda: _company(odoo, name))


def sites(odoo: Odoo, codes: Collection[str]) -> dict[str, Site | Refused]:
    """The warehouse of each of ShipperOne's codes, or the reason why there is none."""
    found: dict[str, Site | Refused] = {}
    for code in dict.fromkeys(codes):
        try:
            found[code] = odoo.kept(("site", code), partial(_site, odoo, code))
        except Refused as refusal:
            found[code] = refusal
    return found


def customers(odoo: Odoo, at: Company) -> int:
    """The location of customers, where deliveries go."""

    def find() -> int:
        domain = [("usage", "=", "customer"), ("company_id", "in", [False, at.id])]
        found = odoo.find("stock.location", domain, ["id"], company=at.id, order="id", limit=1)
        if not found:
            raise Refused(Reason.CONFIG_INCOMPLETE, f"{at.name} has no customer location in Odoo: deliveries need one")
        return int(found[0]["id"])

    return odoo.kept(("customers", at.id), find)


def me(odoo: Odoo) -> Row:
    """The user of the login: id, login, email, company_id, company_ids."""

    def find() -> Row:
        uid = odoo.call("res.users", "context_get")["uid"]
        return odoo.find("res.users", [("id", "=", uid)], ["login", "email", "company_id", "company_ids"])[0]

    return odoo.kept("me", find)


def _company(odoo: Odoo, name: str | None) -> Company:
    user = me(odoo)
    wanted = [("id", "=", one(user["company_id"]))] if name is None else [("name", "=", name)]
    fields = ["name", "country_id", "currency_id"]
    allowed = odoo.call(
        "res.company", "search_read", context={"allowed_company_ids": user["company_ids"]},
        domain=[*wanted, ("id", "in", user["company_ids"])], fields=fields,
    )  # fmt: skip
    if not allowed:
        raise Refused(
            Reason.CONFIG_INCOMPLETE,
            f"user {user['login']} has no access to a company named {name!r} in Odoo; check `company`, and the "
            "companies that the user is allowed",
        )
    found = allowed[0]
    country = None
    if found["country_id"]:
        (row,) = odoo.find("res.country", [("id", "=", one(found["country_id"]))], ["code"])
        country = str(row["code"]).upper()
    return Company(int(found["id"]), str(found["name"]), country, named(found["currency_id"]))


def _site(odoo: Odoo, code: str) -> Site:
    rules = odoo.settings.warehouses
    rule = rules.get(code) if rules else WarehouseRule(code=code)
    if rule is None:
        said = f"ShipperOne's warehouse {code} is not mapped: add [tenants.NAME.odoo.warehouses.{code!r}]"
        raise Refused(Reason.WAREHOUSE_UNKNOWN, said, Owner.IT)
    at = company(odoo, rule.company or odoo.settings.company)
    fields = ["name", "lot_stock_id", "out_type_id", "int_type_id"]
    domain = [("code", "=", rule.code), ("company_id", "=", at.id)]
    found = odoo.find("stock.warehouse", domain, fields, company=at.id)
    if not found:
        said = f"there is no warehouse with the short name {rule.code} in {at.name} in Odoo (ShipperOne's {code})"
        raise Refused(Reason.WAREHOUSE_UNKNOWN, said, Owner.IT)
    row = found[0]
    return Site(
        code=code,
        id=int(row["id"]),
        name=named(row["lot_stock_id"]),
        company=at,
        stock=one(row["lot_stock_id"]) or 0,
        deliveries=one(row["out_type_id"]) or 0,
        transfers=one(row["int_type_id"]) or 0,
        rule=rule,
    )
