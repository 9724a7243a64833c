"""Two orders under one id: their descriptions in a sentence, so that neither is processed in place of the other."""

from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.order import FulfillmentOrder


def described(order: FulfillmentOrder) -> str:
    """'1 of MUG (item 11) in WH, shipping 4.99, total 14.99': distinguishes an order, without personal data."""
    items = ", ".join(f"{plain(item.qty)} of {item.sku} (item {item.item_id})" for item in order.items)
    words = f"{items} in {order.warehouse_code}"
    if order.shipping_amount_incl_tax is not None:
        words += f", shipping {order.shipping_amount_incl_tax}"
    return words if order.total_incl_tax is None else f"{words}, total {order.total_incl_tax}"


def listed_twice(order_id: str, first: str, second: str) -> str:
    """The sentence about an id that two orders share; `first` and `second` describe them."""
    return (
        f"order {order_id} is listed twice, as two different orders: {first}; and {second}. Neither is processed until "
        "the id identifies one order; then it proceeds automatically. Have ShipperOne correct its listing, or set "
        "`order_id` in the tenant's table of fields to a field that distinguishes them"
    )
