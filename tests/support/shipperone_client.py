"""A client for a server of a test, as the engine composes one for a tenant."""

from typing import Any

from pydantic import SecretStr

from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.http_exchange import ExchangeLimits, HttpExchange
from shipperone_erp.shipperone.open_connections import Origins
from shipperone_erp.shipperone.pacing import Pacing
from shipperone_erp.shipperone.rate_limit import PATIENCE

TENANT = "acme"


def client_of(
    base_url: str,
    token: str = "token",
    *,
    patience: float = PATIENCE,
    time: TimeSource = MACHINE_TIME,
    origins: Origins | None = None,
    **limits: Any,
) -> ShipperOne:
    """For tenant `acme`. `limits` are those of `ExchangeLimits`; `origins`: of a process that has other tenants too."""
    account = Account(TENANT, base_url, "default", SecretStr(token))
    shared = origins.connections(account.root) if origins is not None else None
    exchange = HttpExchange(account.root, ExchangeLimits(**limits), connections=shared, time=time)
    return ShipperOne(account, exchange, Pacing(patience=patience, time=time), time=time)
