"""A merchant for one case: ShipperOne's sandbox, a configuration for the connector under test, core's runtime."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from shipperone_erp.config import load
from shipperone_erp.connector import discovery
from shipperone_erp.domain.amounts.expected_totals import figures
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.inspect.trial_reading import judge
from shipperone_erp.operations.queue_files import read_file
from shipperone_erp.operations.replay import found_settings
from shipperone_erp.sandbox import Fault, Sandbox, SandboxItem, SandboxOrder
from shipperone_erp.sandbox.state import OrderState
from shipperone_erp.testing.bench import STOCKED, Bench
from shipperone_erp.testing.findings import Finding, must, same
from shipperone_erp.testing.harness import able
from shipperone_erp.testing.shop_configuration import configuration_text, entry_point

LONGEST = 60.0
"""Seconds of one run after its first cycle; twice the harness's `deadline`, if that is more."""

RUNS = 10
"""The number of repeated runs, each if the previous one reached its time limit and made progress."""


class Shop:
    """A context manager. Sold orders are in pending_allocation, and ship automatically once they are allocated."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._closing = ExitStack()
        self._switches: list[Any] = []
        self._more: dict[str, Any] = {}
        self._captured: Mapping[str, Decimal] = {}
        self._lines: dict[str, Mapping[int | str, Decimal | None]] = {}
        """By captured order, the total of each line on an invoice."""
        self._folder = bench.folder / "shop"
        self._folder.mkdir()
        self.sandbox = Sandbox()

    def __enter__(self) -> Self:
        self._closing.enter_context(self.sandbox)
        declared = entry_point(self._bench)
        self._connector = declared or self._closing.enter_context(discovery.at_hand(self._bench.found))
        self.sandbox.auto_ship = True
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def sell(self) -> str:
        """The id of a new order of two lines, everything in stock."""
        order = self.unlisted()
        self.sandbox.add(order)
        return order.order_id

    def sell_in_parcels(self) -> str:
        """The id of a new order that ships in two parcels."""
        order = self.unlisted()
        first, second = order.items
        parts = ({first.id: first.qty}, {second.id: second.qty})
        self.sandbox.add(replace(order, parts=parts))
        return order.order_id

    def sell_captured(self, file: Path) -> list[str]:
        """List the orders of a captured file, in this ERP's warehouse and with their goods in stock. Returns their ids.

        Orders that core would hold without the connector are left out.
        """
        queues = read_file(file)
        settings = found_settings(queues)
        found = {
            judged.order.order_id: judged.order
            for stage, rows in queues.orders.items()
            for judged in judge(settings, stage, rows).orders
            if judged.order is not None and judged.explained and not judged.held and _plain(judged.order)
        }
        if settings.discount is not None:
            self._more["discount"] = settings.discount
        goods: dict[str, Decimal] = defaultdict(Decimal)
        for order in found.values():
            for item in order.items:
                goods[item.sku] += item.qty
            self._lines[order.order_id] = figures(order, order.currency, settings.discount).lines
            self.sandbox.add(self._as_sold_here(order))
        for sku, qty in goods.items():
            self._bench.harness.add_product(sku, qty + STOCKED, self._bench.harness.warehouse)
        self._captured = goods
        return list(found)

    def captured_goods_are_gone(self) -> None:
        """Finding unless exactly the goods of the captured orders have left the stock."""
        for sku, qty in self._captured.items():
            self._expect_stock(sku, (Decimal(STOCKED), 0) if "deliver" in self._bench.offers else (qty + STOCKED, qty))

    def _as_sold_here(self, order: FulfillmentOrder) -> SandboxOrder:
        items = tuple(
            SandboxItem(
                id=item.item_id, sku=item.sku, qty=item.qty, name=item.name, price_incl_tax=item.price_incl_tax,
                row_total_incl_tax=item.row_total_incl_tax, tax_percent=item.tax_percent, discount=item.discount,
                parent_item_id=item.parent_item_id, item_type=item.item_type,
            )
            for item in order.items
        )  # fmt: skip
        return SandboxOrder(
            order_id=order.order_id, items=items, warehouse_code=self._bench.harness.warehouse, currency=order.currency,
            shipping_amount_incl_tax=order.shipping_amount_incl_tax, total_incl_tax=order.total_incl_tax,
            order_number=order.order_number,
        )  # fmt: skip

    def unlisted(self) -> SandboxOrder:
        """An order that is not in any queue yet."""
        bench = self._bench
        made = bench.order()
        return SandboxOrder.simple(
            made.order_id,
            *((item.sku, int(item.qty), str(item.price_incl_tax)) for item in made.items),
            first_id=int(made.items[0].item_id),
            currency=bench.harness.currency,
            warehouse_code=bench.harness.warehouse,
            order_number=made.order_number,
        )

    def refuse(self, kind: str, action: str, order_id: str) -> None:
        """Apply that fault to the first POST about that order."""
        self._switch(Fault(kind, action, "POST", order_id, times=1, seconds=0.05, retry_after="0"))

    def disturb(self, kind: str, queue: str, nth: int, order: SandboxOrder | None = None) -> None:
        """Apply that fault to the n-th read of that queue. `order`: the order that `insert` lists before all others."""
        self._switch(Fault(kind, queue, "GET", times=1, every=nth, seconds=0.05, retry_after="0", payload=order))

    def vanish(self, queue: str) -> str:
        """An order at the front of the queue, which is cancelled after its first read; returns its id."""
        order = self.unlisted()
        self.sandbox.add(order, first=True)
        self.disturb("remove", queue, 1)
        return order.order_id

    def never_struck(self) -> list[str]:
        """The faults that affected no request."""
        return [f"{switch.fault.kind} of {switch.fault.action}" for switch in self._switches if not switch.hits]

    def _switch(self, fault: Fault) -> None:
        self._switches.append(self.sandbox.faults.add(fault))

    def run(self) -> None:
        """`run --once`, until nothing changes any more. Finding if orders still change after `RUNS` runs.

        A slow ERP or a busy machine needs several runs: orders allocated in the last cycle of one are invoiced by the
        next.
        """

        async def go() -> None:
            async with Runtime(load(self._configuration())) as runtime:
                await runtime.once(settle_for=timedelta(seconds=self.longest))

        found: object = None
        for _ in range(RUNS):
            began = time.monotonic()
            asyncio.run(go())
            before, found = found, self._progress()
            if found == before or time.monotonic() - began < self.longest / 2:
                return
        raise Finding(f"orders are still in progress after {RUNS} runs of {self.longest:g} s each")

    @property
    def longest(self) -> float:
        """The time limit of one run in seconds."""
        return max(LONGEST, 2 * self._bench.harness.deadline)

    def _progress(self) -> object:
        """The state of every job, except for counters of attempts."""
        with self._ledger() as ledger:
            return {(job.key, job.state, job.step) for job in ledger.find_jobs()}

    def is_done(self, order_id: str) -> None:
        """Finding unless it was allocated and invoiced once at ShipperOne, and is in the ERP once."""
        bench = self._bench
        there = self.sandbox.order(order_id)
        with self._ledger() as ledger:
            jobs = ledger.find_jobs(order_id=order_id)
        stuck = [
            f"{job.stage} is {job.state}, {job.reason}: {job.sentence}"
            for job in jobs
            if job.state not in (State.DONE, State.SUPERSEDED)
        ]
        must(jobs and not stuck, f"order {order_id}: {'; '.join(stuck) or 'core never processed it'}")
        same(there.allocations, 1, f"allocations of {order_id} at ShipperOne")
        invoiced: dict[Any, Decimal] = {}
        for quantities, _ in there.invoices:
            for item_id, qty in quantities.items():
                invoiced[item_id] = invoiced.get(item_id, Decimal(0)) + qty
        same(invoiced, {item.id: item.qty for item in there.order.items}, f"what of {order_id} was invoiced")
        keys = {stage: [job.key for job in jobs if job.stage is stage] for stage in Stage}
        found = {stage: [doc for key in keys[stage] for doc in bench.harness.documents(key)] for stage in Stage}
        live = [doc for doc in found[Stage.ALLOCATION] if doc.state == "live"]
        same(len(live), 1, f"live reservations of {order_id} in the ERP")
        if "issue_invoice" in bench.offers:
            issued = [doc for doc in found[Stage.INVOICE] if doc.state == "issued"]
            same(len(issued), len(there.invoices), f"issued invoices of {order_id} in the ERP")
            drafts = [doc for doc in found[Stage.INVOICE] if doc.state == "draft"]
            same(drafts, [], f"remaining drafts of {order_id}")
            for job in jobs:
                if job.stage is Stage.INVOICE and job.state is State.DONE:
                    bench.compare(self._invoiced(there, job), None, "issued", found=bench.documents(job.key))
        if order_id not in self._lines:  # captured orders may share goods: these are counted together
            self._goods_are_gone(there.order)

    def _invoiced(self, there: OrderState, job: Job) -> FulfillmentOrder:
        """The content of this job's invoice as confirmed to ShipperOne, at the shop's prices."""
        order = there.order
        lines = self._lines.get(order.order_id, {})
        quantities, shipping = next(one for one in there.invoices if set(one[0]) == set(job.item_ids))
        items = tuple(
            OrderItem(
                item_id=item.id,
                sku=item.sku,
                qty=quantities[item.id],
                row_total_incl_tax=lines.get(item.id, item.row_total_incl_tax),
                tax_percent=item.tax_percent,
            )
            for item in order.items
            if item.id in quantities
        )
        return FulfillmentOrder(
            order.order_id, order.warehouse_code, items, currency=order.currency, shipping_amount_incl_tax=shipping
        )

    def _goods_are_gone(self, order: SandboxOrder) -> None:
        """Finding unless the goods have left the stock, or are still reserved if the connector does not deliver."""
        bench = self._bench
        for item in order.items:
            self._expect_stock(item.sku, (STOCKED - item.qty, 0) if "deliver" in bench.offers else (STOCKED, item.qty))

    def _expect_stock(self, sku: str, wanted: tuple[Decimal | int, Decimal | int]) -> None:
        bench = self._bench
        if not all(able(type(bench.harness), probe) for probe in ("on_hand", "reserved")):
            return
        try:
            same(bench.stock(sku), wanted, f"on hand and reserved of {sku}")
        except Finding as finding:
            bench.finds("1.1", finding)

    def is_nothing_of(self, order_id: str) -> None:
        """Finding if a cancelled order has a live document in the ERP, or was confirmed."""
        there = self.sandbox.order(order_id)
        same((there.allocations, there.invoices), (0, []), f"what was confirmed of {order_id}, which is cancelled")
        with self._ledger() as ledger:
            keys = [job.key for job in ledger.find_jobs(order_id=order_id)]
        if "release_stock" in self._bench.offers:
            live = [doc for key in keys for doc in self._bench.harness.documents(key) if doc.state != "voided"]
            same(live, [], f"live documents of {order_id}, which is cancelled")

    def _ledger(self) -> Ledger:
        return Ledger.open(f"sqlite:///{self._folder}/ledger.db", read_only=True)

    def _configuration(self) -> Path:
        file = self._folder / "shipperone-erp.toml"
        file.write_text(configuration_text(self._bench, self.sandbox, self._connector, self._more), encoding="utf-8")
        return file


def _plain(order: FulfillmentOrder) -> bool:
    """Whether it depends on the connector only: no charge and no bundle, which depend on a tenant's settings."""
    return not order.charges and all(item.parent_item_id is None for item in order.items)
