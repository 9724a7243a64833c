"""Calls and seconds of orders' whole life through the Odoo connector, beside a plain script with odoo-client-lib.

    nox -s bench_odoo                   on the server of ODOO_TEST_URL, _DB, _USER, _PASSWORD; a test database

Three take turns, each with the same kind of orders, of one to four lines, on the same server: the script order by order,
as one writes it from Odoo's examples; the connector order by order, through its single hooks; the connector through its
batch hooks. Each reserves, invoices and delivers. The first turn of each includes what it looks up once.
"""

import argparse
import os
import random
import secrets
import time
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import httpx
import odoolib

from counted_network import CountedNetwork
from odoo_shop import DAY
from shipperone_erp import (
    BuildInvoice,
    Deliver,
    FulfillmentOrder,
    IssueInvoice,
    OrderItem,
    Party,
    Reservation,
    ReserveStock,
)
from shipperone_erp_odoo import OdooConnector, OdooSettings
from shipperone_erp_odoo.seeding import Admin, Seed

SKUS = [f"P{number}" for number in range(20)]


def make_orders(seed: Seed, count: int, name: str) -> list[FulfillmentOrder]:
    chance = random.Random(1)

    def one(number: int) -> FulfillmentOrder:
        items = tuple(
            OrderItem(
                item_id=index, sku=seed.sku(sku), qty=D(chance.randint(1, 3)), tax_percent=D(23),
                line_total_incl_tax=D(chance.randint(199, 9999)).scaleb(-2),
            )
            for index, sku in enumerate(chance.sample(SKUS, chance.randint(1, 4)))
        )  # fmt: skip
        who = Party(name="Anna", email="anna@example.com", street="Main 1", city="Nitra", country="SK")
        order_id = f"{seed.tag}-{name}-{number}"
        return FulfillmentOrder(order_id, "main", items, "EUR", D("4.99"), customer=who, billing=who)

    return [one(number) for number in range(count)]


class Script:
    """What one writes first: search, create, confirm, look; order by order."""

    def __init__(self, seed: Seed, protocol: str, secret: str) -> None:
        host, _, port = seed.admin.url.removeprefix("http://").partition(":")
        login = (seed.login, secret) if protocol != "json2" else (None, secret)
        self._connection = odoolib.get_connection(host, protocol, int(port or 80), seed.admin.database, *login)
        self._seed = seed
        self._house = seed.warehouses["A"]
        self._customers = seed.admin.ref("stock.stock_location_customers")
        self._shipping = seed.shipping
        self._partner = seed.admin.make("res.partner", name=f"Anna {seed.tag}")
        self._pickings: dict[str, int] = {}

    def _model(self, name: str) -> Any:
        return self._connection.get_model(name)

    def _product(self, sku: str) -> int:
        found = self._model("product.product").search_read(domain=[("default_code", "=", sku)], fields=["id", "name"])
        return int(found[0]["id"])

    def _act(self, model: str, method: str, ids: list[int]) -> None:
        getattr(self._model(model), method)(ids=ids) if self._json2 else getattr(self._model(model), method)(ids)

    @property
    def _json2(self) -> bool:
        return isinstance(self._connection, odoolib.json2.Json2Connection)

    def _create(self, model: str, values: dict[str, Any]) -> int:
        made = self._model(model).create(vals_list=[values]) if self._json2 else self._model(model).create([values])
        return int(made[0])

    def reserve(self, orders: list[FulfillmentOrder]) -> None:
        stock = self._house["lot_stock_id"][0]
        place = {"location_id": stock, "location_dest_id": self._customers}
        label = {"name": "move"} if self._seed.admin.version < 19 else {}
        for order in orders:
            moves = [
                (0, 0, {"product_id": self._product(item.sku), "product_uom_qty": float(item.qty), **place, **label})
                for item in order.items
            ]
            values = {"picking_type_id": self._house["out_type_id"][0], "origin": order.order_id, "move_ids": moves}
            picking = self._pickings[order.order_id] = self._create("stock.picking", {**values, **place})
            self._act("stock.picking", "action_confirm", [picking])
            self._act("stock.picking", "action_assign", [picking])
            fields = ["state", "quantity", "product_uom_qty"]
            self._model("stock.move").search_read(domain=[("picking_id", "=", picking)], fields=fields)

    def invoice(self, orders: list[FulfillmentOrder]) -> None:
        for order in orders:
            taxes = [(6, 0, [self._seed.taxes[23]])]
            lines = [
                (0, 0, {"product_id": self._product(item.sku), "quantity": 1, "tax_ids": taxes,
                        "price_unit": float(item.line_total_incl_tax or 0)})
                for item in order.items
            ]  # fmt: skip
            lines.append((0, 0, {"product_id": self._shipping, "quantity": 1, "price_unit": 4.99, "tax_ids": taxes}))
            values = {"move_type": "out_invoice", "partner_id": self._partner, "ref": order.order_id}
            made = self._create("account.move", {**values, "invoice_date": str(DAY), "invoice_line_ids": lines})
            self._model("account.move").search_read(domain=[("id", "=", made)], fields=["amount_total"])
            self._act("account.move", "action_post", [made])
            self._model("account.move").search_read(domain=[("id", "=", made)], fields=["name", "state"])

    def deliver(self, orders: list[FulfillmentOrder]) -> None:
        for order in orders:
            picking = self._pickings[order.order_id]
            fields = ["state", "quantity", "product_uom_qty"]
            self._model("stock.move").search_read(domain=[("picking_id", "=", picking)], fields=fields)
            self._act("stock.picking", "button_validate", [picking])
            self._model("stock.picking").search_read(domain=[("id", "=", picking)], fields=["state"])


