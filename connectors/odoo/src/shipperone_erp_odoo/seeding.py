"""A test database's master data, created by an administrator: products, warehouses, taxes, a user with few rights.

All of it carries a tag. Existing records are not changed.
"""

import secrets
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import httpx
import odoolib

from shipperone_erp_odoo.http_transport import Wire
from shipperone_erp_odoo.protocols import JsonRpc


class Admin:
    """The user that creates and reads test data: an administrator, over JSON-RPC."""

    def __init__(
        self, url: str, database: str, user: str, password: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = url
        self.database = database
        self.user = user
        self._wire = Wire(url, connect_timeout=10, timeout=120, transport=transport)
        self._connector = JsonRpc(self._wire)
        self._connection = odoolib.Connection(self._connector, database, user, password)
        self._connection.check_login()

    @cached_property
    def version(self) -> int:
        """17, 18, 19."""
        return int(self._connector.send("common", "version")["server_version_info"][0])

    def call(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        """The method's answer; arguments in the form of Odoo's own RPC."""
        connection = self._connection
        return self._connector.send(
            "object", "execute_kw", self.database, connection.user_id, connection.password, model, method, args, named
        )

    def find(self, model: str, domain: Sequence[Any], fields: Sequence[str], **named: Any) -> list[dict[str, Any]]:
        """Records by a domain."""
        found: list[dict[str, Any]] = self.call(model, "search_read", list(domain), list(fields), **named)
        return found

    def make(self, model: str, **values: Any) -> int:
        """A new record; its id."""
        return int(self.call(model, "create", [values])[0])

    def ref(self, xid: str) -> int:
        """The record of an external id, which must exist."""
        module, name = xid.split(".", 1)
        return int(self.call("ir.model.data", "check_object_reference", module, name)[1])

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def api_key(admin: Admin, login: str, password: str) -> str:
    """A key of that user, created as in the user interface: through a web session, with the password once more."""
    with httpx.Client(base_url=admin.url, timeout=60) as web:

        def ask(path: str, **params: Any) -> Any:
            answer = web.post(path, json={"jsonrpc": "2.0", "method": "call", "params": params, "id": 1}).json()
            if "error" in answer:
                raise RuntimeError(answer["error"]["data"]["message"])
            return answer["result"]

        def call(model: str, method: str, *args: Any, **named: Any) -> Any:
            return ask("/web/dataset/call_kw", model=model, method=method, args=list(args), kwargs=named)

        ask("/web/session/authenticate", db=admin.database, login=login, password=password)
        # a week: Odoo's "1 Day" ends at the next midnight
        values = {"name": "rpc", **({"duration": "7"} if admin.version >= 18 else {})}
        wizard = call("res.users.apikeys.description", "create", values)
        check = call("res.users.apikeys.description", "make_key", [wizard])
        if check.get("res_model") == "res.users.identitycheck":
            identity = check["res_id"]
            context = {"password": password} if admin.version >= 19 else {}
            if admin.version < 19:
                call("res.users.identitycheck", "write", [identity], {"password": password})
            check = call("res.users.identitycheck", "run_check", [identity], context=context)
        return str(check["context"]["default_key"])


class Seed:
    """One tagged set of master data. `tag` begins its SKUs: at most four characters, since it is in warehouse codes.

    `password` is the user's; a random one by default.
    """

    def __init__(self, admin: Admin, tag: str, password: str | None = None) -> None:
        self.admin = admin
        self.tag = tag
        self.login = f"shipperone-{tag}"
        self.password = password or secrets.token_urlsafe(16)
        self.company = admin.find("res.company", [], ["name"], order="id", limit=1)[0]["id"]
        self.warehouses = {name: self._warehouse(name) for name in ("A", "B")}
        self.taxes = {rate: self.tax(rate) for rate in (23, 21, 5)}
        self.shipping = self.product("SHIP", service=True)
        self.user = self._user()

    def sku(self, name: str) -> str:
        """The SKU of the product of this name."""
        return f"{self.tag}-{name}"

    def product(self, name: str, *, service: bool = False, **more: Any) -> int:
        """Create a further product under that SKU; returns its id."""
        if self.admin.version < 18:
            kind: dict[str, Any] = {"detailed_type": "service" if service else "product"}
        else:
            kind = {"type": "service"} if service else {"type": "consu", "is_storable": True}
        values = {"name": f"{name.title()} {self.tag}", "default_code": self.sku(name), **kind, **more}
        return self.admin.make("product.product", taxes_id=[(6, 0, [self.taxes[23]])], **values)

    def code(self, name: str) -> str:
        """The short name of the warehouse A or B in Odoo."""
        return f"{self.tag}{name}".upper()

    def stock(self, product: int, quantity: float, warehouse: str = "A", lot: int | None = None) -> None:
        """Set the stock to that quantity, of that lot if it is tracked by lots."""
        place = {"product_id": product, "location_id": self.warehouses[warehouse]["lot_stock_id"][0]}
        if lot:
            place["lot_id"] = lot
        quant = self.admin.call(
            "stock.quant", "create", [{**place, "inventory_quantity": quantity}], context={"inventory_mode": True}
        )
        self.admin.call("stock.quant", "action_apply_inventory", quant)

    def warehouse(self, name: str, **more: Any) -> None:
        """Create a further warehouse, for use in `stock`."""
        self.warehouses[name] = made = self._warehouse(name)
        self.admin.call("stock.warehouse", "write", [made["id"]], more)

    def unit(self, name: str, pieces: int) -> int:
        """A new unit of measure that equals so many of Odoo's Units; returns its id."""
        if self.admin.version >= 19:
            units = self.admin.ref("uom.product_uom_unit")
            size: dict[str, Any] = {"relative_factor": pieces, "relative_uom_id": units}
        else:
            category = self.admin.ref("uom.product_uom_categ_unit")
            size = {"category_id": category, "uom_type": "bigger", "factor_inv": pieces}
        return self.admin.make("uom.uom", name=name, **size)

    def currency(self, name: str, rate: float | None = 1.25) -> int:
        """Activate that currency, with that rate or, if None, without any; returns its id."""
        (found,) = self.admin.find("res.currency", [("name", "=", name), ("active", "in", [True, False])], ["id"])
        self.admin.call("res.currency", "write", [found["id"]], {"active": True})
        rates = self.admin.find("res.currency.rate", [("currency_id", "=", found["id"])], ["id"])
        if rates and rate is None:
            self.admin.call("res.currency.rate", "unlink", [row["id"] for row in rates])
        elif rate is not None and not rates:
            values = {"currency_id": found["id"], "name": "2020-01-01", "rate": rate, "company_id": self.company}
            self.admin.make("res.currency.rate", **values)
        return int(found["id"])

    def grant(self, group: str, *, taken: bool = False) -> None:
        """Grant that right to the user, or remove it."""
        field = "group_ids" if self.admin.version >= 19 else "groups_id"
        command = (3 if taken else 4, self.admin.ref(group))
        self.admin.call("res.users", "write", [self.user], {field: [command]})

    def api_key(self) -> str:
        """A key of the user."""
        return api_key(self.admin, self.login, self.password)

    def tax_name(self, rate: int) -> str:
        """The tax's name for the settings."""
        return f"{self.tag} {rate} % incl."

    def _warehouse(self, name: str) -> dict[str, Any]:
        code = self.code(name)
        fields = ["code", "name", "lot_stock_id", "out_type_id", "int_type_id"]
        found = self.admin.find("stock.warehouse", [("code", "=", code)], fields)
        if not found:
            self.admin.make("stock.warehouse", name=f"Warehouse {code}", code=code, company_id=self.company)
            found = self.admin.find("stock.warehouse", [("code", "=", code)], fields)
        return found[0]

    def tax(self, rate: int, company: int | None = None, *, name: str | None = None, included: bool = True) -> int:
        """A new sales tax of that many percent, included in the price by default; returns its id."""
        name = name or self.tax_name(rate)
        values: dict[str, Any] = {"name": name, "amount": rate, "amount_type": "percent", "type_tax_use": "sale"}
        if self.admin.version < 18:
            values["price_include"] = included
        else:
            values["price_include_override"] = "tax_included" if included else "tax_excluded"
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
