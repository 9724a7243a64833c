"""The calls of a step, counted on a real server as the benchmarks list them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from counted_network import CountedNetwork
from odoo_live import ON_A_REAL_SERVER
from odoo_sale_cases import SELLER
from odoo_shop import ANNA, DAY, Shop
from shipperone_erp import (
    BuildInvoice,
    Deliver,
    Done,
    FulfillmentOrder,
    IssueInvoice,
    Reservation,
    Reserved,
    ReserveStock,
)

pytestmark = ON_A_REAL_SERVER


class Chunks:
    """Chunks of orders, and the number of calls that each step of them takes."""

    def __init__(self, shop: Shop, **settings: Any) -> None:
        self.shop = shop
        self._settings = settings
        self._number = 0
        shop.product("MUG", 100)
        self.restart()

    def restart(self) -> None:
        """The next step is taken by a new process."""
        self._network = CountedNetwork()
        self._erp = self.shop.connector(**self._settings)
        self._erp.transport = self._network

    def orders(self, *, new: bool) -> list[FulfillmentOrder]:
        """Two orders, each of a new buyer, or both of the one that every chunk has."""
        made = []
        for _ in range(2):
            self._number += 1
            name = f"{self.shop.case} {self._number if new else 'known'}"
            buyer = replace(ANNA, name=name, email=f"{name.replace(' ', '.')}@example.com")
            item = self.shop.item(self._number, "MUG", "2")
            made.append(self.shop.order(item, number=self._number, billing=buyer, customer=buyer))
        return made

    def taken(self, orders: Sequence[FulfillmentOrder], *, restarted: bool = False) -> list[int]:
        """The calls to reserve, build, issue and deliver these; `restarted`: each step is taken by a new process."""
        counts: list[int] = []

        def counted(step: str, requests: Sequence[Any]) -> list[Any]:
            if restarted:
                self.restart()
            before = self._network.calls
            answers = getattr(self._erp, f"{step}_batch")(requests)
            counts.append(self._network.calls - before)
            return [answers[request.key] for request in requests]

        made = counted("reserve_stock", [ReserveStock(f"a-{o.order_id}", o, 1, "arrived") for o in orders])
        assert {type(answer) for answer in made} == {Reserved}
        live = [
            (Reservation(f"a-{o.order_id}", answer.reference, (o.items[0].item_id,)),)
            for o, answer in zip(orders, made, strict=True)
        ]
        both = list(zip(orders, live, strict=True))
        drafts = counted("build_invoice", [BuildInvoice(f"i-{o.order_id}", o, 1, DAY, held) for o, held in both])
        drafted = zip(orders, drafts, strict=True)
        issued = counted("issue_invoice", [IssueInvoice(f"i-{o.order_id}", draft, o, DAY) for o, draft in drafted])
        assert all(invoice.issued for invoice in issued)
        assert set(counted("deliver", [Deliver(f"i-{o.order_id}", o, held) for o, held in both])) == {Done()}
        return counts


@pytest.fixture
def fewer(shop: Shop) -> int:
    """Over JSON-2 no call logs in."""
    return 1 if shop.protocol == "json2" else 0


def test_the_first_chunk_of_a_connection_and_the_next_one(shop, fewer):
    chunks = Chunks(shop)
    assert chunks.taken(chunks.orders(new=True)) == [8 - fewer, 8, 5 + fewer, 4]
    assert chunks.taken(chunks.orders(new=True)) == [5, 7, 4, 4]
    assert chunks.taken(chunks.orders(new=False)) == [5, 7, 4, 4]
    assert chunks.taken(chunks.orders(new=False)) == [5, 6, 4, 4]


def test_with_a_key_and_the_best_protocol(shop, key):
    chunks = Chunks(shop, protocol="auto", api_key=key, password=None)
    assert chunks.taken(chunks.orders(new=True)) == [8, 8, 5, 4]


def test_a_new_process_for_each_step(shop, fewer):
    chunks = Chunks(shop)
    assert chunks.taken(chunks.orders(new=True), restarted=True) == [8 - fewer, 12 - fewer, 8, 8 - fewer]
    assert chunks.taken(chunks.orders(new=False), restarted=True)[1] == 12 - fewer
    assert chunks.taken(chunks.orders(new=False), restarted=True)[1] == 11 - fewer


def test_sales_orders(shop):
    shop.seed.grant(SELLER)
    chunks = Chunks(shop, documents="sale_order", transfers="direct")
    assert chunks.taken(chunks.orders(new=True)) == [14, 7, 4, 5]
    assert chunks.taken(chunks.orders(new=True)) == [9, 7, 4, 5]
    assert chunks.taken(chunks.orders(new=False)) == [9, 7, 4, 5]
    assert chunks.taken(chunks.orders(new=False)) == [7, 7, 4, 5]
