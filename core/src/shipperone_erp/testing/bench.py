"""The workbench of one case: connectors to the harness's ERP, orders and keys of its own, and looks into the ERP."""

import hashlib
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from shipperone_erp import discovery
from shipperone_erp.hooks import Connector, ConnectorSettings, settings_type
from shipperone_erp.model.answers import Document, Invoice, Reservation, Reserved
from shipperone_erp.model.keys import content_digest, job_key
from shipperone_erp.model.order import FulfillmentOrder, OrderItem
from shipperone_erp.model.requests import (
    BuildInvoice,
    Deliver,
    DiscardInvoice,
    IssueInvoice,
    ReleaseStock,
    ReserveStock,
)
from shipperone_erp.model.work import Stage
from shipperone_erp.plugins import TenantPlugins
from shipperone_erp.redaction import secrets_in
from shipperone_erp.testing.calls import answered, at_once, in_time
from shipperone_erp.testing.case import SUITE, Finding, NotApplicable, binding, must
from shipperone_erp.testing.comparison import invoice_is, left_out
from shipperone_erp.testing.harness import ConnectorHarness, ErpDocument, declared

TODAY = date(2026, 3, 2)
STOCKED = 10
"""How many there are of a product, where a case does not say."""


class Desk:
    """One connector of one tenant, called as core calls it. Keys are those that core would give."""

    def __init__(self, harness: ConnectorHarness, connector: Connector[Any], name: str) -> None:
        self.harness = harness
        self.connector = connector
        self.plugins = TenantPlugins(connector.tenant, connector, name=name)
        self.asked: str | None = None
        """The hook that was called last."""

    def key(self, stage: Stage, order: FulfillmentOrder, generation: int = 1) -> str:
        """The key of that order's job."""
        content = content_digest("https://kit.example", "default", stage, order)
        return job_key(stage, order.order_id, content, generation=generation)

    def ask(self, hook: str, request: Any) -> Any:
        """The checked answer of a hook, once the ERP's own jobs have run."""
        call: Callable[[Any], Any] = getattr(self.plugins, hook)
        self.asked = hook
        return answered(lambda: call(request), hook, self.harness.deadline, self.harness.advance)

    def ask_since(self, since: datetime) -> list[Document]:
        """`list_documents`."""
        self.asked = "list_documents"
        return in_time(lambda: self.plugins.list_documents(since), "list_documents", self.harness.deadline)

    def at_once(self, hook: str, requests: Iterable[Any]) -> list[Any]:
        """The checked answers of as many calls at the same moment."""
        call: Callable[[Any], Any] = getattr(self.plugins, hook)
        self.asked = hook
        deadline, advance = self.harness.deadline, self.harness.advance
        acts = [lambda r=request: answered(lambda: call(r), hook, deadline, advance) for request in requests]
        return at_once(acts, hook, deadline)

    def reserve(self, order: FulfillmentOrder, *, generation: int = 1, transfer: str = "arrived") -> Any:
        return self.ask("reserve_stock", self.to_reserve(order, generation, transfer))

    def to_reserve(self, order: FulfillmentOrder, generation: int = 1, transfer: str = "arrived") -> ReserveStock:
        key = self.key(Stage.ALLOCATION, order, generation)
        return ReserveStock(key, order, generation, transfer)  # type: ignore[arg-type]

    def reserved(self, order: FulfillmentOrder) -> Reserved:
        """It is to be reserved; Finding if it is not."""
        answer = self.reserve(order)
        must(isinstance(answer, Reserved), f"reserve_stock answered {answer} where there is enough of everything")
        return answer  # type: ignore[no-any-return]

    def release(self, order: FulfillmentOrder, *, generation: int = 1) -> Any:
        return self.ask("release_stock", self.to_release(order, generation))

    def to_release(self, order: FulfillmentOrder, generation: int = 1) -> ReleaseStock:
        return ReleaseStock(self.key(Stage.ALLOCATION, order, generation), None, order)

    def build(self, order: FulfillmentOrder, *, generation: int = 1) -> Any:
        return self.ask("build_invoice", self.to_build(order, generation))

    def to_build(self, order: FulfillmentOrder, generation: int = 1) -> BuildInvoice:
        order = expecting(order)
        return BuildInvoice(self.key(Stage.INVOICE, order, generation), order, generation, TODAY, ())

    def built(self, order: FulfillmentOrder, *, generation: int = 1) -> Invoice:
        """It is to be built; Finding if it is not."""
        answer = self.build(order, generation=generation)
        must(isinstance(answer, Invoice), f"build_invoice answered {answer} for an order that says everything")
        must(
            answer.issued is False or not self._issues, "build_invoice answered issued=True, and issue_invoice is there"
        )
        return answer  # type: ignore[no-any-return]

    def issue(self, built: Invoice, order: FulfillmentOrder, *, generation: int = 1) -> Any:
        return self.ask("issue_invoice", self.to_issue(built, order, generation))

    def to_issue(self, built: Invoice, order: FulfillmentOrder, generation: int = 1) -> IssueInvoice:
        order = expecting(order)
        return IssueInvoice(self.key(Stage.INVOICE, order, generation), built, order, TODAY)

    def issued(self, order: FulfillmentOrder, *, generation: int = 1) -> Invoice:
        """It is to be built and issued; Finding if it is not."""
        answer = self.issue(self.built(order, generation=generation), order, generation=generation)
        must(isinstance(answer, Invoice) and answer.issued, f"issue_invoice answered {answer}, not an issued Invoice")
        must(answer.number, "issue_invoice answered an issued Invoice without its number")
        return answer  # type: ignore[no-any-return]

    def discard(self, order: FulfillmentOrder, *, generation: int = 1) -> Any:
        return self.ask("discard_invoice", self.to_discard(order, generation))

    def to_discard(self, order: FulfillmentOrder, generation: int = 1) -> DiscardInvoice:
        return DiscardInvoice(self.key(Stage.INVOICE, order, generation), None, order, "the kit discards it")

    def deliver(self, order: FulfillmentOrder, reservation: Reserved | None, whole: FulfillmentOrder) -> Any:
        return self.ask("deliver", self.to_deliver(order, reservation, whole))

    def to_deliver(self, order: FulfillmentOrder, reservation: Reserved | None, whole: FulfillmentOrder) -> Deliver:
        """`whole` is the order as it was reserved, of which `order` ships a part or all."""
        live: tuple[Reservation, ...] = ()
        if reservation is not None:
            ids = tuple(item.item_id for item in whole.items)
            live = (Reservation(self.key(Stage.ALLOCATION, whole), reservation.reference, ids),)
        return Deliver(self.key(Stage.INVOICE, order), order, live)

    @property
    def _issues(self) -> bool:
        return "issue_invoice" in self.plugins.offers


