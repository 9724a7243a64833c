"""A merchant's Odoo in a test: a connector to it, the orders it gets, and what other people do there meanwhile.

The same cases run on a real Odoo and on a recording of one. What others do (`act`) and what is counted in secret is done
by an administrator on the real one, and is in the past of a recording.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import httpx
import pytest

from shipperone_erp import (
    BuildInvoice,
    Deliver,
    DiscardInvoice,
    FulfillmentOrder,
    IssueInvoice,
    OrderItem,
    Party,
    ReleaseStock,
    Reservation,
    ReserveStock,
)
from shipperone_erp_odoo import CreditNote, OdooConnector, OdooSettings
from shipperone_erp_odoo.protocols import READS
from shipperone_erp_odoo.seeding import Seed
from shipperone_erp_odoo.stock import counts
from shipperone_erp_odoo.warehouses import sites

DAY = date(2026, 3, 31)
SECRET = "***"
RECORDINGS = Path(__file__).parent / "odoo_recordings"

ANNA = Party(
    name="Anna Nováková", email="anna@example.com", street="Main street 1", city="Bratislava", postcode="81101",
    country="SK",
)  # fmt: skip


class Shop:
    """One case's part of an Odoo: products of its own, orders of its own."""

    def __init__(
        self, case: str, about: dict[str, Any], transport: httpx.BaseTransport | None, seed: Seed | None
    ) -> None:
        self.case = case
        self.tag = about["tag"]
        self.version = about["version"]
        self.protocol = about["protocol"]
        self.seed = seed
        self._about = about
        self._transport = transport
        self._made: list[OdooConnector] = []
        self._products: dict[str, int] = {}
        self._units: dict[str, int] = {}

    def connector(self, **changed: Any) -> OdooConnector:
        """A connector with nothing kept from before."""
        secret = {"api_key" if self.protocol == "json2" else "password": self._about["secret"]}
        rates = [{"percent": rate, "tax": f"{self.tag} {rate} % incl."} for rate in (23, 5)]
        given = {
            "url": self._about["url"], "database": self._about["database"], "user": self._about["user"], **secret,
            "protocol": self.protocol, "shipping_product": f"{self.tag}-SHIP", "taxes": rates,
            "warehouses": {"main": {"code": self.code("A")}, "far": {"code": self.code("B")}},
        }  # fmt: skip
        made = OdooConnector(OdooSettings.model_validate({**given, **changed}), tenant="acme")
        made.transport = self._transport
        self._made.append(made)
        return made

    def act(self, what: Callable[[Seed], object]) -> None:
        """Somebody else does this in Odoo."""
        if self.seed is not None:
            what(self.seed)

    def needs(self, module: str) -> None:
        """The case is about that module of Odoo: skipped where it is not installed."""

        def look(seed: Seed) -> None:
            there = seed.admin.find("ir.module.module", [("name", "=", module), ("state", "=", "installed")], ["id"])
            if not there:
                pytest.skip(f"the module {module} is not installed in the test database")

        self.act(look)

    def warehouse(self, name: str, **more: Any) -> None:
        """One more warehouse, which is so."""
        self.act(lambda seed: seed.warehouse(name, **more))

    def code(self, name: str) -> str:
        """A warehouse's short name in Odoo."""
        return f"{self.tag}{name}".upper()

    def unit(self, name: str, pieces: int) -> None:
        """One more unit of measure, of so many pieces."""

        def make(seed: Seed) -> None:
            self._units[name] = seed.unit(name, pieces)

        self.act(make)

    def product(
        self, name: str, on_hand: float = 0, warehouse: str = "A", *, unit: str | None = None, **more: Any
    ) -> None:
        """The shop sells it, and has so many; in Units, or another unit that was made."""

        def make(seed: Seed) -> None:
            if unit:
                more.update(_counted_in(seed, self._units[unit]))
            if name not in self._products or more:
                self._products[name] = seed.product(f"{self.case}-{name}", **more)
            if on_hand:
                seed.stock(self._products[name], on_hand, warehouse)

        self.act(make)

    def id(self, name: str) -> int:
        """A product's id, for an act."""
        return self._products[name]

    def sku(self, name: str) -> str:
        return f"{self.tag}-{self.case}-{name}"

    def item(
        self, item_id: int, name: str, qty: str = "1", total: str = "10.00", rate: str = "23", **more: Any
    ) -> OrderItem:
        return OrderItem(
            item_id=item_id, sku=self.sku(name), name=name.title(), qty=D(qty), line_total_incl_tax=D(total),
            row_total_incl_tax=D(total), tax_percent=D(rate), **more,
        )  # fmt: skip

    def order(self, *items: OrderItem, number: int = 1, fee: str = "4.99", **more: Any) -> FulfillmentOrder:
        fields = {"billing": ANNA, "customer": ANNA, "currency": "EUR", **more}
        return FulfillmentOrder(
            order_id=self.order_id(number),
            warehouse_code="main",
            items=items,
            shipping_amount_incl_tax=D(fee),
            **fields,
        )

    def order_id(self, number: int = 1) -> str:
        return f"FO-{self.tag}-{self.case}-{number}"

    def key(self, name: str) -> str:
        return f"{name[0]}-{self.tag}-{self.case}-{name[1:]}"

    def reserve(self, erp: OdooConnector, name: str, order: FulfillmentOrder, transfer: str = "arrived") -> Any:
        return erp.reserve_stock(ReserveStock(self.key(name), order, 1, transfer))

    def release(self, erp: OdooConnector, name: str, order: FulfillmentOrder, reference: str | None = None) -> Any:
        return erp.release_stock(ReleaseStock(self.key(name), reference, order))

    def build(
        self, erp: OdooConnector, name: str, order: FulfillmentOrder, day: date | None = DAY, **reserved: Any
    ) -> Any:
        """`reserved`: live reservations by the names of their keys."""
        live = self._live(order, *reserved.items())
        return erp.build_invoice(BuildInvoice(self.key(name), order, 1, day, live))

    def issue(self, erp: OdooConnector, name: str, built: Any, order: FulfillmentOrder, day: date = DAY) -> Any:
        return erp.issue_invoice(IssueInvoice(self.key(name), built, order, day))

    def discard(self, erp: OdooConnector, name: str, built: Any, order: FulfillmentOrder) -> Any:
        return erp.discard_invoice(DiscardInvoice(self.key(name), built, order, "it changed"))

    def credit(self, erp: OdooConnector, name: str, issued: Any, day: date = DAY) -> Any:
        return erp.draft_credit_note(CreditNote(self.key(name), issued.reference, day, "taken back"))

    def deliver(self, erp: OdooConnector, name: str, order: FulfillmentOrder, *reserved: tuple[str, Any]) -> Any:
        return erp.deliver(self.to_deliver(name, order, *reserved))

    def to_deliver(self, name: str, order: FulfillmentOrder, *reserved: tuple[str, Any]) -> Deliver:
        return Deliver(self.key(name), order, self._live(order, *reserved))

    def _live(self, order: FulfillmentOrder, *reserved: tuple[str, Any]) -> tuple[Reservation, ...]:
        ids = tuple(item.item_id for item in order.items)
        return tuple(Reservation(self.key(key), answer.reference, ids) for key, answer in reserved)

    def counted(self, erp: OdooConnector, name: str, warehouse: str = "main") -> tuple[D, D]:
        """On hand and reserved, as the connector's own user sees them."""
        odoo = erp._odoo
        site = sites(odoo, [warehouse])[warehouse]
        (row,) = odoo.find("product.product", [("default_code", "=", self.sku(name))], ["id"])
        place = (site.stock, row["id"])
        count = counts(odoo, [place], site.company.id)[place]
        return count.on_hand, count.reserved

    def close(self) -> None:
        for connector in self._made:
            connector.close()


