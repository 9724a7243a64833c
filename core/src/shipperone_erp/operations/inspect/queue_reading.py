"""Reads a tenant's queues over the network, as they are listed now. Changes nothing."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json import dumps
from shipperone_erp.operations.inspect.results import Queues, distinct
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import ShipperOne, connected
from shipperone_erp.shipperone.http_exchange import ExchangeLimits
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import PAGES_AT_MOST, QueueReader


async def read_queues(settings: TenantSettings, *, max_response: int) -> Queues:
    """Every page of both queues; `failed` and the warehouses if the token permits. ReadFailed if a queue is refused."""
    seen: dict[Stage, list[Any]] = {stage: [] for stage in settings.stages}
    failed: list[Any] | None = None
    warehouses: Sequence[Any] | None = None
    async with connected(Account.of(settings), ExchangeLimits(max_response=max_response)) as client:
        for stage in settings.stages:
            wire = OrderWire.of(settings, stage)
            await QueueReader(client, stage, wire, rows=seen[stage].extend).read()
        with suppress(ReadFailed):
            failed = await _failed(client)
        with suppress(ReadFailed):
            warehouses = await client.warehouses()
    return Queues({stage: distinct(rows) for stage, rows in seen.items()}, failed, warehouses)


async def _failed(client: ShipperOne) -> list[Any]:
    """The pages of `failed`, until one contains no new order."""
    found: dict[str, Any] = {}
    for number in range(1, PAGES_AT_MOST + 1):
        page = {dumps(row): row for row in await client.evidence_page("failed", number)}
        if page.keys() <= found.keys():
            break
        found.update(page)
    return list(found.values())
