"""Checks whether the day of supply of an invoice is plausible. Pure.

With `tax_date = "shipped"` the day comes from ShipperOne. It must not be more than a day later than the order's first
listing, nor more than a day earlier than the acceptance of its allocation, nor, without an allocation in the ledger,
older than `oldest_date`. Every other implausible date counts as absent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

from shipperone_erp.domain.field_places import order_field
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.json_object import JsonObject
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.rules import TenantRules
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.dates import YEARS, Zones
from shipperone_erp.kernel.durations import words
from shipperone_erp.kernel.frozen import with_fields

MARGIN = timedelta(days=1)
"""The tolerated difference between clocks, time zones and queues."""


@dataclass(frozen=True, slots=True)
class Window:
    """The period in which an order can have shipped. `since` describes its lower bound."""

    first_listed_at: datetime
    earliest: datetime
    since: str

    @classmethod
    def of(cls, rules: TenantRules, first_listed_at: datetime, allocated_at: datetime | None) -> Self:
        """`allocated_at`: see `allocation_accepted_at`."""
        if allocated_at is not None:
            since = f"its allocation was accepted ({allocated_at:%Y-%m-%d %H:%M} UTC)"
            return cls(first_listed_at, allocated_at - MARGIN, f"more than a day before {since}")
        since = f"it was first listed ({first_listed_at:%Y-%m-%d %H:%M} UTC)"
        lower = f"more than {words(rules.oldest_date)} before {since}, and the ledger holds no allocation of it"
        return cls(first_listed_at, _earlier(first_listed_at, rules.oldest_date), lower)

    def against(self, moment: datetime) -> str | None:
        """The reason why nothing can have shipped at that moment; None if it can."""
        if moment > self.first_listed_at + MARGIN:
            return self._late
        return self.since if moment < self.earliest else None

    def against_day(self, day: date, zones: Zones) -> str | None:
        """The same for a day in the tenant's time zone."""
        if day > (self.first_listed_at + MARGIN).astimezone(zones.local).date():
            return self._late
        return self.since if day < self.earliest.astimezone(zones.local).date() else None

    @property
    def _late(self) -> str:
        return f"more than a day after the order was first listed ({self.first_listed_at:%Y-%m-%d %H:%M} UTC)"


def allocation_accepted_at(allocations: Iterable[Job]) -> datetime | None:
    """The earliest time at which goods of the order may have left; None where the ledger holds no usable allocation.

    Of an inferred acceptance only the first listing is certain. An allocation made elsewhere may have left earlier.
    """
    accepted = [job for job in allocations if job.accepted and not job.adopted]
    moments = [job.first_listed_at if job.inferred else job.accepted_at for job in accepted]
    return min((moment for moment in moments if moment is not None), default=None)


def implausible(
    order: FulfillmentOrder,
    rules: TenantRules,
    window: Window,
    *,
    fixed: date | None = None,
    listed: str | None = None,
) -> str | None:
    """The reason why the day of supply is implausible, as a sentence; None if it is plausible.

    `fixed`: the day that the invoice was begun with. `listed`: the date as ShipperOne lists it.
    """
    if rules.tax_date != "shipped":
        return None
    zones = Zones.of(rules.timezone, rules.dates_without_zone)
    if fixed is not None:
        why = window.against_day(fixed, zones)
        return why and f"its invoice was begun with {fixed} as the day of supply, {why}"
    if order.shipped_at is not None:
        why = window.against(order.shipped_at)
        return why and f"ShipperOne lists {listed or order.shipped_at.isoformat()} as its shipped_at, {why}"
    place = order_field("shipped_at", rules.fields_of(Stage.INVOICE))
    _, unread = JsonObject(order.extra, "an order").moment(place, zones)
    return unread and f"ShipperOne lists {repr(unread)[:60]} as its shipped_at, which is not a possible date"


def believed(order: FulfillmentOrder, job: Job) -> FulfillmentOrder:
    """The order without implausible dates and without a date that an operator has replaced.

    A date is implausible if it is more than a day later than the order's first listing, or outside `YEARS`.
    """
    ordered_at, shipped_at = (
        moment if can_be_true(moment, job.first_listed_at) else None for moment in (order.ordered_at, order.shipped_at)
    )
    if job.supply_date is not None:
        shipped_at = None
    if ordered_at is order.ordered_at and shipped_at is order.shipped_at:
        return order
    return with_fields(order, ordered_at=ordered_at, shipped_at=shipped_at)


def can_be_true(moment: datetime | None, first_listed_at: datetime) -> bool:
    """A plausible date of an order that was first listed then: within the range of `YEARS`, not in the future."""
    return moment is not None and moment.year in YEARS and moment <= first_listed_at + MARGIN


def _earlier(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment - by
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
