"""Calls one connector as core does, with the keys that core would assign."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from shipperone_erp.connector.api import Connector
from shipperone_erp.connector.host import TenantPlugins
from shipperone_erp.domain.hook_answers import Document, FreeStock, Invoice, Reservation, Reserved
from shipperone_erp.domain.hook_requests import (
    BuildInvoice,
    Deliver,
    DiscardInvoice,
    Goods,
    IssueInvoice,
    ReleaseStock,
    ReserveStock,
)
from shipperone_erp.domain.keys import content_digest, job_key
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.states import Stage
from shipperone_erp.testing.findings import must
from shipperone_erp.testing.harness import ConnectorHarness
from shipperone_erp.testing.hook_calls import answered, at_once, in_time

TODAY = date(2026, 3, 2)


class Desk:
    """One connector of one tenant, called as by core, with the keys that core would assign."""

    def __init__(self, harness: ConnectorHarness, connector: Connector[Any], name: str) -> None:
        self.harness = harness
        self.connector = connector
        self.plugins = TenantPlugins(connector.tenant, connector, name=name)
        self.asked: str | None = None
        """The last hook called."""

    def key(self, stage: Stage, order: FulfillmentOrder, generation: int = 1) -> str:
        """The key of that order's job."""
        content = content_digest("https://kit.example", "default", stage, order)
        return job_key(stage, order.order_id, content, generation=generation)

    def ask(self, hook: str, request: Any) -> Any:
        """The checked answer of a hook, after the ERP's own jobs have run."""
        call: Callable[[Any], Any] = getattr(self.plugins, hook)
        self.asked = hook
        return answered(lambda: call(request), hook, self.harness.deadline, self.harness.advance)

    def ask_since(self, since: datetime) -> list[Document]:
        """The answer of `list_documents`."""
        self.asked = "list_documents"
        return in_time(lambda: self.plugins.list_documents(since), "list_documents", self.harness.deadline)

    def free_stock(self, goods: Sequence[Goods]) -> dict[Goods, FreeStock] | None:
        """The answer of `free_stock` by goods; None if the connector does not provide it."""
        self.asked = "free_stock"
        return in_time(lambda: self.plugins.free_stock(goods), "free_stock", self.harness.deadline)

    def at_once(self, hook: str, requests: Iterable[Any]) -> list[Any]:
        """The checked answers of several concurrent calls."""
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
        """Reserve the order; Finding if it is not reserved."""
        answer = self.reserve(order)
        must(isinstance(answer, Reserved), f"reserve_stock answered {answer} although stock is sufficient")
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
        """Build the invoice; Finding if it is not built."""
        answer = self.build(order, generation=generation)
        must(isinstance(answer, Invoice), f"build_invoice answered {answer} for a complete order")
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
        """Build and issue the invoice; Finding if it is not issued."""
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
        """`whole` is the order as it was reserved, of which `order` ships a part or everything."""
        live: tuple[Reservation, ...] = ()
        if reservation is not None:
            ids = tuple(item.item_id for item in whole.items)
            live = (Reservation(self.key(Stage.ALLOCATION, whole), reservation.reference, ids),)
        return Deliver(self.key(Stage.INVOICE, order), order, live)

    @property
    def _issues(self) -> bool:
        return "issue_invoice" in self.plugins.offers


def expecting(order: FulfillmentOrder) -> FulfillmentOrder:
    """The order in the form of the invoice's hooks: with the totals that core expects of each line."""
    return replace(
        order, items=tuple(replace(item, line_total_incl_tax=item.row_total_incl_tax) for item in order.items)
    )
