"""An inspection with what the tenant's ERP says of the goods that are listed. Reads only."""

from dataclasses import replace

from shipperone_erp.config import TenantSettings
from shipperone_erp.operations.free_stock import ask
from shipperone_erp.operations.inspect.erp_knowledge import knowledge
from shipperone_erp.operations.inspect.findings import Inspection


async def with_erp(settings: TenantSettings, found: Inspection) -> Inspection:
    """The same, and what the ERP knows; as it is where nothing is listed."""
    if not found.goods:
        return found
    return replace(found, erp=knowledge(found.goods, await ask(settings, found.goods)))
