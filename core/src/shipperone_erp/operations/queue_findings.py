"""Contents of the queues that a tenant's settings do not cover, and implausible dates: warnings of `doctor`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.amounts.discount_readings import together
from shipperone_erp.domain.invoice_checks.listed_taxes import states_tax
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.line_selection import lost_by, sort_out
from shipperone_erp.domain.listing import Listing
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.domain.supply_date import Window, allocation_accepted_at, can_be_true, implausible
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.installation_checks import Line, warning_line
from shipperone_erp.shipperone.order_parser import DATES
from shipperone_erp.shipperone.unmatched_fields import missed

ON_UTC = frozenset(
    {"GB", "IE", "PT", "IS", "GG", "JE", "IM", "FO"}
    | {"GH", "SN", "CI", "ML", "BF", "TG", "GM", "GN", "GW", "LR", "SL", "MR"}
)
"""Countries on UTC for at least half of the year: they cause no warning about the time zone."""


def findings(
    settings: TenantSettings, orders: Sequence[FulfillmentOrder], raw: Mapping[Stage, Sequence[Mapping[str, Any]]]
) -> list[Line]:
    """The warnings about these orders; `raw` is their JSON by queue. Empty queues cause none."""
    return [
        *_fields(settings, raw),
        *_bundles(settings, orders),
        *_taxes(settings, orders),
        *_timezone(settings, orders),
    ]


def _fields(settings: TenantSettings, raw: Mapping[Stage, Sequence[Mapping[str, Any]]]) -> Iterator[Line]:
    every = [order for orders in raw.values() for order in orders]
    table = f"tenants.{settings.name}.fields"
    yield from _missed(settings, settings.fields, every, table)
    for stage, places in settings.queue_fields.items():
        # a place that leads to the items of this queue may be named for all queues
        items = {"items": settings.fields["items"]} if "items" in settings.fields and places else {}
        yield from _missed(settings, {**items, **places}, raw.get(stage, ()), f"{table}.{stage}")


def _missed(
    settings: TenantSettings, fields: Mapping[str, str], raw: Sequence[Mapping[str, Any]], table: str
) -> Iterator[Line]:
    for miss in missed(fields, raw) if raw else ():
        near = f"; did you mean {miss.near}?" if miss.near else ""
        yield warning_line(
            settings,
            f"field {miss.name}",
            f"its place {miss.path} is empty in all {len(raw)} listed order(s){near}",
            f"correct {miss.name} in [{table}]",
        )


def _taxes(settings: TenantSettings, orders: Iterable[FulfillmentOrder]) -> Iterator[Line]:
    """A tax that matches the gross proves nothing: without a rate, a tax or a net row there is nothing to compare."""
    items = [item for order in orders for item in order.items if item.row_total_incl_tax or item.price_incl_tax]
    bare = [item for item in items if not states_tax(item)]
    if bare and Stage.INVOICE in settings.stages:
        yield warning_line(
            settings,
            "tax rate",
            f"{len(bare)} of {len(items)} listed item(s) state no tax rate, no tax and no net row: the ERP chooses "
            "their tax, and it cannot be compared",
            f"set the place of the rate, tax_percent, in [tenants.{settings.name}.fields], or check the ERP's taxes",
        )


def _bundles(settings: TenantSettings, orders: Iterable[FulfillmentOrder]) -> Iterator[Line]:
    read_rows = [(order, _rows(settings, order)) for order in orders]
    unclear = [(order, why) for order, why in read_rows if why]
    if unclear:
        order, why = unclear[0]
        cure = f'set bundles = "children" or "parents" in [tenants.{settings.name}]'
        if settings.bundles != "hold":
            cure = "have the shop list the rows as described"
        more = f" ({len(unclear)} such orders)" if len(unclear) > 1 else ""
        yield warning_line(
            settings, "bundles", f"order {order.order_id} will be held bundle_unclear: {why}{more}", cure
        )


def _rows(settings: TenantSettings, order: FulfillmentOrder) -> str | None:
    goods = sort_out(order, settings)
    currency = order.currency or settings.currency
    return goods.unclear or lost_by(order, settings, (), currency, settings.tolerance)


def is_open(problem: Problem) -> bool:
    """Whether its discounts are undecided; not if it adds up under a setting other than the tenant's."""
    return problem.reason is Reason.AMOUNT_UNEXPLAINED and len(problem.differences) > 1


