"""Contents of the queues that a tenant's settings do not cover: warnings of `doctor`. Pure functions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.amounts.discount_readings import together
from shipperone_erp.domain.invoice_checks.listed_taxes import states_tax
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.line_selection import lost_by, sort_out
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.operations.installation_checks import Line, warning
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
        yield warning(
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
        yield warning(
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
        yield warning(settings, "bundles", f"order {order.order_id} will be held bundle_unclear: {why}{more}", cure)


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
        yield warning(settings, f"discount in {stage}", sentence, cure)


def _timezone(settings: TenantSettings, orders: Iterable[FulfillmentOrder]) -> Iterator[Line]:
    """A warning only if no time zone is set, documents are dated, and orders go to countries with another time."""
    if "timezone" in settings.model_fields_set or Stage.INVOICE not in settings.stages:
        return
    parties = [party for order in orders for party in (order.billing, order.shipping) if party is not None]
    countries = sorted({party.country.upper() for party in parties if party.country} - ON_UTC)
    if countries:
        yield warning(
            settings,
            "timezone",
            f"it is not set, so invoices are dated in UTC, and orders go to {', '.join(countries[:5])}: orders "
            "shipped there soon after midnight would get the previous day's date",
            f'set timezone = "Europe/Bratislava" (or "UTC") in [tenants.{settings.name}]',
        )