def expecting(order: FulfillmentOrder) -> FulfillmentOrder:
    """The order as the invoice's hooks get it: with what core expects of each line."""
    return replace(
        order, items=tuple(replace(item, line_total_incl_tax=item.row_total_incl_tax) for item in order.items)
    )


class Bench:
    """What a case works with. `desk` is a connector to the ERP; SKUs, orders and item ids are nobody else's."""

    def __init__(
        self, harness: ConnectorHarness, found: type[Connector[Any]], folder: Path, suite: str = SUITE
    ) -> None:
        self.harness = harness
        self.found = found
        self.folder = folder
        self.suite = suite
        self.warnings: list[str] = []
        """What was found that a suite of this version is only warned of."""
        self.not_compared: set[str] = set()
        """What of the ERP's invoices the harness does not return."""
        self.name = harness.connector if isinstance(harness.connector, str) else found.__name__
        self.offers = discovery.overridden(found)
        self.capabilities = declared(type(harness), found)
        self.log = logging.getLogger("shipperone_erp.conformance")
        self._run = harness.run or uuid.uuid4().hex[:8].upper()
        self._first_item = int(hashlib.sha256(self._run.encode()).hexdigest()[:7], 16)
        self._numbers = count(1)
        self._closing = ExitStack()
        self._desk: Desk | None = None
        self._desks: list[Desk] = []

    def close(self) -> None:
        """Close every connector that was made, and take every neighbour down."""
        self._closing.close()

    @property
    def desk(self) -> Desk:
        """The connector of the case, made when it is first asked for."""
        if self._desk is None:
            self._desk = self.another()
        return self._desk

    def another(self, harness: ConnectorHarness | None = None, tenant: str = "kit") -> Desk:
        """A further connector, as a restarted process or another machine would have it."""
        erp = harness or self.harness
        made = self.made(self.validated(erp.settings()), tenant)
        self._closing.callback(made.close)
        self._desks.append(Desk(erp, made, self.name))
        return self._desks[-1]

    @property
    def asked(self) -> str | None:
        """The hook that was called last, of the connector that was made last."""
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
        """A connector; Finding if its `__init__` fails."""
        return in_time(lambda: self.found(settings, tenant=tenant, log=self.log), "__init__", self.harness.deadline)

    def validated(self, settings: Mapping[str, Any]) -> ConnectorSettings:
        """The settings as core reads them; Finding if the harness's own are refused."""
        model = settings_type(self.found)
        try:
            return model.model_validate(dict(settings))
        except ValueError as error:
            raise Finding(f"{model.__name__} refuses the harness's settings: {error}") from None

    def secret_settings(self) -> tuple[ConnectorSettings, list[str]]:
        """The harness's settings and the secrets in them; NotApplicable if they hold none."""
        settings = self.validated(self.harness.settings())
        secrets = list(secrets_in(settings))
        if not secrets:
            raise NotApplicable("the harness's settings hold no secret")
        return settings, secrets

    def product(self, on_hand: str | int = STOCKED, warehouse: str | None = None) -> str:
        """A new product of which so many lie there; its SKU."""
        sku = f"KIT-{self._run}-{next(self._numbers)}"
        self.harness.add_product(sku, Decimal(on_hand), warehouse or self.harness.warehouse)
        return sku

    def item(self, sku: str, qty: str | int = 1, total: str = "10.00", **fields: Any) -> OrderItem:
        """A line of an order, its price with tax as the shop says it."""
        told: dict[str, Any] = {"name": f"Product {sku}", "tax_percent": self.harness.tax_percent, **fields}
        pieces, row = Decimal(qty), Decimal(total)
        if row % pieces == 0 or (row / pieces).quantize(Decimal("0.01")) * pieces == row:
            told.setdefault("price_incl_tax", (row / pieces).quantize(Decimal("0.01")))
        number = self._first_item * 1000 + next(self._numbers)
        return OrderItem(item_id=number, sku=sku, qty=pieces, row_total_incl_tax=row, **told)

    def order(self, *items: OrderItem, shipping: str = "4.99", **fields: Any) -> FulfillmentOrder:
        """An order of these lines (or of two products that are there), with a total that adds up."""
        lines = items or (self.item(self.product(), 2, "20.00"), self.item(self.product(), 1, "4.50"))
        total = sum((line.row_total_incl_tax or Decimal(0) for line in lines), Decimal(shipping))
        told: dict[str, Any] = {"currency": self.harness.currency, "total_incl_tax": total, **fields}
        number = f"KIT-{self._run}-{next(self._numbers)}"
        return FulfillmentOrder(
            number,
            self.harness.warehouse,
            lines,
            shipping_amount_incl_tax=Decimal(shipping),
            order_number=number,
            **told,
        )

    def part(self, whole: FulfillmentOrder, *items: OrderItem) -> FulfillmentOrder:
        """A partial shipment of the order, as ShipperOne lists it: these items only, with their own total."""
        total = sum((item.row_total_incl_tax or Decimal(0) for item in items), Decimal(0))
        return replace(whole, items=items, shipping_amount_incl_tax=Decimal(0), total_incl_tax=total)

    def stock(self, sku: str, warehouse: str | None = None) -> tuple[Decimal, Decimal]:
        """On hand and reserved, as the ERP has them."""
        place = warehouse or self.harness.warehouse
        return Decimal(self.harness.on_hand(sku, place)), Decimal(self.harness.reserved(sku, place))

    def documents(self, key: str, *states: str) -> list[ErpDocument]:
        """What the ERP has under that key in one of these states; all, if none is named."""
        return [found for found in self.harness.documents(key) if not states or found.state in states]

    def compare(
        self,
        order: FulfillmentOrder,
        stated: Invoice | None,
        *states: str,
        generation: int = 1,
        found: Iterable[ErpDocument] | None = None,
    ) -> None:
        """Compare the ERP's invoices of the order's key in these states with the order and with what was stated.

        `found`: documents that the case has looked up already; without it they are looked up here, unless a recording
        of suite 1.0 is played back. A difference fails suite 1.1 and warns an older one.
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
        """Raises it if the suite is of that version or later; else it becomes a warning."""
        if binding(since, self.suite):
            raise finding
        if str(finding) not in self.warnings:
            self.warnings.append(str(finding))

    def compare_built(self, order: FulfillmentOrder, built: Invoice) -> None:
        """Compare what `build_invoice` has written; where it writes nothing, issue the invoice and compare that."""
        if built.reference is not None:
            self.compare(order, built, "draft", "issued")
        elif "issue_invoice" in self.offers:
            self.compare(order, self.desk.issue(built, order), "issued")
