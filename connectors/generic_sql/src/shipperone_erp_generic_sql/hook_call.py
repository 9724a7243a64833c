"""One hook call, with every value that a configured statement may name by a bind."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from shipperone_erp import Charge, FulfillmentOrder, OrderItem, Party, Reservation
from shipperone_erp.tools import label
from shipperone_erp_generic_sql import taxes
from shipperone_erp_generic_sql.statement import Each
from shipperone_erp_generic_sql.taxes import TaxLine

Param = str | int | bool

PARTIES = ("customer", "billing", "shipping")
PARTY_FIELDS = tuple(entry.name for entry in fields(Party) if entry.name != "extra")


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
        return f"item {self.item.item_id} (SKU {label(self.item.sku)})"


@dataclass(frozen=True)
class ChargeLine:
    """One charge of kind `line`, which belongs on the invoice. `charge_no` counts from 1."""

    charge_no: int
    charge_key: str
    charge: Charge

    def __str__(self) -> str:
        return f"charge {self.charge.name}"


Element = Line | ChargeLine | TaxLine
"""The elements that a statement with `each` runs for."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a hook. Values that the hook does not receive stay None."""

    tenant: str
    key: str
    order: FulfillmentOrder
    params: Mapping[str, Param]
    paths: Mapping[str, str] = field(default_factory=dict)
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    taxes: Mapping[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    generation: int | None = None
    transfer: str | None = None
    tax_date: date | None = None
    issue_date: date | None = None
    reference: str | None = None
    invoice_reference: str | None = None
    reason: str | None = None
    since: datetime | None = None
    reservations: tuple[Reservation, ...] = ()
    captured: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The order's items, in the order's sequence."""
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

    @cached_property
    def by_goods(self) -> tuple[Line, ...]:
        """The items sorted by their goods, so that two orders that need the same goods cannot deadlock."""
        return tuple(sorted(self.lines, key=lambda line: (line.warehouse_code, line.item.sku, line.line_no)))

    @cached_property
    def charge_lines(self) -> tuple[ChargeLine, ...]:
        """The charges that belong on the invoice, in the order's sequence."""
        charges = (charge for charge in self.order.charges if charge.kind == "line")
        return tuple(ChargeLine(no, f"{self.key}:charge:{no}", charge) for no, charge in enumerate(charges, start=1))

    @cached_property
    def tax_table(self) -> tuple[TaxLine, ...]:
        """The tax rates of the whole invoice; the items' own are the first of them."""
        items = [(line.item.tax_percent, line.total_incl_tax) for line in self.lines]
        extras = [(taxes.SHIPPING, self.order.shipping_amount_incl_tax)]
        extras += [(line.charge.name, line.charge.amount) for line in self.charge_lines]
        ruled = [taxes.Extra(amount, taxes.rule_of(self.taxes, name)) for name, amount in extras]
        return taxes.table(self.key, items, ruled, self.order.currency)

    def of_document(self, name: str) -> Decimal | None:
        """The sum of that amount over all rows of the tax table; None if it is unknown for one row."""
        amounts: list[Decimal | None] = [getattr(line, name) for line in self.tax_table]
        return None if None in amounts else sum((amount for amount in amounts if amount is not None), Decimal(0))

    def each(self, kind: Each | None, *, of_document: bool = False) -> Sequence[Element | None]:
        """The elements that a statement with that `each` runs for, in sequence; without `each`, a single None.

        `of_document`: of tax rates, all those of the invoice and not only those of the items.
        """
        match kind:
            case None:
                return (None,)
            case "item":
                return self.by_goods
            case "charge":
                return self.charge_lines
            case "tax":
                return [line for line in self.tax_table if line.of_items or of_document]

    def knowing(self, **known: Any) -> "Call":
        """The same call with values that a query found; its lines do not depend on them and are not computed again."""
        more = object.__new__(type(self))  # skips validation and computation, which are already done
        more.__dict__.update(self.__dict__, **known)
        return more

    def at(self, path: str) -> str | None:
        """The value at that path in the order, as text: a field of the order model, else a raw field of ShipperOne."""
        value: Any = self.order
        for part in path.split("."):
            value = _step_into(value, part)
        if value is None or isinstance(value, str):
            return value
        return json.dumps(plain(value), ensure_ascii=False) if isinstance(plain(value), dict | list) else _scalar(value)

    def _reservation_of(self, item: OrderItem) -> Reservation | None:
        name = str(item.item_id)
        return next((r for r in self.reservations if name in map(str, r.item_ids)), None)


def _step_into(value: Any, part: str) -> Any:
    if value is None:
        return None
    if is_dataclass(value):
        known = getattr(value, part, None) if part in {entry.name for entry in fields(value)} else None
        return known if known is not None else getattr(value, "extra", {}).get(part)
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, tuple | list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return None


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(plain(value))


def plain(value: Any) -> Any:
    """The value as JSON: decimals and times as text, absent fields left out."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if is_dataclass(value):
        named = {entry.name: plain(getattr(value, entry.name)) for entry in fields(value)}
        return {name: entry for name, entry in named.items() if entry is not None and entry != {}}
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return value


def line_totals(order: FulfillmentOrder) -> tuple[Decimal | None, ...]:
    """The cost of each line with tax: the total that core expects of it, where core provides one (it does for an
    invoice).

    Else the row total less its discount if the order's total is the sum of those, else the row total, else price times
    quantity, unrounded. None where ShipperOne provides none of them.
    """
    if all(item.line_total_incl_tax is not None for item in order.items):
        return tuple(item.line_total_incl_tax for item in order.items)
    whole = tuple(_undiscounted(item) for item in order.items)
    if order.total_incl_tax is None or order.shipping_amount_incl_tax is None or None in whole:
        return whole
    reduced = tuple(
        total - (item.discount or 0) if total is not None else None
        for item, total in zip(order.items, whole, strict=True)
    )
    goods = sum((total for total in reduced if total is not None), Decimal(0))
    return reduced if goods + order.shipping_amount_incl_tax == order.total_incl_tax else whole


def _undiscounted(item: OrderItem) -> Decimal | None:
    if item.row_total_incl_tax is not None:
        return item.row_total_incl_tax
    return None if item.price_incl_tax is None else item.price_incl_tax * item.qty
