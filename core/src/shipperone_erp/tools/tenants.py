"""Loads one tenant of a configuration file, for a command that a connector adds."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from shipperone_erp.config import TenantSettings, load
from shipperone_erp.connector.api import ConnectorSettings
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.kernel.errors import ConfigurationError, UsageError
from shipperone_erp.ledger.served_tenants import tenants_served
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import connected
from shipperone_erp.shipperone.http_exchange import ExchangeLimits
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import QueueReader

SettingsT = TypeVar("SettingsT", bound=ConnectorSettings)


@dataclass(frozen=True, slots=True)
class Tenant(Generic[SettingsT]):
    """A tenant with the connector's own settings. `currency`: the tenant's, if it has set one."""

    name: str
    settings: SettingsT
    currency: str | None
    whole: TenantSettings = field(repr=False)
    """All of the tenant's settings, for the functions of this package."""


def load_tenant(file: Path, name: str, settings: type[SettingsT], *, connector: str) -> Tenant[SettingsT]:
    """The tenant of that name, with this connector and settings of that class.

    UsageError if the tenant does not exist or has another connector, ConfigurationError if its settings are invalid.
    """
    loaded = load(file, tenants_may_fail=True, served=tenants_served)
    whole = loaded.tenants.get(name)
    if whole is None:
        of_it = tuple(problem for problem in loaded.problems if problem.tenant == name)
        if of_it:
            raise ConfigurationError(of_it)
        raise UsageError(f"there is no tenant {name}; the configuration names {', '.join(sorted(loaded.tenants))}")
    own = whole.connector_settings
    if not isinstance(own, settings):
        raise UsageError(f"tenant {name} has the connector {whole.connector}; this command is for {connector}")
    return Tenant(name, own, whole.currency, whole)


def listed_order(tenant: Tenant[SettingsT], order_id: str) -> FulfillmentOrder:
    """The order of that id in one of the tenant's queues. UsageError if no queue lists it, or none can be read."""
    return asyncio.run(_listed(tenant.whole, order_id))


async def _listed(settings: TenantSettings, order_id: str) -> FulfillmentOrder:
    try:
        async with connected(Account.of(settings), ExchangeLimits()) as client:
            for stage in settings.stages:
                reader = QueueReader(client, stage, OrderWire.of(settings, stage))
                found = (await reader.read()).orders.get(order_id)
                if found is not None:
                    return found.order
    except ReadFailed as failure:
        raise UsageError(f"order {order_id} cannot be read: {failure.sentence}") from None
    raise UsageError(f"order {order_id} is in none of the queues; leave --order out to try a sample order")
