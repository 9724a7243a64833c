"""The bodies of requests to ShipperOne, to the byte: exactly those of the guide and nothing more."""

from collections.abc import Sequence
from decimal import Decimal

from shipperone_erp.kernel.json import dumps


def allocation_body(order_id: str, item_ids: Sequence[int | str]) -> bytes:
    """Confirms that stock is reserved for these items."""
    return f'{{"order":{{{_which(order_id, item_ids)}}}}}'.encode()


def invoice_body(order_id: str, item_ids: Sequence[int | str], shipping_amount_incl_tax: Decimal) -> bytes:
    """Requests the invoicing of these items with this shipping amount, written with its own decimals."""
    # not by `dumps`: as a JSON number a Decimal of 1E+2 would keep its exponent
    amount = f"{shipping_amount_incl_tax:f}"
    return f'{{"order":{{{_which(order_id, item_ids)},"shipping_amount_incl_tax":{amount}}}}}'.encode()


def _which(order_id: str, item_ids: Sequence[int | str]) -> str:
    items = [{"item_id": item_id} for item_id in item_ids]
    return f'"order_id":{dumps(order_id)},"items":{dumps(items)}'
