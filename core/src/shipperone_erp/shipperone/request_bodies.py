"""The bodies of requests to ShipperOne, to the byte: exactly those of the guide and nothing more."""

from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json import dumps


def confirmation_body(stage: Stage, order: FulfillmentOrder) -> bytes:
    """Confirms that stock is reserved for the order's items, or requests their invoicing with its shipping amount.

    ValueError for an invoice without a shipping amount: such an order must have been held before this step.
    """
    items = [{"item_id": item.item_id} for item in order.items]
    which = f'"order_id":{dumps(order.order_id)},"items":{dumps(items)}'
    if stage is Stage.ALLOCATION:
        return f'{{"order":{{{which}}}}}'.encode()
    if order.shipping_amount_incl_tax is None:
        raise ValueError("an order without a shipping amount must have been held before this step")
    # with its own decimals, and not by `dumps`: as a JSON number a Decimal of 1E+2 would keep its exponent
    return f'{{"order":{{{which},"shipping_amount_incl_tax":{order.shipping_amount_incl_tax:f}}}}}'.encode()
