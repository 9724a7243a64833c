"""Level rehearse: an order's whole life against a ShipperOne of our own, with kills in between, on a test database.

The runtime runs in a process of its own, which is killed at the moment when it confirms the allocation, and again when
it confirms the invoice; started anew it must come to one reservation, one invoice, and both confirmed once.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from shipperone_erp import Check, FulfillmentOrder
from shipperone_erp.sandbox import Fault, Sandbox, SandboxItem, SandboxOrder

PATIENCE = 90
"""Seconds that one run may take: an inbox is answered by a program of the merchant's."""


def rehearsed(config: Path, tenant: str, order: FulfillmentOrder) -> Iterator[Check]:
    """The lines, as they come. `order`: what is listed, under an id of its own and without charges."""
    order_id = f"FO-REHEARSAL-{datetime.now(UTC):%Y%m%d%H%M%S}"
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        sandbox.auto_ship = True
        sandbox.add(_listed(order_id, order))
        run = _Run(config, tenant, sandbox, Path(folder) / "ledger.db")
        for action in ("allocate", "invoice"):
            killed = run.killed_at(action, order_id)
            said = f"killed while it confirmed the {action}" if killed else f"it never came to confirm the {action}"
            yield Check("kill", killed or None, said, None if killed else run.said)
            if not killed:
                break
        ending = run.to_its_end()
        yield Check("run", ending == 0, f"started again, it ended with {ending}", run.said if ending else None)
        state = sandbox.order(order_id)
        once = state.allocations == 1 and len(state.invoices) == 1
        said = f"{state.allocations} allocation(s) and {len(state.invoices)} invoice(s) confirmed at ShipperOne"
        yield Check("effects", once, said, None if once else "see the lines above")
    yield Check("left behind", None, f"the documents of {order_id} stay in this database", "remove them there")


def _listed(order_id: str, order: FulfillmentOrder) -> SandboxOrder:
    items = tuple(
        SandboxItem(
            id=item.item_id, sku=item.sku, name=item.name, qty=item.qty, price_incl_tax=item.price_incl_tax,
            row_total_incl_tax=item.row_total_incl_tax, tax_percent=item.tax_percent, discount=item.discount,
        )
        for item in order.items if order.source_warehouse(item) == order.warehouse_code
    )  # fmt: skip
    shipping = order.shipping_amount_incl_tax
    goods = sum((item.row_total_incl_tax or Decimal(0) for item in items), shipping or Decimal(0))
    return SandboxOrder(
        order_id=order_id, items=items, warehouse_code=order.warehouse_code, currency=order.currency,
        shipping_amount_incl_tax=shipping, total_incl_tax=goods, order_number=order_id,
    )  # fmt: skip


class _Run:
    """Runs of the runtime in processes of their own, on one ledger."""

    def __init__(self, config: Path, tenant: str, sandbox: Sandbox, ledger: Path) -> None:
        self._command = [
            sys.executable, "-m", "shipperone_erp_generic_sql.checking.rehearsed_run", str(config), tenant,
            sandbox.base_url, sandbox.token, f"sqlite:///{ledger}",
        ]  # fmt: skip
        self._sandbox = sandbox
        self.said = ""

    def killed_at(self, action: str, order_id: str) -> bool:
        """Whether it came to confirm that; there it was killed, before it had an answer."""
        process = self._start()
        switch = self._sandbox.faults.add(
            Fault("call", action=action, order_id=order_id, times=1, payload=lambda post: process.kill())
        )
        self._wait(process)
        self._sandbox.faults.clear()
        return switch.hits > 0

    def to_its_end(self) -> int:
        """Its exit code."""
        return self._wait(self._start())

    def _start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # noqa: S603

    def _wait(self, process: "subprocess.Popen[str]") -> int:
        try:
            _, said = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            _, said = process.communicate()
        self.said = (said or "").strip().splitlines()[-1] if (said or "").strip() else ""
        return process.returncode
