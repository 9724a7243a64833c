"""Orders under one set of settings: read by the order parser, checked by the checks of the invoice stage. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.amounts.discount_readings import settled
from shipperone_erp.domain.amounts.listed_amounts import cleaned
from shipperone_erp.domain.invoice_checks.remainder import unexplained
from shipperone_erp.domain.line_selection import sort_out
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.recorded_jobs import Recorded
from shipperone_erp.domain.states import Stage
from shipperone_erp.operations.inspect.results import Raw
from shipperone_erp.operations.invoice_obstacles import standing_against
from shipperone_erp.shipperone.order_parser import OrderWire, Unreadable


@dataclass(frozen=True)
class Judged:
    """One order as parsed, and the obstacle to it. `explained`: it matches its listed total."""

    raw: Raw = field(repr=False)
    order: FulfillmentOrder | None = field(repr=False)
    order_id: str | None
    reason: Reason | None
    sentence: str | None
    explained: bool

    @property
    def held(self) -> bool:
        """Whether it would be held."""
        return self.reason is not None


@dataclass(frozen=True)
class Verdict:
    """All orders of one queue under one set of settings."""

    orders: tuple[Judged, ...]

    @cached_property
    def explained(self) -> int:
        """The number of orders that match their listed total."""
        return sum(each.explained for each in self.orders)

    @cached_property
    def held(self) -> int:
        """The number of orders that would be held."""
        return sum(each.held for each in self.orders)

    @cached_property
    def reasons(self) -> Counter[Reason]:
        """The number of held orders by reason."""
        return Counter(each.reason for each in self.orders if each.reason is not None)


def with_fields(settings: TenantSettings, stage: Stage, fields: Mapping[str, str], **others: Any) -> TenantSettings:
    """The tenant's settings with these places for one queue, and other settings to be tried."""
    return settings.model_copy(update={"queue_fields": {**settings.queue_fields, stage: fields}, **others})


def judge(settings: TenantSettings, stage: Stage, rows: Sequence[Raw]) -> Verdict:
    """The verdict on these orders. Their history is unknown."""
    wire = OrderWire.of(settings, stage)
    return Verdict(tuple(_judged(settings, stage, raw, wire, Recorded()) for raw in rows))


def _judged(settings: TenantSettings, stage: Stage, raw: Raw, wire: OrderWire, recorded: Recorded) -> Judged:
    try:
        order = wire.read(raw)
    except Unreadable as why:
        return Judged(raw, None, why.order_id, Reason.ORDER_UNREADABLE, why.sentence, False)
    found = standing_against(stage, order, settings, recorded)
    explained = adds_up(order, settings)
    reason, sentence = (found.reason, found.sentence) if found else (None, None)
    return Judged(raw, order, order.order_id, reason, sentence, explained)


def adds_up(order: FulfillmentOrder, settings: TenantSettings) -> bool:
    """Whether it lists a total, and matches it under the reading of its discounts that is set or proven."""
    goods = sort_out(order, settings)
    currency = order.currency or settings.currency
    invoiced = cleaned(goods.invoiced, currency, tolerance=settings.tolerance)
    if invoiced.total_incl_tax is None or goods.unclear or goods.incomplete:
        return False
    if invoiced.shipping_amount_incl_tax is None:
        return False
    discount = settled(invoiced, currency, settings.discount, tolerance=settings.tolerance)
    if discount is None or any(i.row_total_incl_tax is None and i.price_incl_tax is None for i in invoiced.items):
        return False
    return unexplained(invoiced, currency, settings, discount) is None
