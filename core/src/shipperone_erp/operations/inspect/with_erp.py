"""Adds the ERP's answer about the listed goods to an inspection. Reads only."""

from dataclasses import replace

from shipperone_erp.config import TenantSettings
from shipperone_erp.operations.inspect.erp_knowledge import knowledge
from shipperone_erp.operations.inspect.results import Inspection
from shipperone_erp.operations.stock_overview import ask


async def with_erp(settings: TenantSettings, found: Inspection) -> Inspection:
    """The inspection with the ERP's answer; unchanged if no goods are listed."""
    if not found.goods:
        return found
    return replace(found, erp=knowledge(found.goods, await ask(settings, found.goods)))
