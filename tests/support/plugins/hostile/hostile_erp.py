"""The connector that does everything wrong: whichever fault its settings name, on top of an honest one."""

from typing import Any

import hostile_at_import
import hostile_claims
import hostile_crashes
import hostile_figures
import hostile_goods
import hostile_lists
import hostile_manners
import hostile_outages
import hostile_papers
import hostile_releasing
import hostile_secrets
import hostile_stock
from honest_erp import HonestConnector, HonestSettings

from shipperone_erp import Connector

MODULES = (
    hostile_manners, hostile_secrets, hostile_claims, hostile_stock, hostile_goods, hostile_papers, hostile_figures,
    hostile_releasing, hostile_outages, hostile_crashes, hostile_lists, hostile_at_import,
)  # fmt: skip

FAULTS: dict[str, type[Any]] = {
    name: found
    for module in MODULES
    for name, found in vars(module).items()
    if isinstance(found, type) and issubclass(found, Connector) and "caught_by" in vars(found)
}


class HostileSettings(HonestSettings):
    """An honest ERP, and what is done wrong with it."""

    fault: str


class HostileConnector(HonestConnector, Connector[HostileSettings]):
    """Made by its name in a tenant's TOML; it is really a connector of its fault's class."""

    def __new__(cls, settings: Any, **given: Any) -> Any:
        return FAULTS[settings.fault](settings, **given)
