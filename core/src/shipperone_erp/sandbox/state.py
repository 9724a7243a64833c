"""The state of this ShipperOne: its orders, their progress, and the rules of the guide."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shipperone_erp.domain.money import rounded
from shipperone_erp.kernel.json import dumps
from shipperone_erp.sandbox.orders import SandboxItem, SandboxOrder
from shipperone_erp.sandbox.page_format import Rendering

QUEUES = ("pending_accept", "pending_allocation", "pending_shipment", "pending_invoice", "failed")

Answer = tuple[int, Any]


@dataclass(slots=True)
class OrderState:
    """The state of one order. Confirmations are kept in their sequence."""

    order: SandboxOrder
    to_allocate: list[int | str]
    allocated: list[int | str] = field(default_factory=list)
    allocations: int = 0
    unshipped: dict[int | str, Decimal] = field(default_factory=dict)
    to_invoice: dict[int | str, Decimal] = field(default_factory=dict)
    invoices: list[tuple[dict[int | str, Decimal], Decimal]] = field(default_factory=list)
    parts_shipped: int = 0
    shipped_at: str | None = None
    cancelled: bool = False
    failed: bool = False
    edit: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    texts: Mapping[str, str] | None = None
    """The captured JSON text by queue, used instead of a generated one."""


class Shop:
    """All orders. Thread-safe: a test, the demo and the server use it at once."""

    def __init__(self, rendering: Rendering, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.lock = threading.RLock()
        self._now = now
        self.auto_ship = False
        self._rendering = rendering
        self._orders: dict[str, OrderState] = {}
        self._listed: dict[str, dict[str, str]] = {queue: {} for queue in QUEUES}

    def add(
        self,
        order: SandboxOrder,
        *,
        stage: str = "allocation",
        first: bool = False,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """List it in pending_allocation, or with `stage="invoice"` as shipped in pending_invoice."""
        with self.lock:
            ids = [item.id for item in order.items]
            state = OrderState(order, ids, texts=texts)
            self._orders[order.order_id] = state
            if stage == "invoice":
                state.to_allocate, state.allocated = [], ids
                state.unshipped = {item.id: item.qty for item in order.items}
                self._ship_next(state)
            self._list(state, first=first)

    def order(self, order_id: str) -> OrderState:
        """The state of the order."""
        with self.lock:
            return self._orders[order_id]

    def ids(self, queue: str) -> list[str]:
        """The ids of the orders that a queue lists, in its sequence."""
        with self.lock:
            return list(self._listed[queue])

    def texts(self, queue: str) -> list[str]:
        """The orders that a queue lists, as JSON texts."""
        with self.lock:
            return list(self._listed[queue].values())

    def page(self, queue: str, number: int, size: int, past_the_end: str | int) -> Answer:
        """One page as the server sends it, as JSON text."""
        with self.lock:
            texts = list(self._listed[queue].values())
        last = max(1, -(-len(texts) // size))
        if number > last:
            if isinstance(past_the_end, int):
                return past_the_end, {"message": "No such page: %1", "parameters": [number]}
            number = last if past_the_end == "repeat" else number
        return 200, self._rendering.envelope(texts[(number - 1) * size : number * size], len(texts))

    def allocate(self, order_id: str, item_ids: list[Any]) -> Answer:
        """Record that the ERP has reserved these items, which are now to be shipped."""
        with self.lock:
            state = self._orders.get(order_id)
            if state is None or state.cancelled or not state.to_allocate:
                return 400, {"message": "Order %1 is not pending allocation.", "parameters": [order_id]}
            unknown = [item_id for item_id in item_ids if item_id not in state.to_allocate]
            if unknown or not item_ids:
                return 400, {
                    "message": "Items %items are not pending allocation in order %order.",
                    "parameters": {"items": ", ".join(map(str, unknown)) or "(none)", "order": order_id},
                }
            state.allocations += 1
            state.allocated += item_ids
            state.to_allocate = [item_id for item_id in state.to_allocate if item_id not in item_ids]
            for item in state.order.items:
                if item.id in item_ids:
                    state.unshipped[item.id] = item.qty
            if self.auto_ship:
                self._ship_next(state)
            self._list(state)
            return 200, {"success": True}

    def invoice(self, order_id: str, item_ids: list[Any], shipping: Any) -> Answer:
        """Check an invoice: exactly the shipped, not yet invoiced items, and exactly the shipping amount, else 400."""
        with self.lock:
            state = self._orders.get(order_id)
            if state is None or state.cancelled or not state.to_invoice:
                return 400, {"message": "Order %1 is not pending invoice.", "parameters": [order_id]}
            if sorted(map(str, item_ids)) != sorted(map(str, state.to_invoice)):
                return 400, {
                    "message": "Items do not match: shipped and not invoiced are %1, the invoice lists %2.",
                    "parameters": [", ".join(map(str, state.to_invoice)), ", ".join(map(str, item_ids))],
                }
            listed = self._raw(state, "pending_invoice").get("shipping_amount_incl_tax")
            if state.texts is not None:
                listed = state.order.shipping_amount_incl_tax
            if not isinstance(shipping, int | Decimal) or listed is None or Decimal(shipping) != listed:
                return 400, {
                    "message": "shipping_amount_incl_tax is %1, the invoice says %2.",
                    "parameters": [str(listed), str(shipping)],
                }
            state.invoices.append((dict(state.to_invoice), Decimal(shipping)))
            state.to_invoice = {}
            if self.auto_ship and state.unshipped:
                self._ship_next(state)
            self._list(state)
            return 200, {"success": True}

    def ship(self, order_id: str, quantities: Mapping[int | str, Decimal | int] | None = None) -> None:
        """Ship these quantities, or all that is left. KeyError or ValueError if the order does not have them."""
        with self.lock:
            state = self._orders[order_id]
            wanted = dict(state.unshipped) if quantities is None else {k: Decimal(v) for k, v in quantities.items()}
            self._ship(state, wanted)
            self._list(state)

    def cancel(self, order_id: str) -> None:
        """Remove it from every queue."""
        with self.lock:
            self._orders[order_id].cancelled = True
            self._list(self._orders[order_id])

    def fail(self, order_id: str) -> None:
        """Move it from every queue to the list of failed orders."""
        with self.lock:
            self._orders[order_id].cancelled = self._orders[order_id].failed = True
            self._list(self._orders[order_id])

    def change(self, order_id: str, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """From now on it is listed (and checked) in the form that `edit` makes of it."""
        with self.lock:
            self._orders[order_id].edit = edit
            self._list(self._orders[order_id])

    def _ship_next(self, state: OrderState) -> None:
        parts = state.order.parts
        if state.parts_shipped < len(parts):
            self._ship(state, dict(parts[state.parts_shipped]))
        else:
            self._ship(state, dict(state.unshipped))

    def _ship(self, state: OrderState, wanted: dict[int | str, Decimal]) -> None:
        for item_id, qty in wanted.items():
            remaining = state.unshipped[item_id] - qty
            if remaining < 0:
                raise ValueError(f"order {state.order.order_id}: more of item {item_id} than is left to ship")
            state.unshipped[item_id] = remaining
            state.to_invoice[item_id] = state.to_invoice.get(item_id, Decimal(0)) + qty
        state.unshipped = {item_id: qty for item_id, qty in state.unshipped.items() if qty}
        state.parts_shipped += 1
        state.shipped_at = state.order.shipped_at or self._now().isoformat(timespec="seconds")

    def _list(self, state: OrderState, *, first: bool = False) -> None:
        order_id = state.order.order_id
        standing = {
            "pending_allocation": bool(state.to_allocate),
            "pending_shipment": bool(state.unshipped),
            "pending_invoice": bool(state.to_invoice),
        }
        if state.cancelled:
            standing = {"failed": state.failed}
        for queue, listed in self._listed.items():
            if not standing.get(queue):
                listed.pop(order_id, None)
                continue
            captured = (state.texts or {}).get(queue)
            text = captured if captured is not None else dumps(self._rendering.rename(self._raw(state, queue)))
            if first and order_id not in listed:
                self._listed[queue] = {order_id: text, **listed}
            else:
                listed[order_id] = text

    def _raw(self, state: OrderState, queue: str) -> dict[str, Any]:
        order = state.order
        quantities = {
            "pending_allocation": {item.id: item.qty for item in order.items if item.id in state.to_allocate},
            "pending_shipment": state.unshipped,
            "pending_invoice": state.to_invoice,
            "failed": {item.id: item.qty for item in order.items},
        }[queue]
        raw: dict[str, Any] = {
            "order_id": order.order_id,
            "order_number": order.order_number,
            "warehouse_code": order.warehouse_code,
            "currency": order.currency,
            "shipping_amount_incl_tax": order.shipping_amount_incl_tax,
            "total_incl_tax": order.total_incl_tax,
            "payment_method": order.payment_method,
            "payment_reference": order.payment_reference,
            "ordered_at": order.ordered_at,
            "shipped_at": state.shipped_at if queue == "pending_invoice" else None,
            "customer": dict(order.customer) or None,
            "billing": dict(order.billing) or None,
            "shipping": dict(order.shipping) or None,
            **order.extra,
        }
        items = [
            self._item(item, quantities[item.id], order.currency, with_warehouse=queue == "pending_allocation")
            for item in order.items
            if item.id in quantities
        ]
        raw = {key: value for key, value in raw.items() if value is not None}
        raw["items"] = items
        return state.edit(raw) if state.edit else raw

    def _item(self, item: SandboxItem, qty: Decimal, currency: str | None, *, with_warehouse: bool) -> dict[str, Any]:
        row_total = item.row_total_incl_tax
        if row_total is not None and qty != item.qty:
            row_total = rounded(row_total * qty / item.qty, currency)
        raw = {
            "id": item.id,
            "sku": item.sku,
            "name": item.name,
            "qty": qty,
            "price_incl_tax": item.price_incl_tax,
            "row_total_incl_tax": row_total,
            "tax_percent": item.tax_percent,
            "discount": item.discount,
            "parent_item_id": item.parent_item_id,
            "item_type": item.item_type,
            "warehouse_code": item.warehouse_code if with_warehouse else None,
        }
        return {key: value for key, value in raw.items() if value is not None}
