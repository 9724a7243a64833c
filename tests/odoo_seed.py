"""What the live tests need in an Odoo: products, warehouses, taxes, a user with few rights. Made beside other data.

Everything carries a tag; nothing that was there before is written to.
"""

import secrets
from typing import Any

import httpx
import odoolib

from shipperone_erp_odoo.protocols import JsonRpc
from shipperone_erp_odoo.wire import Wire


class Admin:
    """The user that seeds and looks: an administrator, over JSON-RPC."""

    def __init__(self, url: str, database: str, user: str, password: str) -> None:
        self.url = url
        self.database = database
        self.user = user
        connector = JsonRpc(Wire(url, connect_timeout=10, timeout=120))
        self._connection = odoolib.Connection(connector, database, user, password)
        self._connection.check_login()
        self.version = int(connector.send("common", "version")["server_version_info"][0])

    def call(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        connection = self._connection
        return connection.connector.send(
            "object", "execute_kw", self.database, connection.user_id, connection.password, model, method, args, named
        )

    def find(self, model: str, domain: list[Any], fields: list[str], **named: Any) -> list[dict[str, Any]]:
        return self.call(model, "search_read", domain, fields, **named)

    def make(self, model: str, **values: Any) -> int:
        return int(self.call(model, "create", [values])[0])

    def ref(self, xid: str) -> int:
        module, name = xid.split(".", 1)
        return int(self.call("ir.model.data", "check_object_reference", module, name)[1])


class Seed:
    """One tagged set of master data. `tag` begins its SKUs: at most four characters, it is in warehouse codes."""

    def __init__(self, admin: Admin, tag: str) -> None:
        self.admin = admin
        self.tag = tag
        self.login = f"shipperone-{tag}"
        self.password = secrets.token_urlsafe(16)
        self.company = admin.find("res.company", [], ["name"], order="id", limit=1)[0]["id"]
        self.warehouses = {name: self._warehouse(name) for name in ("A", "B")}
        self.taxes = {rate: self._tax(rate) for rate in (23, 21, 5)}
        self.shipping = self.product("SHIP", service=True)
        self.user = self._user()

    def sku(self, name: str) -> str:
        return f"{self.tag}-{name}"

    def product(self, name: str, *, service: bool = False, **more: Any) -> int:
        """One more product under that SKU."""
        if self.admin.version < 18:
            kind: dict[str, Any] = {"detailed_type": "service" if service else "product"}
        else:
            kind = {"type": "service"} if service else {"type": "consu", "is_storable": True}
        values = {"name": f"{name.title()} {self.tag}", "default_code": self.sku(name), **kind, **more}
        return self.admin.make("product.product", taxes_id=[(6, 0, [self.taxes[23]])], **values)

    def code(self, name: str) -> str:
        return f"{self.tag}{name}".upper()

    def stock(self, product: int, quantity: float, warehouse: str = "A") -> None:
        """So many are there."""
        place = {"product_id": product, "location_id": self.warehouses[warehouse]["lot_stock_id"][0]}
        quant = self.admin.call(
            "stock.quant", "create", [{**place, "inventory_quantity": quantity}], context={"inventory_mode": True}
        )
        self.admin.call("stock.quant", "action_apply_inventory", quant)

    def second_company(self) -> dict[str, Any]:
        """Another company with a chart of accounts, a warehouse and a tax of its own; the user works in both."""
        admin = self.admin
        name = f"Second {self.tag}"
        country = admin.find("res.company", [("id", "=", self.company)], ["country_id"])[0]["country_id"][0]
        company = admin.make("res.company", name=name, country_id=country)
        me = admin.call("res.users", "context_get")["uid"]
        for user in (me, self.user):
            admin.call("res.users", "write", [user], {"company_ids": [(4, company)]})
        chart = admin.find("res.company", [("id", "=", self.company)], ["chart_template"])[0]["chart_template"]
        around = {"allowed_company_ids": [company, self.company]}
        if not admin.find("account.journal", [("type", "=", "sale"), ("company_id", "=", company)], ["id"]):
            admin.call("account.chart.template", "try_loading", [], chart, company, install_demo=False, context=around)
        code = self.code("C")
        fields = ["code", "lot_stock_id", "out_type_id"]
        there = admin.find("stock.warehouse", [("company_id", "=", company)], ["id"])
        if there:
            admin.call("stock.warehouse", "write", [there[0]["id"]], {"code": code}, context=around)
        else:
            admin.make("stock.warehouse", name=f"Third {self.tag}", code=code, company_id=company)
        (house,) = admin.find("stock.warehouse", [("code", "=", code)], fields, context=around)
        self.warehouses["C"] = house
        self._tax(23, company)
        return {"id": company, "name": name, "code": code}

    def api_key(self) -> str:
        """A key of the user, made as a person makes one: through a web session, with the password once more."""
        with httpx.Client(base_url=self.admin.url, timeout=60) as web:

            def ask(path: str, **params: Any) -> Any:
                answer = web.post(path, json={"jsonrpc": "2.0", "method": "call", "params": params, "id": 1}).json()
                assert "error" not in answer, answer["error"]["data"]["message"]
                return answer["result"]

            def call(model: str, method: str, *args: Any, **named: Any) -> Any:
                return ask("/web/dataset/call_kw", model=model, method=method, args=list(args), kwargs=named)

            ask("/web/session/authenticate", db=self.admin.database, login=self.login, password=self.password)
            values = {"name": "rpc", **({"duration": "1"} if self.admin.version >= 18 else {})}
            wizard = call("res.users.apikeys.description", "create", values)
            check = call("res.users.apikeys.description", "make_key", [wizard])
            if check.get("res_model") == "res.users.identitycheck":
                identity = check["res_id"]
                context = {"password": self.password} if self.admin.version >= 19 else {}
                if self.admin.version < 19:
                    call("res.users.identitycheck", "write", [identity], {"password": self.password})
                check = call("res.users.identitycheck", "run_check", [identity], context=context)
            return str(check["context"]["default_key"])

    def _warehouse(self, name: str) -> dict[str, Any]:
        code = self.code(name)
        fields = ["code", "name", "lot_stock_id", "out_type_id", "int_type_id"]
        found = self.admin.find("stock.warehouse", [("code", "=", code)], fields)
        if not found:
            self.admin.make("stock.warehouse", name=f"Warehouse {code}", code=code, company_id=self.company)
            found = self.admin.find("stock.warehouse", [("code", "=", code)], fields)
        return found[0]

    def _tax(self, rate: int, company: int | None = None) -> int:
        name = f"{self.tag} {rate} % incl."
        values: dict[str, Any] = {"name": name, "amount": rate, "amount_type": "percent", "type_tax_use": "sale"}
        values |= {"price_include": True} if self.admin.version < 18 else {"price_include_override": "tax_included"}
        company = company or self.company
        context = {"allowed_company_ids": [company]}
        return int(self.admin.call("account.tax", "create", [{**values, "company_id": company}], context=context)[0])

    def _user(self) -> int:
        groups = [
            self.admin.ref(group)
            for group in (
                "base.group_user", "stock.group_stock_user", "account.group_account_invoice",
                "base.group_partner_manager",
            )
        ]  # fmt: skip
        field = "group_ids" if self.admin.version >= 19 else "groups_id"
        user = self.admin.make(
            "res.users", name=f"ShipperOne {self.tag}", login=self.login, email=f"{self.login}@example.com",
            company_id=self.company, company_ids=[(6, 0, [self.company])], **{field: [(6, 0, groups)]},
        )  # fmt: skip
        self.admin.call("res.users", "write", [user], {"password": self.password})
        return user
