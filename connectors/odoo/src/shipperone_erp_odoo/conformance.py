"""The harness by which `shipperone-erp connectors test odoo --live` tests the connector on a real Odoo.

It needs a test database, since it creates products, warehouses, invoices and a user. The environment names the
administrator, who creates the data and reads Odoo without the connector. It also names a second database, which is
another merchant's Odoo.
"""

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal

from shipperone_erp.testing import ConnectorHarness, ErpDocument, ErpLine, NotApplicable
from shipperone_erp_odoo.fault_proxy import Gate
from shipperone_erp_odoo.invoice_plan import WHOLE
from shipperone_erp_odoo.invoice_reader import money
from shipperone_erp_odoo.login import JSON2_SINCE
from shipperone_erp_odoo.odoo import MODULE
from shipperone_erp_odoo.seeding import Admin, Seed

NEEDED = ("ODOO_TEST_URL", "ODOO_TEST_DB", "ODOO_TEST_USER", "ODOO_TEST_PASSWORD")
NEIGHBOUR = "ODOO_TEST_NEIGHBOUR_DB"

State = Literal["live", "draft", "issued", "voided"]
RESERVATIONS: Mapping[str, State] = {"cancel": "voided"}
INVOICES: Mapping[str, State] = {"draft": "draft", "posted": "issued", "cancel": "voided"}

KEY = re.compile(r"[ai]-(?P<order>.+)-[a-z2-7]{16}(-g\d+)?(-n\d+)?")
"""A job's key, which contains the id of its order."""

CHARGES = ("fee", "coupon")
"""The kit's charges that belong on the invoice, each as a service."""


Details = tuple[str | None, str | None, tuple[ErpLine, ...] | None]
"""Currency, buyer and lines of an invoice."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """The data shared by all cases in one database: master data, and the connector's login."""

    seed: Seed
    protocol: str
    secret: str
    customer: str
    """The invoiced customer of an order without a buyer."""
    currency: str


