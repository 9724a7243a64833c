"""The goods that a tenant's ERP has, and their free quantities, before any processing. Changes nothing."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shipperone_erp.config import TenantSettings
from shipperone_erp.connector.host import TenantPlugins
from shipperone_erp.domain.hook_answers import ConnectorError, FreeStock
from shipperone_erp.domain.hook_requests import Goods
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.kernel.errors import ShipperOneErpError
from shipperone_erp.kernel.offload import aside

AT_ONCE = 200
"""The largest number of goods in one call of the connector."""

ANSWERS_WITHIN = 60.0
"""Time limit in seconds for all calls together."""


@dataclass(frozen=True, slots=True)
class ErpStock:
    """The ERP's answer by goods. `why_not`: the reason for a missing answer, as a sentence; else empty.

    `can_tell` is False if the connector does not implement the query.
    """

    found: Mapping[Goods, FreeStock] = field(default_factory=dict)
    why_not: str = ""
    can_answer: bool = True


def goods_of(order: FulfillmentOrder) -> list[Goods]:
    """The goods of each item of the order, with their warehouse."""
    return [Goods(item.sku, order.source_warehouse(item)) for item in order.items]


async def ask(settings: TenantSettings, goods: Iterable[Goods]) -> ErpStock:
    """Query the tenant's ERP. Never raises for an error of a connector: `why_not` holds it."""
    wanted = sorted(set(goods), key=lambda one: (one.warehouse_code, one.sku))
    try:
        return await asyncio.wait_for(aside(lambda: _asked(settings, wanted)), ANSWERS_WITHIN)
    except TimeoutError:
        return ErpStock(why_not=f"the ERP did not answer within {ANSWERS_WITHIN:g} s")


def _asked(settings: TenantSettings, wanted: list[Goods]) -> ErpStock:
    try:
        plugins = TenantPlugins.create(settings.name, settings.connector, settings.connector_settings, {})
    except ShipperOneErpError as refused:
        return ErpStock(why_not=str(refused))
    found: dict[Goods, FreeStock] = {}
    try:
        for start in range(0, len(wanted), AT_ONCE):
            answer = plugins.free_stock(wanted[start : start + AT_ONCE])
            if answer is None:
                sentence = f"connector {settings.connector} cannot determine it with its settings"
                return ErpStock(why_not=sentence, can_answer=False)
            found.update(answer)
    except ConnectorError as error:
        return ErpStock(why_not=error.sentence)
    except ShipperOneErpError as violation:
        return ErpStock(why_not=str(violation))
    finally:
        plugins.close()
    return ErpStock(found)