def discounts(settings: TenantSettings, stage: Stage, problems: Sequence[tuple[str, Problem]]) -> Iterator[Line]:
    """For all orders of a queue whose discounts are undecided: their number, and the sum of each reading."""
    held = [(order_id, problem) for order_id, problem in problems if is_open(problem)]
    if held:
        first, problem = held[0]
        sentence = together([each.differences for _, each in held]).replace(" are held", " will be held", 1)
        cure = f"set `discount` in [tenants.{settings.name}] to the right one; first: order {first}: {problem.sentence}"
        yield warning_line(settings, f"discount in {stage}", sentence, cure)


def _timezone(settings: TenantSettings, orders: Iterable[FulfillmentOrder]) -> Iterator[Line]:
    """A warning only if no time zone is set, documents are dated, and orders go to countries with another time."""
    if "timezone" in settings.model_fields_set or Stage.INVOICE not in settings.stages:
        return
    parties = [party for order in orders for party in (order.billing, order.shipping) if party is not None]
    countries = sorted({party.country.upper() for party in parties if party.country} - ON_UTC)
    if countries:
        yield warning_line(
            settings,
            "timezone",
            f"it is not set, so invoices are dated in UTC, and orders go to {', '.join(countries[:5])}: orders "
            "shipped there soon after midnight would get the previous day's date",
            f'set timezone = "Europe/Bratislava" (or "UTC") in [tenants.{settings.name}]',
        )


def date_problems(settings: TenantSettings, listing: Listing, ledger: Ledger | None) -> Iterator[tuple[str, Problem]]:
    """Each order of pending_invoice that would be held for its day of supply, with the reason. Blocking; reads only."""
    if listing.stage is not Stage.INVOICE:
        return
    known = _jobs(settings, listing, ledger, Stage.INVOICE)
    allocations = _jobs(settings, listing, ledger, Stage.ALLOCATION)
    for order_id, listed in listing.orders.items():
        jobs = [job for job in known.get(order_id, []) if job.open]
        if any(job.supply_date for job in jobs):
            continue
        first = min((job.first_listed_at for job in jobs), default=listing.began_at)
        window = Window.of(settings, first, allocation_accepted_at(allocations.get(order_id, ())))
        why = implausible(listed.order, settings, window, listed=listed.dates.get("shipped_at"))
        if why is not None:
            yield order_id, Problem(Reason.DATE_IMPLAUSIBLE, why, Owner.ACCOUNTANT)


def date_findings(settings: TenantSettings, listing: Listing) -> Iterator[Line]:
    """Listed dates that are treated as absent, except those that would hold an invoice."""
    for name in DATES:
        if name == "shipped_at" and listing.stage is Stage.INVOICE and settings.tax_date == "shipped":
            continue
        absent = [
            (order_id, listed.dates[name])
            for order_id, listed in listing.orders.items()
            if name in listed.dates and not can_be_true(getattr(listed.order, name), listing.began_at)
        ]
        if absent:
            order_id, text = absent[0]
            yield warning_line(
                settings,
                f"dates of {listing.stage}",
                f"{len(absent)} of {len(listing.orders)} order(s) list an impossible {name} (first: order "
                f"{order_id}, {text[:40]!r}): it is treated as absent",
                f'have it corrected at ShipperOne, or set its place: {name} = "…" in [tenants.{settings.name}.fields]',
            )


def _jobs(settings: TenantSettings, listing: Listing, ledger: Ledger | None, stage: Stage) -> dict[str, list[Job]]:
    jobs = ledger.jobs_of_orders(settings.name, stage, listing.orders) if ledger else ()
    return grouped(jobs, key=lambda job: job.order_id)
