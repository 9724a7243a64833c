"""Level rehearse: an order's whole life against a local sandbox of ShipperOne, with kills, on a test database.

The runtime runs in a process of its own. That process is killed when it confirms the allocation, and again when it
confirms the last invoice. After each restart there must be one reservation, one invoice a parcel, and one confirmation
of each. Two more orders run beside it: one for more than is in stock, and one that is cancelled while it is confirmed.

A wrong state guard does not show here: a step looks at the state before it runs, also after a kill. The dry run tests
the guard by running each step a second time without that lookup, and the race by sessions that have all looked.
"""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from shipperone_erp import Check, FulfillmentOrder
from shipperone_erp.tools import Fault, Post, Sandbox, SandboxItem, SandboxOrder
from shipperone_erp_generic_sql.checking import compare
from shipperone_erp_generic_sql.checking.compare import Goods
from shipperone_erp_generic_sql.checking.rehearsed_run import FEE
from shipperone_erp_generic_sql.checking.sample import parts
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.exact_values import digits
from shipperone_erp_generic_sql.prepared import Prepared
from shipperone_erp_generic_sql.step_execution import Work

PATIENCE = 90
"""Time limit of one run in seconds; an inbox is answered by a program of the merchant's."""


@dataclass
class Rehearsal:
    """One rehearsal. `order`: the order that is listed, under an id of its own."""

    config: Path
    tenant: str
    order: FulfillmentOrder
    database: Database

    def run(self) -> Iterator[Check]:
        """Run the rehearsal and yield its lines as they come."""
        order_id = f"FO-REHEARSAL-{datetime.now(UTC):%Y%m%d%H%M%S}"
        before = self._free()
        with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
            sandbox.auto_ship = True
            sandbox.add(_listed(order_id, self.order))
            sandbox.change(order_id, _Parts(sandbox, order_id))
            short = self._short(order_id, before)
            if short is not None:
                sandbox.add(short)
            run = _Run(self.config, self.tenant, sandbox, Path(folder) / "ledger.db")
            for action, after in (("allocate", 0), ("invoice", len(parts(self.order)) - 1)):
                if not run.killed_at(action, order_id, after):
                    sentence = f"it never confirmed the {action}: {run.last_line or 'its run ended without a message'}"
                    yield Check("kill", None, sentence, _NEVER_CAME)
                    break
                yield Check("kill", True, f"killed while it confirmed the {action}")
            cancelled = self._cancelled(order_id)
            if cancelled is not None:
                sandbox.add(cancelled)
                withdrawn = cancelled.order_id
                sandbox.faults.add(
                    Fault(
                        "call", action="allocate", order_id=withdrawn, times=1,
                        payload=lambda post: sandbox.cancel(withdrawn),
                    )
                )  # fmt: skip
            ending = run.to_its_end()
            cure = (
                None
                if ending == 0
                else f"{run.last_line or 'it ended without a message'}; fix that, and rehearse again"
            )
            yield Check("run", ending == 0, f"started again, it ended with {ending}", cure)
            yield self._confirmed(sandbox, order_id)
            if short is not None:
                taken = sandbox.order(short.order_id).allocations
                sentence = (
                    f"an order for {digits(short.items[0].qty)} of {short.items[0].sku}, one more than in stock, "
                )
                sentence += "was confirmed" if taken else "was not confirmed"
                yield Check(
                    "short",
                    not taken,
                    sentence,
                    "require sufficient stock in the WHERE of the statement that takes stock",
                )
        yield from self._stock(before, cancelled is not None, finished=ending == 0)
        yield Check("left behind", None, f"the documents of {order_id} stay in this database", "remove them there")

    def _confirmed(self, sandbox: Sandbox, order_id: str) -> Check:
        state, parcels = sandbox.order(order_id), len(parts(self.order))
        once = state.allocations == 1 and len(state.invoices) == parcels
        sentence = f"{state.allocations} allocation(s) and {len(state.invoices)} invoice(s) confirmed at ShipperOne"
        expected = f", for {parcels} parcel(s)"
        return Check("effects", once, sentence + expected, None if once else "see the lines above")

    def _stock(self, before: Mapping[Goods, Decimal] | None, withdrawn: bool, *, finished: bool) -> Iterator[Check]:
        """Whether only the goods of the completed order have left the stock."""
        after = self._free()
        if before is None or after is None or not finished:
            return
        call = self.database.settings.call(self.tenant, "", self.order)
        taken = {goods: -qty for goods, qty in compare.wanted(call).items()}
        name = "stock, the cancelled order released" if withdrawn else "stock"
        yield compare.moved(name, before, after, taken)

    def _short(self, order_id: str, free: Mapping[Goods, Decimal] | None) -> SandboxOrder | None:
        """An order for one piece more than is available; None if the available quantity is unknown."""
        item = self.order.items[0]
        left = (free or {}).get((item.sku, self.order.source_warehouse(item)))
        if left is None or left < 1:
            return None
        return _listed(f"{order_id}-SHORT", _one_line(self.order, left + 1))

    def _cancelled(self, order_id: str) -> SandboxOrder | None:
        """An order that is cancelled while it is confirmed; None if no statement can release it."""
        if not self.database.settings.release:
            return None
        return _listed(f"{order_id}-CANCELLED", _one_line(self.order, Decimal(1)))

    def _free(self) -> dict[Goods, Decimal] | None:
        if not self.database.settings.available:
            return None
        call = self.database.settings.call(self.tenant, "", self.order)
        with self.database.rolled_back() as connection:
            return compare.free(Work(connection, self.database, Prepared(self.database.settings), call), call)


