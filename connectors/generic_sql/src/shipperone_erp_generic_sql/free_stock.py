"""The quantity of goods that no order has reserved yet, by the query `available` for each of them."""

from collections.abc import Sequence
from decimal import Decimal

from shipperone_erp import FreeStock, FulfillmentOrder, Goods, OrderItem, Reason, Refused
from shipperone_erp.tools import label
from shipperone_erp_generic_sql.step_execution import Work


def as_order(goods: Sequence[Goods]) -> FulfillmentOrder:
    """An order with one piece of each, which supplies the binds of `available`."""
    items = tuple(
        OrderItem(item_id=number, sku=each.sku, qty=Decimal(1), warehouse_code=each.warehouse_code)
        for number, each in enumerate(goods, start=1)
    )
    return FulfillmentOrder(order_id="", warehouse_code=goods[0].warehouse_code if goods else "", items=items)


def free_stock(work: Work) -> list[FreeStock]:
    """The quantity for each item of the call's order. An SKU without an entry in its table of `maps` is unknown."""
    return [_free(work, number) for number in range(len(work.lines))]


def _free(work: Work, number: int) -> FreeStock:
    line = work.lines[number]
    sku, warehouse = line.item.sku, line.warehouse_code
    try:
        free = work.figure(line)
    except Refused as refused:
        return FreeStock(sku, warehouse, None, refused.reason, refused.sentence)
    if free is None:
        sentence = f"the ERP has no such product, or never had it there: SKU {label(sku)} in {label(warehouse)}"
        return FreeStock(sku, warehouse, None, Reason.PRODUCT_UNKNOWN, sentence)
    return FreeStock(sku, warehouse, max(free, Decimal(0)))
