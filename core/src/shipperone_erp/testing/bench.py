"""The workbench of one case: connectors to the harness's ERP, its own orders and keys, and reads of the ERP."""

import hashlib
import logging
import uuid
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from shipperone_erp.connector import plugin_checks
from shipperone_erp.connector.api import Connector, ConnectorSettings, settings_type
from shipperone_erp.domain.hook_answers import Invoice
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.redaction import secrets_in
from shipperone_erp.testing.connector_driver import Desk
from shipperone_erp.testing.findings import SUITE, Finding, NotApplicable, binding
from shipperone_erp.testing.harness import ConnectorHarness, ErpDocument, declared
from shipperone_erp.testing.hook_calls import in_time
from shipperone_erp.testing.invoice_comparison import invoice_is, left_out

STOCKED = 10
"""The stock of a product, if a case does not set one."""


class Bench:
    """The tools of a case. `desk` is a connector to the ERP; SKUs, orders and item ids are unique to the case."""

    def __init__(
        self, harness: ConnectorHarness, found: type[Connector[Any]], folder: Path, suite: str = SUITE
    ) -> None:
        self.harness = harness
        self.found = found
        self.folder = folder
        self.suite = suite
        self.warnings: list[str] = []
        """Findings that are only warnings for a suite of this version."""
        self.not_compared: set[str] = set()
        """The parts of the ERP's invoices that the harness does not return."""
        self.name = harness.connector if isinstance(harness.connector, str) else found.__name__
        self.offers = plugin_checks.overridden(found)
        self.capabilities = declared(type(harness), found)
        self.log = logging.getLogger("shipperone_erp.conformance")
        self._run = harness.run or uuid.uuid4().hex[:8].upper()
        self._first_item = int(hashlib.sha256(self._run.encode()).hexdigest()[:7], 16)
        self._numbers = count(1)
        self._closing = ExitStack()
        self._desk: Desk | None = None
        self._desks: list[Desk] = []

    def close(self) -> None:
        """Close every connector that was created, and tear down every neighbour."""
        self._closing.close()

    @property
    def desk(self) -> Desk:
        """The connector of the case, created at its first use."""
        if self._desk is None:
            self._desk = self.another()
        return self._desk

    def another(self, harness: ConnectorHarness | None = None, tenant: str = "kit") -> Desk:
        """A further connector, like that of a restarted process or of another machine."""
        erp = harness or self.harness
        made = self.made(self.validated(erp.settings()), tenant)
        self._closing.callback(made.close)
        self._desks.append(Desk(erp, made, self.name))
        return self._desks[-1]

    @property
    def asked(self) -> str | None:
        """The last hook called on the last connector."""
        return next((desk.asked for desk in reversed(self._desks) if desk.asked), None)

    def neighbour(self) -> ConnectorHarness:
        """The ERP of another merchant."""
        folder = self.folder / "neighbour"
        folder.mkdir()
        other = self.harness.neighbour(folder)
        self._closing.callback(other.tear_down)
        other.set_up()
        return other

    def made(self, settings: ConnectorSettings, tenant: str = "kit") -> Connector[Any]:
        """A connector with these settings; Finding if its `__init__` fails."""
        return in_time(lambda: self.found(settings, tenant=tenant, log=self.log), "__init__", self.harness.deadline)

    def validated(self, settings: Mapping[str, Any]) -> ConnectorSettings:
        """The settings, validated as by core; Finding if the harness's own are refused."""
        model = settings_type(self.found)
        try:
            return model.model_validate(dict(settings))
        except ValueError as error:
            raise Finding(f"{model.__name__} refuses the harness's settings: {error}") from None

    def secret_settings(self) -> tuple[ConnectorSettings, list[str]]:
        """The harness's settings and the secrets in them; NotApplicable if there are none."""
        settings = self.validated(self.harness.settings())
        secrets = list(secrets_in(settings))
        if not secrets:
            raise NotApplicable("the harness's settings hold no secret")
        return settings, secrets

    def product(self, on_hand: str | int = STOCKED, warehouse: str | None = None) -> str:
        """The SKU of a new product with that quantity in stock."""
        sku = f"KIT-{self._run}-{next(self._numbers)}"
        self.harness.add_product(sku, Decimal(on_hand), warehouse or self.harness.warehouse)
        return sku

    def item(self, sku: str, qty: str | int = 1, total: str = "10.00", **fields: Any) -> OrderItem:
        """A line of an order, with its price including tax in the shop's form."""
        values: dict[str, Any] = {"name": f"Product {sku}", "tax_percent": self.harness.tax_percent, **fields}
        pieces, row = Decimal(qty), Decimal(total)
        if row % pieces == 0 or (row / pieces).quantize(Decimal("0.01")) * pieces == row:
            values.setdefault("price_incl_tax", (row / pieces).quantize(Decimal("0.01")))
        number = self._first_item * 1000 + next(self._numbers)
        return OrderItem(item_id=number, sku=sku, qty=pieces, row_total_incl_tax=row, **values)

    def order(self, *items: OrderItem, shipping: str = "4.99", **fields: Any) -> FulfillmentOrder:
        """An order of these lines (or of two products in stock), with a total that adds up."""
        lines = items or (self.item(self.product(), 2, "20.00"), self.item(self.product(), 1, "4.50"))
        total = sum((line.row_total_incl_tax or Decimal(0) for line in lines), Decimal(shipping))
        values: dict[str, Any] = {"currency": self.harness.currency, "total_incl_tax": total, **fields}
        number = f"KIT-{self._run}-{next(self._numbers)}"
        return FulfillmentOrder(
            number,
            self.harness.warehouse,
            lines,
            shipping_amount_incl_tax=Decimal(shipping),
            order_number=number,
            **values,
        )

    def part(self, whole: FulfillmentOrder, *items: OrderItem) -> FulfillmentOrder:
        """A partial shipment of the order in ShipperOne's form: only these items, with their own total."""
        total = sum((item.row_total_incl_tax or Decimal(0) for item in items), Decimal(0))
        return replace(whole, items=items, shipping_amount_incl_tax=Decimal(0), total_incl_tax=total)

    def stock(self, sku: str, warehouse: str | None = None) -> tuple[Decimal, Decimal]:
        """The quantities on hand and reserved in the ERP."""
        place = warehouse or self.harness.warehouse
        return Decimal(self.harness.on_hand(sku, place)), Decimal(self.harness.reserved(sku, place))

    def documents(self, key: str, *states: str) -> list[ErpDocument]:
        """The ERP's documents under that key in one of these states; all of them, if no state is named."""
        return [found for found in self.harness.documents(key) if not states or found.state in states]

    def compare(
        self,
        order: FulfillmentOrder,
        stated: Invoice | None,
        *states: str,
        generation: int = 1,
        found: Iterable[ErpDocument] | None = None,
    ) -> None:
        """Compare the ERP's invoices of the order's key in these states with the order and with the connector's answer.

        `found`: documents that the case has already read; without it they are read here, unless a recording of suite
        1.0 is played back. A difference fails suite 1.1 and warns an older one.
        """
        if found is None:
            if self.harness.recorded is not None and not binding("1.1", self.harness.recorded):
                return
            found = self.documents(self.desk.key(Stage.INVOICE, order, generation), *states)
        for document in found:
            if document.kind != "invoice" or (states and document.state not in states):
                continue
            self.not_compared.update(left_out(document, order))
            try:
                invoice_is(document, order, stated)
            except Finding as finding:
                self.finds("1.1", finding)

    def finds(self, since: str, finding: Finding) -> None:
        """Raise the finding if the suite is of that version or later; otherwise record a warning."""
        if binding(since, self.suite):
            raise finding
        if str(finding) not in self.warnings:
            self.warnings.append(str(finding))

    def compare_built(self, order: FulfillmentOrder, built: Invoice) -> None:
        """Compare the document written by `build_invoice`; if it writes none, issue the invoice and compare that."""
        if built.reference is not None:
            self.compare(order, built, "draft", "issued")
        elif "issue_invoice" in self.offers:
            self.compare(order, self.desk.issue(built, order), "issued")
