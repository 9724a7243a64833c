"""Lost races on a real server, in whatever language its PostgreSQL speaks, and goods that others hold for a moment.

For another language: `ALTER DATABASE … SET lc_messages = 'de_DE.UTF-8'`, with that locale on the machine of PostgreSQL.
"""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx

from odoo_live import ON_A_REAL_SERVER
from odoo_shop import ANNA, ids
from shipperone_erp import Invoice, Reserved, Shortage, Unknown
from shipperone_erp_odoo.seeding import Seed

pytestmark = ON_A_REAL_SERVER


class Overhearing(httpx.BaseTransport):
    """The network; what Odoo says of loads that it did not make is kept."""

    def __init__(self) -> None:
        self._network = httpx.HTTPTransport()
        self.refusals: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._network.handle_request(request)
        answer = json.loads(response.read())
        result = answer.get("result", answer) if isinstance(answer, dict) else None
        if isinstance(result, dict) and result.get("ids") is False:
            self.refusals += [str(message["message"]).strip() for message in result["messages"]]
        return response


def test_ten_invoices_requested_by_four_workers_each_are_ten(shop):
    """Each for a new buyer, whose contact is raced for as well. A lost race is repeated, in every language."""
    shop.product("MUG", 100)
    overhearing = Overhearing()
    shop._transport = overhearing
    workers = [shop.connector() for _ in range(4)]
    start = threading.Barrier(4)

    def order(number: int) -> Any:
        who = replace(ANNA, name=f"Anna {shop.case} {number}", email=f"{shop.case}.{number}@example.com")
        return shop.order(shop.item(1, "MUG", "2"), number=number, billing=who, customer=who)

    def all_ten(erp: Any) -> list[Invoice]:
        start.wait()
        return [persistent(erp, number) for number in range(10)]

    def persistent(erp: Any, number: int) -> Invoice:
        for _ in range(20):
            try:
                return shop.build(erp, f"i{number}", order(number))
            except Unknown:
                continue
        raise AssertionError("unknown 20 times")

    with ThreadPoolExecutor(4) as threads:
        built = list(threads.map(all_ten, workers))
    assert built[1:] == built[:1] * 3
    assert all(not invoice.issued for invoice in built[0])
    named = [("invoice_origin", "in", [shop.order_id(number) for number in range(10)])]
    assert len(shop.seed.admin.find("account.move", named, ["id"])) == 10
    buyers = shop.seed.admin.find("res.partner", [("email", "=like", f"{shop.case}.%")], ["id"])
    assert len(buyers) == 10
    print(f"{len(overhearing.refusals)} lost races: {sorted(set(overhearing.refusals))}")


class Meanwhile(httpx.BaseTransport):
    """The network; somebody else takes goods before a delivery is confirmed, and lets go once it was cancelled."""

    def __init__(self, seed: Seed, product: int) -> None:
        self._network = httpx.HTTPTransport()
        self._seed = seed
        self._product = product
        self._theirs: int | None = None
        self.confirmed = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = f"{request.url.path} {request.content.decode()}"
        if "action_confirm" in asked:
            self.confirmed += 1
            if self._theirs is None:
                self._take()
        response = self._network.handle_request(request)
        response.read()
        if "action_cancel" in asked and self._theirs:
            self._seed.admin.call("stock.picking", "action_cancel", [self._theirs])
            self._theirs = None
        return response

    def _take(self) -> None:
        admin, house = self._seed.admin, self._seed.warehouses["A"]
        to = admin.ref("stock.stock_location_customers")
        place = {"location_id": house["lot_stock_id"][0], "location_dest_id": to}
        label = {"name": "theirs"} if admin.version < 19 else {}
        move = {"product_id": self._product, "product_uom_qty": 8, **place, **label}
        values = {"picking_type_id": house["out_type_id"][0], **place, "move_ids": [(0, 0, move)]}
        self._theirs = admin.make("stock.picking", **values)
        admin.call("stock.picking", "action_confirm", [self._theirs])


def test_a_failed_reservation_at_the_same_counts_leaves_one_cancelled_delivery(shop):
    """Ten are free by Odoo's counts, and it gives two: asked a hundred times a day, that is one cancelled delivery."""
    shop.product("MUG", 10)
    meanwhile = Meanwhile(shop.seed, shop.id("MUG"))
    shop._transport = meanwhile
    erp = shop.connector()
    answers = [shop.reserve(erp, f"a{number}", shop.order(shop.item(1, "MUG", "5"))) for number in range(4)]
    assert {type(answer) for answer in answers} == {Shortage}
    assert {answer.lines[0].available for answer in answers} == {2}
    named = [("origin", "=", shop.order_id())]
    made = shop.seed.admin.find("stock.picking", named, ["state"])
    assert [row["state"] for row in made] == ["cancel"]
    assert meanwhile.confirmed == 2, "once more after Odoo has tidied its counts"
    shop._transport = None
    shop.seed.stock(shop.id("MUG"), 11)
    meanwhile.handle_request = meanwhile._network.handle_request  # type: ignore[method-assign]
    again = shop.reserve(erp, "a5", shop.order(shop.item(1, "MUG", "5")))
    assert isinstance(again, Reserved), "the counts are others, and it is asked again"
    assert ids(again.reference)
