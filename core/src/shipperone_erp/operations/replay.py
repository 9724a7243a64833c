"""Lists the orders of a file in the sandbox, with the expected content of their confirmations. Pure.

They are read by a tenant's mapping, or else by the mapping that `inspect` finds. An order that cannot be read is listed
too, but its confirmation is rejected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from shipperone_erp.config import TenantSettings
from shipperone_erp.connector.api import NoSettings
from shipperone_erp.connector.secret import Secret
from shipperone_erp.domain.field_places import Places
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json import dumps
from shipperone_erp.operations.inspect.field_search import items_of, places_in_item, places_in_order
from shipperone_erp.operations.inspect.inspection import applied, inspect
from shipperone_erp.operations.inspect.results import Queues
from shipperone_erp.sandbox.orders import Replayed, SandboxItem, SandboxOrder
from shipperone_erp.shipperone.order_parser import OrderWire, Unreadable

PENDING = {Stage.ALLOCATION: "pending_allocation", Stage.INVOICE: "pending_invoice"}


def found_settings(queues: Queues) -> TenantSettings:
    """Settings without a tenant, with the mapping by which most of these orders add up."""
    defaults = TenantSettings(
        name="file", base_url="https://file.invalid", token=Secret("file"), connector="none",
        connector_settings=NoSettings(), policy_settings={},
    )  # fmt: skip
    return applied(defaults, inspect(defaults, queues).proposal)


def orders_in(queues: Queues, settings: TenantSettings) -> Iterator[FulfillmentOrder]:
    """The readable orders of the file, shipped ones first."""
    for stage in (Stage.INVOICE, Stage.ALLOCATION):
        wire = OrderWire.of(settings, stage)
        for raw in queues.orders.get(stage, ()):
            try:
                yield wire.read(raw)
            except Unreadable:
                continue


def replayed(queues: Queues, settings: TenantSettings) -> list[Replayed]:
    """Each order in its queue. An order that waits for stock is in `pending_invoice` once allocated and shipped."""
    listed: dict[str, Replayed] = {}
    for stage in (Stage.INVOICE, Stage.ALLOCATION):
        wire = OrderWire.of(settings, stage)
        for number, raw in enumerate(queues.orders.get(stage, ()), 1):
            text = dumps(raw)
            try:
                order = wire.read(raw)
            except Unreadable as why:
                name = why.order_id or f"unreadable-{stage}-{number}"
                blank = SandboxOrder(order_id=name, items=(SandboxItem(id="unreadable", sku="unreadable"),))
                listed.setdefault(name, Replayed(blank, stage.value, {PENDING[stage]: text}))
                continue
            texts = {PENDING[stage]: text}
            if stage is Stage.ALLOCATION:
                texts[PENDING[Stage.INVOICE]] = dumps(_shipped(raw, settings))
            listed.setdefault(order.order_id, Replayed(_to_confirm(order), stage.value, texts))
    return list(listed.values())


def _to_confirm(order: FulfillmentOrder) -> SandboxOrder:
    items = tuple(SandboxItem(id=item.item_id, sku=item.sku, qty=item.qty) for item in order.items)
    blank = SandboxOrder(order_id=order.order_id, items=items, warehouse_code=order.warehouse_code)
    return replace(blank, shipping_amount_incl_tax=order.shipping_amount_incl_tax or Decimal(0))


def _shipped(raw: Mapping[str, Any], settings: TenantSettings) -> Mapping[str, Any]:
    """The order as the other queue would list it: its ordered quantity is shipped, under that queue's field name."""
    before, after = Places(settings.fields_of(Stage.ALLOCATION)), Places(settings.fields_of(Stage.INVOICE))
    at = places_in_order(raw, before).get("items", "")
    quantity = settings.fields_of(Stage.INVOICE).get("qty")
    items = items_of(raw, before)
    if quantity is None or "." in quantity or "." in at or after.order["items"].named != before.order["items"].named:
        return raw
    moved = [{**item, quantity: item.get(places_in_item(item, before).get("qty", ""))} for item in items]
    return {**raw, at: moved}
