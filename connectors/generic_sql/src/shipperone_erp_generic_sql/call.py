"""What one hook call knows: everything that a configured statement may ask for by a bind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property

from shipperone_erp import FulfillmentOrder, OrderItem, Reservation

Param = str | int | bool


@dataclass(frozen=True)
class Line:
    """One item of the order within a call. `line_no` counts from 1; `reservation` is the one that holds the item."""

    line_no: int
    item_key: str
    item: OrderItem
    warehouse_code: str
    total_incl_tax: Decimal | None
    reservation: Reservation | None

    def __str__(self) -> str:
        return f"item {self.item.item_id} (SKU {self.item.sku})"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a hook, whichever it is; what that hook is not told stays None."""

    tenant: str
    key: str
    order: FulfillmentOrder
    params: Mapping[str, Param]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    generation: int | None = None
    transfer: str | None = None
    tax_date: date | None = None
    reference: str | None = None
    invoice_reference: str | None = None
    reason: str | None = None
    reservations: tuple[Reservation, ...] = ()

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The order's items, in its order."""
        return tuple(
            Line(
                line_no=number,
                item_key=f"{self.key}:{item.item_id}",
                item=item,
                warehouse_code=self.order.source_warehouse(item),
                total_incl_tax=total,
                reservation=self._reservation_of(item),
            )
            for number, (item, total) in enumerate(zip(self.order.items, line_totals(self.order), strict=True), start=1)
        )

    def _reservation_of(self, item: OrderItem) -> Reservation | None:
        name = str(item.item_id)
        return next((r for r in self.reservations if name in map(str, r.item_ids)), None)


def line_totals(order: FulfillmentOrder) -> tuple[Decimal | None, ...]:
    """What each line costs with tax: what core expects of it, where core says so (it does for an invoice).

    Else its row total less its discount if the order's total is made of that, else its row total, else price times
    quantity, unrounded. None where ShipperOne says neither.
    """
    if all(item.line_total_incl_tax is not None for item in order.items):
        return tuple(item.line_total_incl_tax for item in order.items)
    plain = tuple(_undiscounted(item) for item in order.items)
    if order.total_incl_tax is None or order.shipping_amount_incl_tax is None or None in plain:
        return plain
    reduced = tuple(
        total - (item.discount or 0) if total is not None else None
        for item, total in zip(order.items, plain, strict=True)
    )
    goods = sum((total for total in reduced if total is not None), Decimal(0))
    return reduced if goods + order.shipping_amount_incl_tax == order.total_incl_tax else plain


def _undiscounted(item: OrderItem) -> Decimal | None:
    if item.row_total_incl_tax is not None:
        return item.row_total_incl_tax
    return None if item.price_incl_tax is None else item.price_incl_tax * item.qty
