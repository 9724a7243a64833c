"""Listings, jobs and settings by which the rules about parts and sums are worked out without a server."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from itertools import count

from shipperone_erp import FulfillmentOrder, Invoice, OrderItem
from shipperone_erp.config.settings import TenantSettings
from shipperone_erp.connector.api import NoSettings
from shipperone_erp.connector.secret import Secret
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.invoice_checks.stated_amounts import problem
from shipperone_erp.domain.job import CreditNote, Job
from shipperone_erp.domain.keys import content_digest
from shipperone_erp.domain.recorded_jobs import RecordedJobs
from shipperone_erp.domain.serialization import invoice_text, order_text
from shipperone_erp.domain.states import Stage

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BASE_URL = "https://acme.example"
_ids = count(1)


def tenant(**fields) -> TenantSettings:
    given = {"name": "acme", "base_url": BASE_URL, "token": Secret("x"), "connector": "c", "currency": "EUR",
             "connector_settings": NoSettings(), "policy_settings": {}, **fields}  # fmt: skip
    return TenantSettings(**given)


def row(qty, total, price=None, *, item=1, discount=None, rate=None) -> OrderItem:
    """`qty` pieces of MUG (item 1) or another, with the row total and the price of one as they are listed."""
    amounts = {"row_total_incl_tax": total, "price_incl_tax": price, "discount": discount, "tax_percent": rate}
    exact = {name: None if amount is None else D(amount) for name, amount in amounts.items()}
    return OrderItem(item_id=item, sku=("MUG", "TEA", "LAMP")[item - 1], qty=D(qty), **exact)


def listing(
    *rows: OrderItem, shipping="0.00", total=None, order_id="FO-1", number=None, charges=()
) -> FulfillmentOrder:
    return FulfillmentOrder(
        order_id, "main", rows, "EUR", D(shipping), None if total is None else D(total), order_number=number,
        charges=tuple(charges),
    )  # fmt: skip


class Books:
    """What the ledger holds: allocations and accepted invoices, added one after another."""

    def __init__(self, **settings) -> None:
        self.settings = tenant(**settings)
        self.jobs: list[Job] = []
        self.sums: list[D] = []

    def allocated(self, order: FulfillmentOrder, **fields) -> "Books":
        self.jobs.append(self._job(order, Stage.ALLOCATION, **fields))
        return self

    def invoiced(self, order: FulfillmentOrder, total=None, **fields) -> "Books":
        """Accepted as listed, and issued at `total` where the ERP stated one."""
        number = f"{len(self.invoices) + 1}"
        lines = None if total is None else invoice_text(Invoice(number, (), order.shipping_amount_incl_tax, D(total)))
        self.jobs.append(self._job(order, Stage.INVOICE, number=number, invoice_json=lines, **fields))
        return self

    def credited(self, amount: str) -> "Books":
        """A credit note against the newest invoice."""
        self.jobs[-1] = replace(self.jobs[-1], credits=(*self.jobs[-1].credits, CreditNote("C-1", D(amount))))
        return self

    @property
    def invoices(self) -> list[Job]:
        return [job for job in self.jobs if job.stage is Stage.INVOICE]

    def problem(self, order: FulfillmentOrder, *, approved=None) -> Problem | None:
        """What stands against an invoice of that listing now."""
        recorded = RecordedJobs(BASE_URL, "default", self.jobs).beside(order)
        larger = any(
            item.qty > sum((each.qty for each in order.items if each.item_id == item.item_id), D(0))
            for job in recorded.allocations
            for item in job.order.items
        )
        return problem(
            order, self.settings, part=bool(recorded.invoices) or larger, earlier=recorded.invoices, recorded=recorded,
            approved=None if approved is None else D(approved),
        )  # fmt: skip

    def sentence(self, order: FulfillmentOrder) -> str:
        found = self.problem(order)
        assert found is not None
        return found.sentence

    def _job(self, order: FulfillmentOrder, stage: Stage, **fields) -> Job:
        content = content_digest(BASE_URL, "default", stage, order)
        number = next(_ids)
        given = {"accepted_at": NOW, "key": f"{stage.value[0]}-{number}", **fields}
        return Job(
            id=number, tenant="acme", stage=stage, order_id=order.order_id, content=content, fingerprint="f",
            order_json=order_text(order), order_number=order.order_number,
            item_ids=tuple(item.item_id for item in order.items), since=NOW, first_listed_at=NOW, **given,
        )  # fmt: skip
