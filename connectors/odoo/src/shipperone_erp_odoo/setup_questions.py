"""The questions of `init` about an Odoo: server, database, login; then its warehouses, journals, taxes and products."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import httpx

from shipperone_erp import ConnectorError, Option, Question, Setup, SetupDone
from shipperone_erp_odoo.login import JSON2_SINCE
from shipperone_erp_odoo.lookups import Tax, sales_taxes
from shipperone_erp_odoo.odoo import Odoo, Row
from shipperone_erp_odoo.protocols import JsonRpc
from shipperone_erp_odoo.settings import OdooSettings
from shipperone_erp_odoo.warehouses import Company, me, own_company

NONE = ""
AT_MOST = 12
"""The largest number of products offered; more matches mean that the names distinguish too little."""


def ask(setup: Setup, transport: httpx.BaseTransport | None) -> Question | SetupDone:
    """The next question, or the settings."""
    questions = _Questions(setup, transport)
    try:
        return next(questions.all(), None) or questions.done()
    finally:
        questions.close()


class _Questions:
    """The questions in their sequence, each asked only if its answer is missing."""

    def __init__(self, setup: Setup, transport: httpx.BaseTransport | None) -> None:
        self._setup = setup
        self._transport = transport
        self._open: list[Odoo] = []

    def close(self) -> None:
        """Close the connections."""
        for odoo in self._open:
            odoo.close()

    def all(self) -> Iterator[Question]:
        """The unanswered questions. An error in the last answer is raised."""
        yield from self._missing("url", "address of your Odoo", "As the browser shows it, such as https://erp.example.")
        server = self._odoo(database="unknown", user="unknown", password="unknown")  # noqa: S106  # nobody logs in
        version = server.version
        names = _databases(server)
        yield from self._missing(
            "database", "database", found=f"Odoo {version} answers", free=True,
            options=tuple(map(Option, names)), default=names[0] if len(names) == 1 else None,
        )  # fmt: skip
        key_alone = version >= JSON2_SINCE
        yield from self._missing(
            "user", "user", "The login of a user with the rights that docs/how-to/odoo.md lists."
            + (" From Odoo 19 on the API key alone is enough." if key_alone else ""),
            default=NONE if key_alone else None,
        )  # fmt: skip
        where = "Made in Odoo by that user: My Profile, Account Security, New API Key."
        yield from self._missing("api_key", "API key", where, secret=True)
        odoo = self._odoo()
        user = me(odoo)
        yield from self._company(odoo, user)
        at = own_company(self._odoo())
        yield from self._warehouses(odoo, at)
        yield from self._sales(odoo, at)

    def _company(self, odoo: Odoo, user: Row) -> Iterator[Question]:
        rows = odoo.find("res.company", [("id", "in", user["company_ids"])], ["name"])
        if len(rows) > 1:
            options = tuple(Option(str(row["name"])) for row in rows)
            yield from self._missing(
                "company", "company", "The company that issues the invoices.", f"{user['login']} is logged in",
                options=options, default=options[0].value,
            )  # fmt: skip

    def _warehouses(self, odoo: Odoo, at: Company) -> Iterator[Question]:
        rows = odoo.find("stock.warehouse", [("company_id", "=", at.id)], ["code", "name"], company=at.id)
        journals = odoo.find(
            "account.journal", [("type", "=", "sale"), ("company_id", "=", at.id)], ["code", "name"], company=at.id
        )
        options = tuple(Option(str(row["code"]), str(row["name"])) for row in rows)
        for code in self._setup.warehouses:
            same = next((one.value for one in options if one.value.casefold() == code.casefold()), None)
            only = options[0].value if len(options) == 1 else None
            yield from self._missing(
                f"warehouse.{code}", f"Odoo's warehouse for ShipperOne's {code}",
                found=f"{at.name} has {len(rows)} warehouse(s) and {len(journals)} sales journal(s)",
                options=options, default=same or only,
            )  # fmt: skip
            if len(journals) > 1:
                offered = (Option(NONE, "Odoo's first"), *(Option(str(j["code"]), str(j["name"])) for j in journals))
                yield from self._missing(
                    f"journal.{code}", f"sales journal for invoices of {code}", options=offered, default=NONE
                )

    def _sales(self, odoo: Odoo, at: Company) -> Iterator[Question]:
        usable = [tax for tax in sales_taxes(odoo, at) if tax.included and tax.percent is not None]
        if usable:
            rates = ", ".join(f"{_rate(tax):f} % by {tax.name}" for tax in _by_rate(usable).values())
            options = (Option("by_rate", rates), Option("later", "write [[taxes]] by hand: see docs/how-to/odoo.md"))
            yield from self._missing(
                "taxes", "taxes", "An item is invoiced with the sales tax of its rate. Show this to an accountant.",
                options=options, default="by_rate",
            )  # fmt: skip
        rows = odoo.find(
            "product.product", [("type", "=", "service"), ("default_code", "!=", False)], ["default_code", "name"],
            company=at.id, limit=AT_MOST,
        )  # fmt: skip
        offered = tuple(Option(str(row["default_code"]), str(row["name"])) for row in rows)
        likely = next((one.value for one in offered if "ship" in f"{one.value} {one.says}".lower()), NONE)
        yield from self._missing(
            "shipping_product", "product for shipping",
            "A service with an internal reference; without it an order with a shipping amount is held.",
            options=offered, free=True, default=likely,
        )  # fmt: skip

    def done(self) -> SetupDone:
        """The settings for these answers."""
        setup, settings = self._setup, dict(self._login())
        if company := setup.text("company"):
            settings["company"] = company
        if product := setup.text("shipping_product"):
            settings["shipping_product"] = product
        rules = {code: self._rule(code) for code in setup.warehouses}
        if rules:
            settings["warehouses"] = rules
        if setup.text("taxes") == "by_rate":
            odoo = self._odoo()
            taxes = _by_rate([tax for tax in sales_taxes(odoo, own_company(odoo)) if tax.included])
            settings["taxes"] = [{"percent": _rate(tax), "tax": tax.name} for tax in taxes.values()]
        todo = f"# write [[tenants.{setup.tenant}.odoo.taxes]]: docs/how-to/odoo.md"
        then = [] if setup.text("taxes") == "by_rate" else [todo]
        return SetupDone(settings, then=tuple(then))

    def _rule(self, code: str) -> dict[str, str]:
        journal = self._setup.text(f"journal.{code}")
        return {"code": self._setup.text(f"warehouse.{code}") or code, **({"journal": journal} if journal else {})}

    def _missing(self, name: str, asks: str, explains: str = "", found: str = "", **more: Any) -> Iterator[Question]:
        if name not in self._setup.answers:
            yield Question(name, asks, explains, found, **more)

    def _login(self) -> Mapping[str, Any]:
        setup = self._setup
        given = {"url": setup.text("url"), "database": setup.text("database"), "user": setup.text("user")}
        given["api_key"] = setup.secret("api_key")  # type: ignore[assignment]
        return {name: value for name, value in given.items() if value is not None}

    def _odoo(self, **instead: str) -> Odoo:
        given = {**self._login(), **instead}
        if company := self._setup.text("company"):
            given["company"] = company
        self._open.append(Odoo(OdooSettings.model_validate(given), self._transport))
        return self._open[-1]


def _databases(odoo: Odoo) -> list[str]:
    """The server's databases; empty if it does not list them, as is usual."""
    try:
        return [str(name) for name in JsonRpc(odoo.wire).send("db", "list") or []]
    except ConnectorError:
        return []


def _rate(tax: Tax) -> Decimal:
    """23 for Odoo's 23.0."""
    percent = tax.percent or Decimal(0)
    return percent.quantize(Decimal(1)) if percent == percent.to_integral_value() else percent.normalize()


def _by_rate(taxes: list[Tax]) -> dict[Any, Tax]:
    """The first tax of each rate, the highest rate first."""
    found: dict[Any, Tax] = {}
    for tax in sorted(taxes, key=lambda tax: (-(tax.percent or 0), tax.id)):
        found.setdefault(tax.percent, tax)
    return found
