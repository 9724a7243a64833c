"""An Odoo 19 in the process of the test: answers by model and method, and keeps what it was asked."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal as D
from typing import Any

import httpx

from shipperone_erp import BuildInvoice, Check, FulfillmentOrder, Invoice, OrderItem, Party
from shipperone_erp_odoo import OdooConnector, OdooSettings
from shipperone_erp_odoo.invoice_plan import ROUNDING
from shipperone_erp_odoo.settings import OdooSettings as Settings
from shipperone_erp_odoo.warehouses import Company

HOME = Company(1, "Acme", "SK", "EUR")


def settings(*taxes: dict[str, object], **more: object) -> Settings:
    given = {"url": "https://erp.example", "database": "shop", "api_key": "k", "taxes": taxes, **more}
    return OdooSettings.model_validate(given)


class FakeOdoo:
    """An Odoo 19 that answers calls by model and method; what was asked is kept."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = {**BASICS, **answers}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/jsonrpc":
            return self._over_jsonrpc(json.loads(request.content)["params"])
        return self._answered(request.url.path.removeprefix("/json/2/"), json.loads(request.content))

    def _over_jsonrpc(self, params: dict[str, Any]) -> httpx.Response:
        if params["method"] == "execute_kw":
            _, _, _, model, method, given, named = params["args"]
            ids = {"ids": given[0]} if given else {}
            answer = self._answered(f"{model}/{method}", {**ids, **named})
            return httpx.Response(200, json={"result": answer.json()})
        self.asked.append((f"common/{params['method']}", {}))
        known = {"version": {"server_version_info": [19, 0, 0]}, "login": 7}[params["method"]]
        return httpx.Response(200, json={"result": known})

    def _answered(self, what: str, named: dict[str, Any]) -> httpx.Response:
        self.asked.append((what, named))
        refused = self.answers.get(what.replace("/web_search_read", "/search_read"))
        if isinstance(refused, httpx.Response):
            return refused
        found = nested(self.answers, what, named) if what.endswith("/web_search_read") else self.answers.get(what, [])
        answer = found(named) if isinstance(found, Callable) else found
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def connector(self, *taxes: dict[str, object], **more: object) -> OdooConnector:
        made = OdooConnector(settings(*taxes, **more), tenant="acme")
        made.transport = httpx.MockTransport(self)
        return made

    def made(self, model: str) -> list[dict[str, str]]:
        """What was loaded of that model, each row by its columns."""
        loads = [named for what, named in self.asked if what == f"{model}/load"]
        return [dict(zip(one["fields"], row, strict=True)) for one in loads for row in one["data"]]

    def calls(self, what: str) -> list[dict[str, Any]]:
        return [named for one, named in self.asked if one == what]