def ids(reference: str) -> list[int]:
    """The ids that a reference ends with, for an act."""
    return [
        int(text) for text in re.findall(r"\d+", reference[reference.rindex("(") :] if "(" in reference else reference)
    ]


class Recorder(httpx.BaseTransport):
    """The network, with every request and answer kept; what is secret, or the server's own, is replaced."""

    def __init__(self, replaced: dict[str, str]) -> None:
        self._replaced = replaced
        self._network = httpx.HTTPTransport()
        self.kept: list[dict[str, Any]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._network.handle_request(request)
        response.read()
        kind = response.headers.get("content-type", "")
        asked = request.content.decode()
        for asked_for, kept in self._replaced.items():
            asked = asked.replace(asked_for, kept)
        self.kept.append(
            {
                "path": request.url.path,
                "request": _readable(asked),
                "status": response.status_code,
                "type": kind,
                "answer": _without_traces(_readable(response.content.decode())),
            }
        )
        return httpx.Response(response.status_code, headers={"content-type": kind}, content=response.content)


class Replayer(httpx.BaseTransport):
    """A recording in place of the network: each request must be the next one of it, to the character."""

    def __init__(self, kept: list[dict[str, Any]]) -> None:
        self._left = list(kept)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = {"path": request.url.path, "request": _readable(request.content.decode())}
        assert self._left, f"the recording has ended, and this is asked: {asked}"
        one = self._left.pop(0)
        wanted = {name: one[name] for name in asked}
        assert asked == wanted, "another request than the recorded one; if that is meant, record again"
        body = one["answer"] if isinstance(one["answer"], str) else json.dumps(one["answer"])
        return httpx.Response(one["status"], headers={"content-type": one["type"]}, content=body.encode())

    def used_up(self) -> None:
        assert not self._left, f"{len(self._left)} recorded requests were not made; if that is meant, record again"


def reads(request: httpx.Request) -> bool:
    """It calls a method that changes nothing."""
    path, body = request.url.path, request.content.decode()
    if path.startswith("/json/2/"):
        return path.rsplit("/", 1)[-1] in READS
    return any(f'"{method}"' in body or f"<string>{method}</string>" in body for method in READS) or "login" in body


@contextmanager
def replayed(case: str, about: dict[str, Any], kept: list[dict[str, Any]]) -> Iterator[Shop]:
    transport = Replayer(kept)
    shop = Shop(case, {**about, "url": "http://odoo.invalid", "secret": SECRET}, transport, None)
    yield shop
    shop.close()
    transport.used_up()


def _readable(body: str) -> Any:
    """JSON as it is, anything else as text."""
    try:
        return json.loads(body)
    except ValueError:
        return body


def _without_traces(answer: Any) -> Any:
    """An error without Odoo's traceback: nothing of it is read, and it names files of that machine."""
    if isinstance(answer, dict):
        data = answer.get("error", {}).get("data") if isinstance(answer.get("error"), dict) else answer
        if isinstance(data, dict):
            data.pop("debug", None)
    return answer


def _counted_in(seed: Seed, unit: int) -> dict[str, int]:
    """The values of a product that is counted in that unit."""
    return {"uom_id": unit} if seed.admin.version >= 19 else {"uom_id": unit, "uom_po_id": unit}
