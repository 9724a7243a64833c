"""`inspect`: the queues of one tenant, and the settings by which most of their orders add up. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.line_selection import sort_out
from shipperone_erp.domain.states import Stage
from shipperone_erp.operations.inspect import rule_search
from shipperone_erp.operations.inspect.amounts_search import Found, amounts, named_only
from shipperone_erp.operations.inspect.field_report import all_fields, unused
from shipperone_erp.operations.inspect.results import Held, Inspection, Proposal, Queues, distinct
from shipperone_erp.operations.inspect.structure_search import structure
from shipperone_erp.operations.inspect.trial_reading import Judged, Verdict, judge
from shipperone_erp.operations.inspect.vocabulary import ORDERED, SHIPPED, speaks_of
from shipperone_erp.operations.stock_overview import goods_of
from shipperone_erp.operations.warehouse_mapping import codes_of


def inspect(settings: TenantSettings, queues: Queues) -> Inspection:
    """The places of all fields, the orders that add up, and the open questions. Nothing is changed."""
    listed = {stage: distinct(queues.orders.get(stage, ())) for stage in settings.stages}
    with_orders = {stage: rows for stage, rows in listed.items() if rows}
    codes = frozenset(codes_of(queues.warehouses or ()))
    questions: list[str] = []
    found: dict[Stage, Found] = {}
    for stage, rows in with_orders.items():
        shape = structure(settings.fields_of(stage), stage, rows, codes)
        questions += [question for question in shape.questions if question not in questions]
        found[stage] = amounts(settings, stage, rows, shape.fields)
    proposal = _proposal(settings, found)
    tried = applied(settings, proposal)
    proposal, evidence, more = rule_search.decide(settings, tried, proposal, with_orders)
    tried = applied(settings, proposal)
    now = {stage: judge(settings, stage, rows) for stage, rows in with_orders.items()}
    then = {stage: judge(tried, stage, rows) for stage, rows in with_orders.items()}
    fields = tuple(all_fields(tried, with_orders, then))
    questions += [*more, *rule_search.questions(tried, then, fields)]
    orders = [each for verdict in then.values() for each in verdict.orders]
    warehouses = Counter(each.order.warehouse_code for each in orders if each.order is not None)
    return Inspection(
        tenant=settings.name,
        orders={stage: len(rows) for stage, rows in listed.items()},
        failed=None if queues.failed is None else len(queues.failed),
        warehouses=dict(warehouses),
        unknown_warehouses=tuple(sorted(warehouses.keys() - codes)) if codes else (),
        fields=fields,
        rules=tuple(evidence),
        unused=tuple(unused(tried, with_orders)),
        held_now=tuple(_held(now)),
        held_then=tuple(_held(then)),
        explained=sum(verdict.explained for verdict in then.values()),
        totals=sum(each.order is not None and each.order.total_incl_tax is not None for each in orders),
        questions=tuple(dict.fromkeys(questions)),
        proposal=proposal,
        goods=Counter(
            goods
            for each in orders
            if each.order is not None
            for goods in goods_of(sort_out(each.order, tried).stocked)
        ),
    )


def applied(settings: TenantSettings, proposal: Proposal) -> TenantSettings:
    """The tenant's settings with the proposal applied."""
    changes: dict[str, Any] = {
        "fields": {**settings.fields, **proposal.fields},
        "queue_fields": {
            stage: {**settings.queue_fields.get(stage, {}), **proposal.queue_fields.get(stage, {})}
            for stage in (*settings.queue_fields, *proposal.queue_fields)
        },
    }
    for name in ("bundles", "order_total", "currency", "discount", "timezone"):
        if (value := getattr(proposal, name)) is not None:
            changes[name] = value
    if proposal.charges:
        changes["charges"] = (*settings.charges, *proposal.charges)
    return settings.model_copy(update=changes)


def _proposal(settings: TenantSettings, found: Mapping[Stage, Found]) -> Proposal:
    """A setting that both queues agree on is named once. An ordered quantity is never named as the shipped one."""
    common: dict[str, str] = {}
    apart: dict[Stage, dict[str, str]] = {}
    new = {stage: named_only(each.fields, settings.fields_of(stage)) for stage, each in found.items()}
    for name in dict.fromkeys(name for table in new.values() for name in table):
        paths = {stage: table.get(name) for stage, table in new.items()}
        path = next(iter(paths.values()))
        agreed = len(set(paths.values())) == 1
        of_both = len(found) == len(settings.stages) or not (name == "qty" and _of_one_queue(path or ""))
        if agreed and of_both and path is not None:
            common[name] = path
        else:
            for stage, place in paths.items():
                if place is not None:
                    apart.setdefault(stage, {})[name] = place
    best = max(found.values(), key=lambda each: each.score, default=None)
    bundles = best.bundles if best is not None and best.bundles != settings.bundles else None
    charges = {charge.path: charge for each in found.values() for charge in each.charges[len(settings.charges) :]}
    names: Counter[str] = Counter()
    distinct = []
    for charge in charges.values():
        names[charge.name] += 1
        again = names[charge.name] > 1
        distinct.append(charge.model_copy(update={"name": f"{charge.name}_{names[charge.name]}"}) if again else charge)
    return Proposal(fields=common, queue_fields=apart, bundles=bundles, charges=tuple(distinct))


def _of_one_queue(path: str) -> bool:
    return bool(speaks_of(path, ORDERED) or speaks_of(path, SHIPPED))


def _held(verdicts: Mapping[Stage, Verdict]) -> Iterator[Held]:
    for stage, verdict in verdicts.items():
        for reason, count in verdict.reasons.most_common():
            first: Judged = next(each for each in verdict.orders if each.reason is reason)
            yield Held(stage, reason.value, count, first.order_id, first.sentence or "")
