"""A client for a server of a test, as the engine composes one for a tenant."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from shipperone_erp import FulfillmentOrder, OrderItem
from shipperone_erp.domain.post_answer import PostAnswer
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.http_exchange import ExchangeLimits, HttpExchange
from shipperone_erp.shipperone.open_connections import Origins
from shipperone_erp.shipperone.rate_limit import PATIENCE, Pacing
from shipperone_erp.shipperone.request_bodies import confirmation_body

TENANT = "acme"


class Calling(ShipperOne):
    """Single calls, as a test wants them: a page with its entries, a confirmation of a few ids."""

    async def page(self, stage: Stage, number: int) -> Sequence[Any]:
        """The entries of one page of a queue, the first being 1, as ShipperOne lists them. ReadFailed if none came."""
        return list(self.entries_of(await self.page_body(stage, number), stage, number))

    async def allocate(self, order_id: str, item_ids: Sequence[int | str]) -> PostAnswer:
        """Confirm that stock is reserved for these items."""
        return await self._confirm(Stage.ALLOCATION, order_id, item_ids, None)

    async def invoice(self, order_id: str, item_ids: Sequence[int | str], shipping: Decimal) -> PostAnswer:
        """Request the invoicing of these items."""
        return await self._confirm(Stage.INVOICE, order_id, item_ids, shipping)

    async def _confirm(self, stage: Stage, order_id: str, ids: Sequence[int | str], shipping: Decimal | None):
        items = tuple(OrderItem(item_id=item_id, sku="MUG", qty=Decimal(1)) for item_id in ids)
        order = FulfillmentOrder(order_id, "main", items, shipping_amount_incl_tax=shipping)
        return await self.confirm(stage, confirmation_body(stage, order))


def client_of(
    base_url: str,
    token: str = "token",
    *,
    patience: float = PATIENCE,
    time: TimeSource = MACHINE_TIME,
    origins: Origins | None = None,
    **limits: Any,
) -> Calling:
    """For tenant `acme`. `limits` are those of `ExchangeLimits`; `origins`: of a process that has other tenants too."""
    account = Account(TENANT, base_url, "default", SecretStr(token))
    shared = origins.connections(account.root) if origins is not None else None
    exchange = HttpExchange(account.root, ExchangeLimits(**limits), connections=shared, time=time)
    return Calling(account, exchange, Pacing(patience=patience, time=time), time=time)
