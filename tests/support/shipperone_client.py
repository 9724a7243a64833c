"""A client for a server of a test, as the engine composes one for a tenant."""

from typing import Any

from pydantic import SecretStr

from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.http_exchange import ExchangeLimits, HttpExchange
from shipperone_erp.shipperone.pacing import Pacing
from shipperone_erp.shipperone.rate_limit import PATIENCE

TENANT = "acme"


def client_of(
    base_url: str, token: str = "token", *, patience: float = PATIENCE, time: TimeSource = MACHINE_TIME, **limits: Any
) -> ShipperOne:
    """For tenant `acme`. `limits` are those of `ExchangeLimits`."""
    account = Account(TENANT, base_url, "default", SecretStr(token))
    exchange = HttpExchange(account.root, ExchangeLimits(**limits), time=time)
    return ShipperOne(account, exchange, Pacing(patience=patience, time=time), time=time)