class OdooHarness(ConnectorHarness):
    """A database of a real server, accessed as its administrator; the connector's calls go through a fault proxy."""

    connector = "odoo"
    suite = "1.1"
    live: ClassVar[bool] = True
    deadline = 120.0
    merchants: ClassVar[dict[str, Merchant]] = {}
    """By database: created by the first case that needs it."""

    other_tax_percent = Decimal(5)
    departures: ClassVar[Mapping[str, str]] = {
        "U6": "Odoo rolls back by itself and answers with an error; behind its RPC nothing makes a commit fail",
    }

    nth = 0
    """0, or 1 for the neighbour."""

    rates: ClassVar[tuple[int, ...]] = (21, 5)
    """The tax rates named by the connector's settings."""

    _powerless = False
    merchant: Merchant
    gate: Gate
    """The proxy between the connector and Odoo in this case."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._products: dict[str, int] = {}

    def set_up(self) -> None:
        if missing := [name for name in NEEDED if not os.environ.get(name)]:
            raise NotApplicable(f"it needs a test database of a real Odoo: set {', '.join(missing)}")
        self.merchant = self._merchant()
        self.currency = self.merchant.currency
        self.gate = Gate(self.admin.url)

    def tear_down(self) -> None:
        if hasattr(self, "gate"):
            self.mend_connection()
            self.gate.close()

    def neighbour(self, folder: Path) -> "OdooHarness":
        if not os.environ.get(NEIGHBOUR):
            raise NotApplicable(f"another merchant's Odoo is a second test database on that server: set {NEIGHBOUR}")
        other = type(self)(folder)
        other.nth = self.nth + 1
        return other

    def settings(self) -> Mapping[str, Any]:
        made, seed = self.merchant, self.merchant.seed
        return {
            "url": self.url,
            "database": seed.admin.database,
            "user": seed.login,
            "api_key" if made.protocol == "json2" else "password": made.secret,
            "protocol": made.protocol,
            "connect_timeout": 5,
            "timeout": 60,
            "warehouses": {"main": {"code": seed.code("A")}, "outlet": {"code": seed.code("B")}},
            "taxes": [{"percent": rate, "tax": seed.tax_name(rate)} for rate in self.rates],
            "shipping_product": seed.sku("SHIP"),
            "charges": {name: seed.sku(name.upper()) for name in CHARGES},
            "customer": made.customer,
            "e_invoice": "not_required",
        }

    @property
    def url(self) -> str:
        """The address of Odoo for the connector."""
        return self.gate.url

    @property
    def admin(self) -> Admin:
        """The administrator's connection, which creates and reads data."""
        return self.merchant.seed.admin

    def add_product(self, sku: str, on_hand: Decimal, warehouse: str) -> None:
        there = sku in self._products
        if not there:
            self._products[sku] = self.merchant.seed.product(sku, default_code=sku)
        if on_hand or there:
            self.merchant.seed.stock(self._products[sku], float(on_hand), HOUSES[warehouse])

    def on_hand(self, sku: str, warehouse: str) -> Decimal:
        return self._counted("quantity", sku, warehouse)

    def reserved(self, sku: str, warehouse: str) -> Decimal:
        return self._counted("reserved_quantity", sku, warehouse)

    def documents(self, key: str) -> Sequence[ErpDocument]:
        pickings = self._of(key, "stock.picking", "PICK", [("picking_type_code", "=", "outgoing")], "origin")
        invoices = self._of(key, "account.move", "INV", [("move_type", "=", "out_invoice")], "invoice_origin")
        details = self.details([int(row["id"]) for row in invoices])
        return [
            *(ErpDocument("reservation", RESERVATIONS.get(row["state"], "live"), row["name"]) for row in pickings),
            *(
                ErpDocument(
                    "invoice",
                    INVOICES[row["state"]],
                    f"account.move {row['id']}",
                    row["name"] if row["state"] == "posted" else None,
                    Decimal(str(row["amount_total"])),
                    *details.get(int(row["id"]), (None, None, None)),
                )
                for row in invoices
            ),
        ]

    def details(self, invoices: Sequence[int]) -> Mapping[int, Details]:
        """The currency, the buyer and the lines of each invoice.

        An item whose price is split over several lines is one line here. The line of shipping or of a charge names no
        product. Prices include the tax for everything that the kit sells.
        """
        if not invoices:
            return {}
        heads = self.admin.find("account.move", [("id", "in", list(invoices))], ["currency_id", "partner_id"])
        fields = ["move_id", "sequence", "product_id", "quantity", "price_unit", "tax_ids"]
        domain = [("move_id", "in", list(invoices)), ("display_type", "=", "product")]
        rows = self.admin.find("account.move.line", domain, fields, order="id")
        skus = self._named(
            "product.product", "default_code", {row["product_id"][0] for row in rows if row["product_id"]}
        )
        rates = self._named("account.tax", "amount", {tax for row in rows for tax in row["tax_ids"]})
        services = {self.merchant.seed.sku(name.upper()) for name in ("ship", *CHARGES)}
        lines: dict[int, dict[int, ErpLine]] = {id: {} for id in invoices}
        for row in rows:
            sku = skus.get(row["product_id"][0]) if row["product_id"] else None
            taxes = [Decimal(str(rates[tax])) for tax in row["tax_ids"]]
            quantity, item = Decimal(str(row["quantity"])), row["sequence"] - row["sequence"] % 10
            before = lines[row["move_id"][0]].get(item, ErpLine(qty=Decimal(0), total_incl_tax=Decimal(0)))
            lines[row["move_id"][0]][item] = ErpLine(
                sku=None if sku in services else sku,
                qty=None if row["sequence"] % 10 == WHOLE or before.qty is None else before.qty + quantity,
                total_incl_tax=(before.total_incl_tax or Decimal(0))
                + money(quantity * Decimal(str(row["price_unit"]))),
                tax_percent=taxes[0] if len(taxes) == 1 else None,
            )
        buyers = {head["id"]: head["partner_id"][0] for head in heads if head["partner_id"]}  # a mark has no partner
        names = self._named("res.partner", "name", set(buyers.values()))
        return {
            head["id"]: (
                head["currency_id"][1], names.get(buyers.get(head["id"], 0)), tuple(lines[head["id"]].values())
            )
            for head in heads
        }  # fmt: skip

    def _named(self, model: str, field: str, ids: set[int]) -> Mapping[int, Any]:
        return {row["id"]: row[field] for row in self.admin.find(model, [("id", "in", sorted(ids))], [field])}

    def arrive(self, key: str) -> None:
        domain = [("module", "=", MODULE), ("name", "=like", f"TRF\\_{key}\\_%")]
        rows = self.admin.find("ir.model.data", domain, ["res_id"])
        self.admin.call("stock.picking", "button_validate", [row["res_id"] for row in rows])

    def change_draft(self, key: str) -> None:
        (invoice,) = self._of(key, "account.move", "INV", [("state", "=", "draft")], "invoice_origin")
        domain = [("move_id", "=", invoice["id"]), ("display_type", "=", "product"), ("quantity", "=", 1)]
        (line, *_) = self.admin.find("account.move.line", domain, ["price_unit"], order="id")
        dearer = {"price_unit": round(float(line["price_unit"]) + 0.01, 2)}
        self.admin.call("account.move", "write", [invoice["id"]], {"invoice_line_ids": [(1, line["id"], dearer)]})

    def cancel(self, key: str) -> None:
        pickings = self._of(key, "stock.picking", "PICK", [("picking_type_code", "=", "outgoing")], "origin")
        if pickings:
            self.admin.call("stock.picking", "action_cancel", [row["id"] for row in pickings])
        invoices = self._of(key, "account.move", "INV", [("state", "=", "draft")], "invoice_origin")
        if invoices:
            self.admin.call("account.move", "button_cancel", [row["id"] for row in invoices])

    def add_indivisible(self, sku: str, on_hand: Decimal, warehouse: str) -> None:
        raise NotApplicable("how a unit rounds is set for the whole database: every other case would be changed by it")

    def revoke_rights(self) -> None:
        for group in RIGHTS:
            self.merchant.seed.grant(group, taken=True)
        self._powerless = True

    def break_connection(self) -> None:
        self.gate.shut()

    def mend_connection(self) -> None:
        self.gate.open()
        self.give_rights_back()

    def give_rights_back(self) -> None:
        """Restore the rights from before `revoke_rights`."""
        if self._powerless:
            for group in RIGHTS:
                self.merchant.seed.grant(group)
            self._powerless = False

    def stall_connection(self) -> None:
        self.gate.silence()

    def lose_answer(self) -> None:
        self.gate.lose_answer()

    def _of(self, key: str, model: str, kind: str, domain: list[Any], origin: str) -> list[dict[str, Any]]:
        """The document with the key's external id, and any document of its order without an external id: a duplicate.

        The order is the one that the key's own document names, else the one in the key, since not every key contains
        it.
        """
        own = self.admin.find("ir.model.data", [("module", "=", MODULE), ("name", "=", f"{kind}_{key}")], ["res_id"])
        made = self.admin.find(model, [("id", "in", [row["res_id"] for row in own])], [origin]) if own else []
        match = KEY.fullmatch(key)
        orders = [str(row[origin]) for row in made] or [match["order"] if match else key]
        fields = ["name", "state", *(["amount_total"] if kind == "INV" else ["backorder_id"])]
        named = self.admin.find(model, [*domain, (origin, "in", orders)], fields, order="id")
        answer = self.admin.call(model, "get_external_id", [row["id"] for row in named])
        ids = {int(id): xid.partition(".")[2] for id, xid in answer.items()}
        return [
            row for row in named if not row.get("backorder_id") and ids.get(row["id"]) in ("", None, f"{kind}_{key}")
        ]

    def _counted(self, field: str, sku: str, warehouse: str) -> Decimal:
        place = self.merchant.seed.warehouses[HOUSES[warehouse]]["lot_stock_id"][0]
        domain = [("product_id.default_code", "=", sku), ("location_id", "child_of", place)]
        rows = self.admin.find("stock.quant", domain, [field])
        return sum((Decimal(str(row[field])) for row in rows), Decimal(0))

    def _merchant(self) -> Merchant:
        url, database, user, password = (os.environ[name] for name in NEEDED)
        if self.nth:
            database = os.environ[NEIGHBOUR]
        if database not in self.merchants:
            tag = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(4))
            seed = Seed(Admin(url, database, user, password), tag)
            given = os.environ.get("ODOO_TEST_API_KEY") if self.nth == 0 else None
            self.merchants[database] = merchant(seed, given)
            use_currency(seed, self.other_currency)
        return self.merchants[database]


RIGHTS = ("stock.group_stock_user", "account.group_account_invoice")
"""The rights of the connector's user, as Odoo's groups."""

HOUSES = {"main": "A", "outlet": "B"}
"""ShipperOne's warehouse codes, with the corresponding warehouses of the seed."""


def use_currency(seed: Seed, name: str) -> None:
    """Let the test database invoice in this currency: Odoo has all of them, most archived and without a rate."""
    seed.currency(name)


def merchant(seed: Seed, api_key: str | None = None, protocol: str | None = None) -> Merchant:
    """The remaining master data of a merchant. The protocol: ODOO_TEST_PROTOCOL, else the one that `auto` selects."""
    newest = "json2" if seed.admin.version >= JSON2_SINCE else "jsonrpc"
    spoken = protocol or os.environ.get("ODOO_TEST_PROTOCOL") or newest
    for name in CHARGES:
        seed.product(name.upper(), service=True)
    customer = f"Kit customer {seed.tag}"
    seed.admin.make("res.partner", name=customer)
    (company,) = seed.admin.find("res.company", [("id", "=", seed.company)], ["currency_id"])
    secret = (api_key or seed.api_key()) if spoken == "json2" else seed.password
    return Merchant(seed, spoken, secret, customer, company["currency_id"][1])