def nested(answers: Mapping[str, Any], what: str, named: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer to `web_search_read`, made of what `search_read` of each model answers; None: an unknown model."""

    def rows(model: str) -> list[dict[str, Any]]:
        found = answers.get(f"{model}/search_read", [])
        return [dict(row) for row in (found(dict(named)) if isinstance(found, Callable) else found)]

    def companies() -> list[dict[str, Any]]:
        found = [*map(_company_row, rows("res.company"))]
        for company in found:
            if company["country_id"] and answers.get("res.country/search_read"):
                company["country_id"]["code"] = rows("res.country")[0]["code"]
        return found

    def of_company() -> dict[str, Any]:
        (company, *_) = rows("res.company")
        wanted = named["specification"]["company_id"]["fields"]
        locks = {name: company.get(name, company.get(name.removeprefix("user_"), False)) for name in wanted}
        return {"id": 1, **locks}

    def of_product(id: int) -> int | dict[str, Any]:
        whole = "fields" in named["specification"]["product_id"]
        return {"id": id, **counted(answers, id, named)} if whole else id

    model = what.partition("/")[0]
    if model == "res.users":
        (user,) = rows(model)
        found = [{**user, "company_id": user["company_id"][0], "company_ids": companies()}]
    elif model == "stock.location":
        own = next(iter(companies()), False)
        views = [
            {"id": 100 + row["id"], "usage": "view", "company_id": own, "warehouse_view_ids": [_warehouse_row(row)]}
            for row in rows("stock.warehouse")
        ]
        customers = [{**row, "usage": "customer", "company_id": False, "warehouse_view_ids": []} for row in rows(model)]
        losses = {"id": 99, "usage": "inventory", "company_id": own, "warehouse_view_ids": []}
        found = [*views, *customers, losses]
    elif model == "stock.move":
        found = [
            {**row, "picking_id": {**_named_row(row["picking_id"]), "backorder_id": False, "sale_id": row.get("sale_id", False)},
             "product_uom": row["product_uom"][0], "location_id": row["location_id"][0],
             "product_id": of_product(row["product_id"][0])}
            for row in rows(model)
        ]  # fmt: skip
    elif model == "stock.picking":
        locks = {"company_id": of_company()} if "company_id" in named["specification"] else {}
        found = [{"partner_id": False, "sale_id": False, "state": "assigned", **locks, **row} for row in rows(model)]
    elif model == "product.product":
        of_it = "qty_available" in named["specification"]
        found = [
            {**row, "uom_id": {"factor": FACTORS.get(row["uom_id"][1], 1.0), **_named_row(row["uom_id"])},
             **(counted(answers, row["id"], named) if of_it else {})}
            for row in rows(model)
        ]  # fmt: skip
    elif model == "account.journal":
        found = [{"id": row["id"], "code": "INV", "company_id": of_company()} for row in rows(model)]
    elif model == "account.move":
        found = [
            {"partner_id": {"id": 30}, "write_uid": 7, **head, "currency_id": _named_row(head["currency_id"]),
             "company_id": of_company(), "invoice_line_ids": [_invoice_line_row(answers, row, n) for n, row in enumerate(rows("account.move.line"))]}
            for head in rows(model)
        ]  # fmt: skip
    else:
        return None
    return {"length": len(found), "records": found}


def counted(answers: Mapping[str, Any], product: int, named: Mapping[str, Any]) -> dict[str, float]:
    """A product's own counts, from the quants."""
    found = answers.get("stock.quant/search_read", [])
    quants = found(dict(named)) if isinstance(found, Callable) else found
    of_it = [row for row in quants if row["product_id"][0] == product]
    on_hand, reserved = (sum(row[name] for row in of_it) for name in ("quantity", "reserved_quantity"))
    dated = any("removal_date" in row for row in of_it)
    return {"qty_available": on_hand, "free_qty": on_hand - reserved, "use_expiration_date": dated}


def _named_row(pair: list[Any]) -> dict[str, Any]:
    return {"id": pair[0], "name": pair[1], "display_name": pair[1]}


def _company_row(row: dict[str, Any]) -> dict[str, Any]:
    country = {**_named_row(row["country_id"]), "code": "SK"} if row["country_id"] else False
    return {
        "chart_template": "sk",
        **row,
        "country_id": country,
        "currency_id": {**_named_row(row["currency_id"]), "decimal_places": 2},
    }


def _warehouse_row(row: dict[str, Any]) -> dict[str, Any]:
    ids = {name: row[name][0] for name in ("out_type_id", "int_type_id")}
    return {
        "code": "main",
        "delivery_steps": "ship_only",
        **row,
        **ids,
        "company_id": 1,
        "lot_stock_id": _named_row(row["lot_stock_id"]),
    }


def _invoice_line_row(answers: Mapping[str, Any], row: dict[str, Any], number: int) -> dict[str, Any]:
    found = answers.get("account.tax/search_read", [])
    known = found({"domain": [["id", "in", row["tax_ids"]]]}) if isinstance(found, Callable) else found
    of_line = [tax for tax in known if tax["id"] in row["tax_ids"]]
    return {
        "id": number, "display_type": "product", **row, "tax_ids": of_line,
        "product_uom_id": {"factor": 1.0, **_named_row(row["product_uom_id"])} if row.get("product_uom_id") else False,
    }  # fmt: skip


FACTORS = {"Dozens": 12.0, "Boxes": 10.0}
"""Units of measure that are multiples of another one."""


def taxes(named: dict[str, Any]) -> list[dict[str, Any]]:
    """The taxes of this Odoo, as far as a domain by name or ids asks for them."""
    known = [
        {"id": 1, "name": "23 %", "amount": 23.0, "amount_type": "percent", "price_include": True},
        {"id": 2, "name": "5 %", "amount": 5.0, "amount_type": "percent", "price_include": True},
        {"id": 3, "name": "23 % added", "amount": 23.0, "amount_type": "percent", "price_include": False},
    ]
    wanted = {name: value for name, _, value in named["domain"]}
    return [
        row
        for row in known
        if ("name" not in wanted or row["name"] in wanted["name"]) and ("id" not in wanted or row["id"] in wanted["id"])
    ]


PRODUCT = {
    "display_name": "Mug", "uom_id": [1, "Units"], "active": True, "type": "consu", "is_storable": True, "id": 5,
    "default_code": "MUG", "taxes_id": [1],
}  # fmt: skip


def gone(named: dict[str, Any]) -> httpx.Response:
    return httpx.Response(404, json={"name": "builtins.ValueError", "message": "no such external id"})


BASICS: dict[str, Any] = {
    "res.users/context_get": {"uid": 7},
    "res.users/search_read": [
        {"id": 7, "login": "api", "email": "api@example.com", "company_id": [1, "Acme"], "company_ids": [1]}
    ],
    "res.company/search_read": [
        {"id": 1, "name": "Acme", "country_id": [9, "Slovakia"], "currency_id": [1, "EUR"], "sale_lock_date": False}
    ],
    "account.move/fields_get": {},
    "stock.move/fields_get": {"is_storable": {}},
    "res.country/search_read": [{"id": 9, "code": "SK"}],
    "stock.warehouse/search_read": [
        {"id": 2, "name": "Main", "lot_stock_id": [8, "WH/Stock"], "out_type_id": [3, "x"], "int_type_id": [4, "y"]}
    ],
    "product.product/search_read": [PRODUCT],
    "ir.model.data/check_object_reference": ["uom.uom", 1],
    "res.currency/search_read": [{"id": 1, "name": "EUR", "decimal_places": 2}],
    "account.journal/search_read": [{"id": 11}],
    "account.tax/search_read": taxes,
    "res.partner/search_read": [{"id": 30, "name": "Anna", "vat": False, "email": "a@example.com"}],
    "account.move/load": {"ids": [57], "messages": []},
}


ANNA = Party(name="Anna", email="a@example.com", country="SK")


def order(*items: OrderItem, **more: object) -> FulfillmentOrder:
    return FulfillmentOrder("FO-1", "main", items, **{"currency": "EUR", "billing": ANNA, **more})


def item(total: str = "10.00", rate: str | None = None, item_id: int = 1) -> OrderItem:
    return OrderItem(
        item_id=item_id, sku="MUG", qty=D(1), line_total_incl_tax=D(total), tax_percent=D(rate) if rate else None
    )


def draft(total: float, *lines: dict[str, object], state: str = "draft") -> dict[str, Any]:
    """An invoice with these lines, as it is read back."""
    rows = [
        {"move_id": [57, "x"], "sequence": 1_000_010, "product_uom_id": [1, "Units"], "quantity": 1.0, "tax_ids": [1],
         "price_total": line["price_unit"], **line}
        for line in lines
    ]  # fmt: skip
    head = {
        "id": 57, "name": False, "state": state, "amount_total": total, "currency_id": [1, "EUR"],
        "invoice_date": False, "date": "2026-03-31", "company_id": [1, "Acme"], "move_type": "out_invoice",
    }  # fmt: skip

    def move(named: dict[str, Any]) -> list[dict[str, Any]]:
        return [] if any(part[0] == "invoice_origin" for part in named["domain"]) else [head]

    return {"account.move/search_read": move, "account.move.line/search_read": rows}


MARCH = date(2026, 3, 31)


FIXED: dict[str, object] = {"customers": "fixed", "customer": "Anna"}


def build(erp: OdooConnector, what: FulfillmentOrder, day: date = MARCH, issued: date | None = None) -> Invoice:
    return erp.build_invoice(BuildInvoice("i-1", what, 1, day, (), issued))


LOCKED = {
    "res.company/search_read": [{**BASICS["res.company/search_read"][0], "sale_lock_date": "2026-03-31"}],
}


RATE: dict[str, object] = {"tax": "23 %"}


def off_by(cents: str) -> FakeOdoo:
    """An Odoo whose draft is so many cents off its lines until it has a line for them."""
    lines = ({"price_unit": 10.0}, {"price_unit": 5.0, "sequence": 1_000_020, "tax_ids": [2]})
    without = draft(float(D(15) - D(cents)), *lines)
    correction = {"price_unit": float(cents), "sequence": ROUNDING, "tax_ids": []}
    odoo = FakeOdoo({**without, "account.account/search_read": [{"id": 90}], "account.move/write": True})

    def write(named: dict[str, Any]) -> bool:
        odoo.answers |= draft(15.0, *lines, correction)
        return True

    odoo.answers["account.move/write"] = write
    return odoo


TWO = order(item("10.00", "23"), item("5.00", "5", 2))


RATES: tuple[dict[str, object], ...] = ({"percent": 23, "tax": "23 %"}, {"percent": 5, "tax": "5 %"})


PLAIN: dict[str, Any] = {"stock.move/fields_get": {"is_storable": {}}}


def quant(quantity: float, reserved: float = 0, **more: object) -> dict[str, object]:
    return {"product_id": [5, "Mug"], "quantity": quantity, "reserved_quantity": reserved, **more}


def picked(odoo: FakeOdoo, has: float) -> FakeOdoo:
    """An Odoo whose new deliveries of five have so many reserved."""
    move = {
        "id": 71, "picking_id": [70, "WH/OUT/1"], "product_id": [5, "Mug"], "product_uom_qty": 5.0, "quantity": has,
        "state": "assigned" if has == 5 else "partially_available", "product_uom": [1, "Units"], "move_orig_ids": [],
        "location_id": [8, "WH/Stock"], "origin": False,
    }  # fmt: skip
    odoo.answers |= {
        "stock.picking/load": {"ids": [70], "messages": []},
        "stock.location/search_read": [{"id": 6}], "stock.move/search_read": [move],
        "stock.picking/search_read": lambda named: [{"id": 70}] if named["domain"][0][0] == "id" else [],
        "ir.model.data/check_object_reference": ["uom.uom", 1],
    }  # fmt: skip
    return odoo


def lines(answers, **settings) -> list[Check]:
    """The checks of an Odoo 19 that answers so, by model and method; what is not listed does not exist."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/jsonrpc":
            return httpx.Response(200, json={"result": {"server_version_info": [19, 0, 0]}})
        what = request.url.path.removeprefix("/json/2/")
        found = answers.get(what)
        if what.endswith("/web_search_read"):
            found = nested(answers, what, json.loads(request.content))
        if isinstance(found, httpx.Response):
            return found
        if found is None:
            return httpx.Response(404, json={"name": "builtins.KeyError", "message": "unknown"})
        return httpx.Response(200, json=found)

    given = {"url": "https://erp.example", "database": "shop", "api_key": "kept-secret", **settings}
    connector = OdooConnector(OdooSettings.model_validate(given), tenant="acme")
    connector.transport = httpx.MockTransport(answer)
    return connector.check()


def odoo_in(country: str) -> dict[str, object]:
    user = {"id": 7, "login": "api", "email": "api@example.com", "company_id": [1, "Acme"], "company_ids": [1]}
    return {
        "res.users/context_get": {"uid": 7},
        "res.users/search_read": [user],
        "res.users.apikeys/fields_get": {},
        "res.company/search_read": [{"id": 1, "name": "Acme", "country_id": [9, "X"], "currency_id": [1, "EUR"]}],
        "res.country/search_read": [{"id": 9, "code": country}],
    }
