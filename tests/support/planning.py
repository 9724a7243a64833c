"""Listings, jobs and decisions, for tests of the planner."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

from job_rows import varied
from shipperone_erp import FulfillmentOrder, OrderItem
from shipperone_erp.domain.decisions import (
    Start,
)
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import fingerprint
from shipperone_erp.domain.listing import Listed, Listing
from shipperone_erp.domain.planner import plan
from shipperone_erp.domain.planner_input import PlannerInput, PlannerRules
from shipperone_erp.domain.states import Stage
from tenants import tenant

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


MINUTE = timedelta(minutes=1)


def scope(stage: Stage = Stage.ALLOCATION, **changes) -> PlannerRules:
    return PlannerRules(tenant(**{"settle": MINUTE, "gone_grace": timedelta(hours=2), **changes}), stage)


def order(order_id: str = "FO-1", *qty: int, first_id: int = 1, shipping: str = "4.99", **fields) -> FulfillmentOrder:
    items = tuple(
        OrderItem(item_id=first_id + n, sku=f"SKU-{first_id + n}", qty=D(q), price_incl_tax=D("10.00"))
        for n, q in enumerate(qty or (1,))
    )
    return FulfillmentOrder(order_id, "main", items, shipping_amount_incl_tax=D(shipping), **fields)


def listing(
    *orders: FulfillmentOrder, at: datetime = NOW, proves: bool = True, unreadable=(), complete: bool = True, doubt=None
):
    return Listing(
        stage=Stage.ALLOCATION,
        began_at=at,
        orders={o.order_id: Listed(order=o, fingerprint=fingerprint(o)) for o in orders},
        unreadable=tuple(unreadable),
        complete=complete,
        proves_absence=proves,
        alert=None,
        doubt=doubt,
    )


def started(given: FulfillmentOrder, stage: Stage = Stage.ALLOCATION, **changes) -> Job:
    (decision,) = plan(scope(stage), listing(given), PlannerInput(), NOW)
    assert isinstance(decision, Start)
    return varied(decision.job, **changes)


def decide(read: Listing, *jobs: Job, stage: Stage = Stage.ALLOCATION, now: datetime = NOW, changes=None, **memory):
    (decision,) = plan(scope(stage, **(changes or {})), read, PlannerInput(jobs=jobs, **memory), now)
    return decision