_NEVER_CAME = "fix the cause in its message; the dry run and `shipperone-erp explain REASON` give details"


class _Parts:
    """The order as it is listed: its second parcel has no shipping and no charges, since the first one had them."""

    def __init__(self, sandbox: Sandbox, order_id: str) -> None:
        self._sandbox = sandbox
        self._order_id = order_id

    def __call__(self, raw: dict[str, Any]) -> dict[str, Any]:
        if self._sandbox.order(self._order_id).invoices:
            raw = {**raw, "shipping_amount_incl_tax": Decimal(0)}
            raw.pop(FEE, None)
        rows = [item.get("row_total_incl_tax") for item in raw["items"]]
        if None in rows or raw.get("shipping_amount_incl_tax") is None:
            return raw
        return {**raw, "total_incl_tax": sum(rows, raw["shipping_amount_incl_tax"] + raw.get(FEE, Decimal(0)))}


def _listed(order_id: str, order: FulfillmentOrder) -> SandboxOrder:
    items = tuple(
        SandboxItem(
            id=item.item_id, sku=item.sku, name=item.name, qty=item.qty, price_incl_tax=item.price_incl_tax,
            row_total_incl_tax=item.row_total_incl_tax, tax_percent=item.tax_percent, discount=item.discount,
            warehouse_code=item.warehouse_code,
        )
        for item in order.items
    )  # fmt: skip
    of_parts = parts(order)
    rows = [item.row_total_incl_tax for item in order.items]
    known = [row for row in rows if row is not None]
    beside = (order.shipping_amount_incl_tax or Decimal(0)) + order.line_charges
    return SandboxOrder(
        order_id=order_id, items=items, warehouse_code=order.warehouse_code, currency=order.currency,
        shipping_amount_incl_tax=order.shipping_amount_incl_tax, order_number=order_id,
        total_incl_tax=sum(known, beside) if len(known) == len(rows) else None,
        extra={FEE: order.line_charges} if order.line_charges else {},
        parts=tuple({i.item_id: i.qty for i in part.items} for part in of_parts) if len(of_parts) > 1 else (),
    )  # fmt: skip


def _one_line(order: FulfillmentOrder, qty: Decimal) -> FulfillmentOrder:
    first = order.items[0]
    total = None if first.price_incl_tax is None else first.price_incl_tax * qty
    line = replace(first, qty=qty, row_total_incl_tax=total, discount=None)
    return replace(order, order_id="", items=(line,), charges=(), shipping_amount_incl_tax=Decimal(0))


class _Run:
    """Runs of the runtime, each in its own process, on one ledger."""

    def __init__(self, config: Path, tenant: str, sandbox: Sandbox, ledger: Path) -> None:
        self._command = [str(config), tenant, sandbox.base_url, sandbox.token, f"sqlite:///{ledger}"]
        self._sandbox = sandbox
        self.last_line = ""

    def killed_at(self, action: str, order_id: str, invoices: int) -> bool:
        """Kill the run at that confirmation, before it receives the response; `invoices` are confirmed by then.

        Returns whether the run reached that point.
        """
        process = started(self._command)
        struck = threading.Event()

        def strike(post: Post) -> None:
            if len(self._sandbox.order(order_id).invoices) == invoices:
                struck.set()
                process.kill()

        self._sandbox.faults.add(Fault("call", action=action, order_id=order_id, payload=strike))
        self._wait(process)
        self._sandbox.faults.clear()
        return struck.is_set()

    def to_its_end(self) -> int:
        """Run until it ends; returns its exit code."""
        return self._wait(started(self._command))

    def _wait(self, process: "subprocess.Popen[str]") -> int:
        try:
            _, errors = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            _, errors = process.communicate()
        self.last_line = (errors or "").strip().splitlines()[-1] if (errors or "").strip() else ""
        return process.returncode


def started(arguments: list[str]) -> "subprocess.Popen[str]":
    """The process of a run; the last line on its stderr names any work that was not completed."""
    command = [sys.executable, "-m", "shipperone_erp_generic_sql.checking.rehearsed_run", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # noqa: S603
