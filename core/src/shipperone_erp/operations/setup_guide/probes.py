"""Checks the answers of `init` against ShipperOne and the connector: the address, the token, the queues."""

from collections.abc import Sequence
from typing import Any

import httpx

from shipperone_erp.config import TenantSettings
from shipperone_erp.connector import discovery
from shipperone_erp.connector.api import settings_type
from shipperone_erp.connector.setup import Question, Setup, SetupDone
from shipperone_erp.domain.hook_answers import ConnectorError
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.kernel.errors import PluginRefused
from shipperone_erp.operations.connection import wrong_part
from shipperone_erp.operations.inspect.queue_reading import read_queues
from shipperone_erp.operations.inspect.results import Queues
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import connected
from shipperone_erp.shipperone.http_exchange import RESPONSE_AT_MOST, ExchangeLimits
from shipperone_erp.shipperone.lost_answers import lost_read

ANSWERS_WITHIN = 10.0


def answers_at(base_url: str) -> bool:
    """True. ValueError if nothing answers at that address."""
    try:
        httpx.get(base_url, timeout=ANSWERS_WITHIN)
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        raise ValueError(f"{lost_read(failure, base_url).sentence}; check the address and the network") from None
    return True


async def warehouses_of(settings: TenantSettings) -> Sequence[Any] | None:
    """The warehouses; None if the token may not read them. ValueError names the faulty part of the connection."""
    try:
        async with connected(Account.of(settings), ExchangeLimits(timeout=ANSWERS_WITHIN)) as client:
            return await client.warehouses()
    except ReadFailed as failure:
        wrong = wrong_part(failure, settings.base_url, settings.store_code)
        if wrong is None:
            return None
        if wrong.part == "token":
            raise ValueError(f"{failure.sentence}; is it the token of this store?") from None
        raise ValueError(f"{wrong.part}: {failure.sentence}; {wrong.cure}") from None


async def listed_queues(settings: TenantSettings) -> Queues:
    """Both queues. ValueError if the token may not read one."""
    try:
        return await read_queues(settings, max_response=RESPONSE_AT_MOST)
    except ReadFailed as failure:
        raise ValueError(f"{failure.sentence}; does the token have the scope to read this queue?") from None


def ask_connector(name: str, setup: Setup) -> Question | SetupDone:
    """The next question of the connector itself, or its settings. ValueError explains an invalid answer."""
    found = discovery.load_connector(name)
    try:
        step = found.setup(setup)
    except (ValueError, ConnectorError, PluginRefused):
        raise
    except Exception as error:
        raise ValueError(f"the questions of {name} raised {type(error).__name__}; ask its author") from None
    if isinstance(step, SetupDone) and not step.toml:
        settings_type(found).model_validate(dict(step.settings), context={"base": setup.folder})
    return step
