"""An order to try the statements on: a real one out of ShipperOne's queues, or one piece of named goods."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp import FulfillmentOrder, OrderItem, Party
from shipperone_erp.config import TenantSettings
from shipperone_erp.errors import UsageError
from shipperone_erp.shipperone.answers import ReadFailed
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.reading import QueueReader


@dataclass(frozen=True, slots=True)
class Goods:
    """What a sample order is about."""

    sku: str
    warehouse: str
    currency: str


def sample(goods: Goods) -> FulfillmentOrder:
    """One piece for 10.00 and 4.99 for its shipping."""
    item = OrderItem(
        item_id=1, sku=goods.sku, name="Dry run", qty=Decimal(1), price_incl_tax=Decimal("10.00"),
        row_total_incl_tax=Decimal("10.00"), tax_percent=Decimal(21),
    )  # fmt: skip
    party = Party(name="Dry Run", street="Nowhere 1", city="Nowhere", postcode="00000", country="SK")
    return FulfillmentOrder(
        order_id="FO-DRY-RUN", warehouse_code=goods.warehouse, items=(item,), currency=goods.currency,
        shipping_amount_incl_tax=Decimal("4.99"), total_incl_tax=Decimal("14.99"), order_number="DRY-RUN",
        customer=party, billing=party, shipping=party,
    )  # fmt: skip


def listed(settings: TenantSettings, order_id: str) -> FulfillmentOrder:
    """The order of that id as one of the tenant's queues lists it. UsageError if none does, or none can be read."""
    return asyncio.run(_listed(settings, order_id))


async def _listed(settings: TenantSettings, order_id: str) -> FulfillmentOrder:
    client = ShipperOne(settings.name, settings.base_url, settings.store_code, settings.token, settings.fields)
    try:
        for stage in settings.stages:
            found = (await QueueReader(client, stage).read()).orders.get(order_id)
            if found is not None:
                return found.order
    except ReadFailed as failure:
        raise UsageError(f"order {order_id} cannot be read: {failure.sentence}") from None
    finally:
        await client.aclose()
    raise UsageError(f"order {order_id} is in none of the queues; leave --order out to try a sample order")