def connector(seed: Seed, protocol: str, secret: str, transport: httpx.BaseTransport, **changed: Any) -> OdooConnector:
    key = {"api_key" if protocol == "json2" else "password": secret}
    given = {
        "url": seed.admin.url, "database": seed.admin.database, "user": seed.login, "protocol": protocol,
        "warehouses": {"main": {"code": seed.code("A")}}, "shipping_product": seed.sku("SHIP"),
        "taxes": [{"percent": 23, "tax": f"{seed.tag} 23 % incl."}], **key, **changed,
    }  # fmt: skip
    made = OdooConnector(OdooSettings.model_validate(given), tenant="acme")
    made.transport = transport
    return made


def chunks(erp: OdooConnector, requests: list[Any], hook: Callable[[list[Any]], dict[str, Any]]) -> dict[str, Any]:
    size = erp.settings.batch_size
    found: dict[str, Any] = {}
    for start in range(0, len(requests), size):
        found |= hook(requests[start : start + size])
    wrong = [answer for answer in found.values() if isinstance(answer, Exception)]
    assert not wrong, wrong[0]
    return found


class Ours:
    """The connector, through its batch hooks or its single ones."""

    def __init__(self, erp: OdooConnector, *, batch: bool) -> None:
        self._erp = erp
        self._batch = batch
        self._reserved: dict[str, Any] = {}
        self._built: dict[str, Any] = {}

    def _ask(self, hook: str, requests: list[Any]) -> dict[str, Any]:
        if self._batch:
            return chunks(self._erp, requests, getattr(self._erp, f"{hook}_batch"))
        return {request.key: getattr(self._erp, hook)(request) for request in requests}

    def reserve(self, orders: list[FulfillmentOrder]) -> None:
        self._reserved |= self._ask("reserve_stock", [ReserveStock(_key(one), one, 1, "arrived") for one in orders])

    def invoice(self, orders: list[FulfillmentOrder]) -> None:
        builds = [BuildInvoice(_key(order), order, 1, DAY, self._live(order)) for order in orders]
        built = self._ask("build_invoice", builds)
        self._ask("issue_invoice", [IssueInvoice(_key(order), built[_key(order)], order, DAY) for order in orders])

    def deliver(self, orders: list[FulfillmentOrder]) -> None:
        self._ask("deliver", [Deliver(_key(order), order, self._live(order)) for order in orders])

    def _live(self, order: FulfillmentOrder) -> tuple[Reservation, ...]:
        items = tuple(item.item_id for item in order.items)
        return (Reservation(_key(order), self._reserved[_key(order)].reference, items),)


def _key(order: FulfillmentOrder) -> str:
    return f"i-{order.order_id}"


class Arm:
    """One of those that take turns: what it is called, what counts its calls, and its seconds by step."""

    def __init__(self, name: str, who: Script | Ours, calls: Callable[[], int]) -> None:
        self.name = name
        self.who = who
        self.calls = calls
        self.seconds: dict[str, float] = dict.fromkeys(STEPS, 0.0)

    def turn(self, orders: list[FulfillmentOrder]) -> None:
        for step in STEPS:
            before, start = self.calls(), time.perf_counter()
            getattr(self.who, step)(orders)
            took = time.perf_counter() - start
            self.seconds[step] += took
            print(f"{f'{self.name}, {step}':32} {self.calls() - before:5} calls  {took:6.1f} s", flush=True)


STEPS = ("reserve", "invoice", "deliver")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100, help="in a turn")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--protocol", choices=["jsonrpc", "json2"], default="jsonrpc")
    parser.add_argument("--chunk", type=int, default=100, help="batch_size")
    parser.add_argument("--sales", action="store_true", help="sales orders take turns too")
    options = parser.parse_args()
    needed = ("ODOO_TEST_URL", "ODOO_TEST_DB", "ODOO_TEST_USER", "ODOO_TEST_PASSWORD")
    admin = Admin(*(os.environ[name] for name in needed))
    seed = Seed(admin, "b" + secrets.token_hex(1))
    for sku in SKUS:
        seed.stock(seed.product(sku), 100_000)
    secret = seed.api_key() if options.protocol == "json2" else seed.password
    print(f"Odoo {admin.version}, {options.protocol}, {options.orders} orders a turn, in chunks of {options.chunk}")

    sent = 0
    post = httpx.post

    def counted(*args: Any, **named: Any) -> httpx.Response:
        nonlocal sent
        sent += 1
        return post(*args, **{"timeout": 60, **named})  # the library's own 5 s are too short for a busy server

    httpx.post = counted

    def ours(name: str, *, batch: bool, **changed: Any) -> Arm:
        network = CountedNetwork()
        erp = connector(seed, options.protocol, secret, network, batch_size=options.chunk, **changed)
        return Arm(name, Ours(erp, batch=batch), lambda: network.calls)

    arms = [
        Arm("script", Script(seed, options.protocol, secret), lambda: sent),
        ours("connector, one by one", batch=False),
        ours("connector, batches", batch=True),
    ]
    if options.sales:
        seed.grant("sales_team.group_sale_salesman_all_leads")
        arms.append(ours("sales orders, batches", batch=True, documents="sale_order", transfers="direct"))
    for turn in range(options.turns):
        for number, arm in enumerate(arms):
            arm.turn(make_orders(seed, options.orders, f"{number}-{turn}"))
    script = arms[0]
    for arm in arms[1:]:
        times = [f"{step} {script.seconds[step] / arm.seconds[step]:.1f}" for step in STEPS]
        whole = sum(script.seconds.values()) / sum(arm.seconds.values())
        print(f"{arm.name}: times fewer seconds: {', '.join(times)}, all {whole:.1f}")


if __name__ == "__main__":
    main()
