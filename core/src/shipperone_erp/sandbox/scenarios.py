"""Kinds of orders from a merchant's practice, by name, in the shop's form.

The price of a bundle is on its parts (`bundle`) or on the bundle itself (`set`); `bundles` decides which of them the
ERP keeps in stock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from shipperone_erp.sandbox.orders import SandboxItem, SandboxOrder

Make = Callable[[str, int], SandboxOrder]
"""Makes an order with that id, its items numbered from that number on."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of order: its description for operators, and its factory."""

    description: str
    make: Make


def order_of(name: str, order_id: str, first_id: int) -> SandboxOrder:
    """An order of that kind; KeyError for an unknown name."""
    return SCENARIOS[name].make(order_id, first_id)


def _item(item_id: int, sku: str, price: str, pieces: int = 1, **fields: object) -> SandboxItem:
    (item,) = SandboxOrder.simple("", (sku, pieces, price), first_id=item_id).items
    return replace(item, **fields)  # type: ignore[arg-type]


def _made_of(order_id: str, *items: SandboxItem, fee: str = "4.99") -> SandboxOrder:
    total = sum((item.row_total_incl_tax or Decimal(0) for item in items), Decimal(fee))
    return SandboxOrder(order_id=order_id, items=items, shipping_amount_incl_tax=Decimal(fee), total_incl_tax=total)


def _bundle(order_id: str, first: int) -> SandboxOrder:
    return _made_of(
        order_id,
        _item(first, "SET", "0.00", item_type="bundle"),
        _item(first + 1, "MUG", "12.00", 2, parent_item_id=first),
        _item(first + 2, "TEA", "4.50", parent_item_id=first),
    )


def _set(order_id: str, first: int) -> SandboxOrder:
    return _made_of(
        order_id,
        _item(first, "SET", "28.50", item_type="bundle"),
        _item(first + 1, "MUG", "0.00", 2, parent_item_id=first),
        _item(first + 2, "TEA", "0.00", parent_item_id=first),
    )


def _service(order_id: str, first: int) -> SandboxOrder:
    return _made_of(order_id, _item(first, "LAMP", "39.90"), _item(first + 1, "ASSEMBLY", "15.00", item_type="virtual"))


def _services_only(order_id: str, first: int) -> SandboxOrder:
    return _made_of(order_id, _item(first, "COURSE", "99.00", item_type="downloadable"), fee="0.00")


def _transfer(order_id: str, first: int) -> SandboxOrder:
    return _made_of(order_id, _item(first, "VASE", "30.00", warehouse_code="outlet"))


def _parts(order_id: str, first: int) -> SandboxOrder:
    made = _made_of(order_id, _item(first, "MUG", "12.00", 2), _item(first + 1, "TEA", "4.50", 3))
    return replace(made, parts=({first: Decimal(2)}, {first + 1: Decimal(3)}))


def _equal_parts(order_id: str, first: int) -> SandboxOrder:
    made = _made_of(order_id, _item(first, "MUG", "12.00", 4), fee="0.00")
    return replace(made, parts=({first: Decimal(2)}, {first: Decimal(2)}))


def _midnight(order_id: str, first: int) -> SandboxOrder:
    return replace(_made_of(order_id, _item(first, "MUG", "12.00")), shipped_at="2026-03-31T22:30:00Z")


def _free(order_id: str, first: int) -> SandboxOrder:
    return _made_of(order_id, _item(first, "MUG", "12.00"), _item(first + 1, "SAMPLE", "0.00"))


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        "bundle": Scenario("a bundle and what is in it, priced on what is in it", _bundle),
        "set": Scenario("a bundle and what is in it, priced on the bundle", _set),
        "service": Scenario("a lamp, and a service that no warehouse keeps", _service),
        "services_only": Scenario("a service and nothing else", _services_only),
        "transfer": Scenario("its goods lie in the outlet", _transfer),
        "parts": Scenario("two lines that ship in two parcels", _parts),
        "equal_parts": Scenario("four pieces of one line that ship as two and two", _equal_parts),
        "midnight": Scenario("shipped on 1 April in Bratislava, on 31 March in UTC", _midnight),
        "free": Scenario("a sample for 0.00 beside a mug", _free),
    }
)
