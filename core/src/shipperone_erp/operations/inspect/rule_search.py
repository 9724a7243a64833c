"""The readings of discounts and totals that the orders prove, and the questions for the merchant. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from importlib import resources
from typing import Any

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.amounts.discount_readings import EVERY, open_readings
from shipperone_erp.domain.amounts.expected_totals import READINGS, figures
from shipperone_erp.domain.amounts.listed_amounts import cleaned
from shipperone_erp.domain.invoice_checks.open_questions import in_words, unclear_rate
from shipperone_erp.domain.invoice_checks.order_sums import Terms, charged
from shipperone_erp.domain.line_selection import Rule as Rows
from shipperone_erp.domain.line_selection import sort_out
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.operations.inspect.results import FieldFound, Proposal, Raw, Rule
from shipperone_erp.operations.inspect.trial_reading import Verdict, adds_up, judge
from shipperone_erp.operations.queue_findings import ON_UTC

SAYS = {
    "in_row": "rows are after their discount",
    "off_row": "rows are before their discount",
    "off_row_net": "rows are before their discount, which is without tax",
}
NAMED_AT_MOST = 3


def decide(
    settings: TenantSettings, tried: TenantSettings, proposal: Proposal, rows: Mapping[Stage, Sequence[Raw]]
) -> tuple[Proposal, list[Rule], list[str]]:
    """The proposal with the rules that the orders prove, the evidence for each, and the questions that remain."""
    orders = [
        each.order
        for stage, listed in rows.items()
        for each in judge(tried, stage, listed).orders
        if each.order is not None
    ]
    evidence, questions = [], []
    discount, of_discounts, asked = _discounts(tried, orders)
    evidence += of_discounts
    questions += asked
    for charge in proposal.charges:
        having = [order for order in orders if any(one.name == charge.name for one in order.charges)]
        fit = sum(adds_up(order, tried.model_copy(update={"discount": discount or tried.discount})) for order in having)
        says = f"{charge.path} ({charge.sign}) is charged"
        evidence.append(Rule(name=f"charge {charge.name}", explains=fit, of=len(having), says=says, chosen=True))
        if charge.sign == "-":
            questions.append(
                f'is {charge.path} a coupon that belongs on the invoice (kind = "line"), or is the order paid with it '
                f'(kind = "payment")? It is proposed as "{charge.kind}"'
            )
    order_total, of_totals = _order_total(tried, orders, discount)
    evidence += of_totals
    unclear = next((item for order in orders if (item := unclear_rate(order))), None)
    if tried.tax_rates is None and unclear is not None:
        questions.append(f"are rates of tax listed as percentages? {in_words(unclear, settings.name)}")
    currency = _currency(settings, orders, questions)
    bundles = proposal.bundles
    if any(item.parent_item_id is not None for order in orders for item in order.items):
        choices = list(_bundles(tried, orders))
        evidence += choices
        if settings.bundles == "hold" and (open_ := _stock_is_open(tried, orders, choices)):
            bundles = None
            evidence = [replace(rule, chosen=rule.chosen and rule not in choices) for rule in evidence]
            questions.append(
                f"does the ERP keep bundles in stock, or their parts? {len(open_)} order(s) list both "
                f"({', '.join(open_[:NAMED_AT_MOST])}), and the sums do not decide it: "
                'set bundles = "children" or "parents"'
            )
    return (
        replace(
            proposal,
            bundles=bundles,
            discount=discount if discount != settings.discount else None,
            order_total=order_total if order_total != settings.order_total else None,
            currency=currency,
            timezone=_timezone(settings, orders),
        ),
        evidence,
        questions,
    )


def _rows(order: FulfillmentOrder, tried: TenantSettings) -> tuple[FulfillmentOrder, str | None]:
    currency = order.currency or tried.currency
    return cleaned(sort_out(order, tried).invoiced, currency, tolerance=tried.tolerance), currency


def _discounts(tried: TenantSettings, orders: Sequence[FulfillmentOrder]) -> tuple[str | None, list[Rule], list[str]]:
    open_of: list[tuple[str, frozenset[Any]]] = []
    for order in orders:
        rows, currency = _rows(order, tried)
        if any(item.discount for item in rows.items):
            open_of.append((order.order_id, open_readings(rows, currency, tried.tolerance)))
    telling = [(order_id, readings) for order_id, readings in open_of if readings != EVERY and readings]
    neither = [order_id for order_id, readings in open_of if not readings] + [
        order_id for order_id, _ in open_of if order_id not in dict(telling) and _misses(order_id, orders, tried)
    ]
    if not open_of:
        return None, [], []
    counts = {reading: sum(reading in readings for _, readings in telling) for reading in READINGS}
    fitting = [reading for reading in READINGS if telling and counts[reading] == len(telling)]
    exclusive = {one for _, readings in telling if len(readings) == 1 for one in readings}
    chosen = next((one for one in fitting if one in exclusive), fitting[0] if len(fitting) == 1 else None)
    evidence = [
        Rule(
            name=f'discount = "{reading}"', explains=counts[reading], of=len(telling), says=SAYS[reading],
            chosen=reading == chosen,
        )
        for reading in READINGS
    ]  # fmt: skip
    questions = []
    if neither:
        some = ", ".join(neither[:NAMED_AT_MOST])
        questions.append(
            f"{len(neither)} order(s) with a discount come to their total by no reading of the discount ({some}): what "
            "else is in their total, and is the discount before or after tax?"
        )
    if not telling and not neither:
        questions.append(
            f"are rows listed before or after their discount? {len(open_of)} order(s) have one, and none of them "
            "proves it: set `discount` after an accountant has checked one invoice"
        )
    elif chosen is None and telling:
        of = ", ".join(f"{order_id} by {' or '.join(sorted(each))}" for order_id, each in telling[:NAMED_AT_MOST])
        if len(fitting) != 1 and not fitting:
            questions.append(f"orders prove different readings of their discounts ({of}): which one is right?")
        elif len(fitting) > 1:
            questions.append(f"discounts fit {' and '.join(fitting)} equally ({of}): which one is right?")
    return chosen, evidence, questions


def _misses(order_id: str, orders: Sequence[FulfillmentOrder], tried: TenantSettings) -> bool:
    """Whether it lists a total that no reading matches."""
    order = next(order for order in orders if order.order_id == order_id)
    rows, currency = _rows(order, tried)
    if rows.total_incl_tax is None:
        return False
    sums = {figures(rows, currency, reading).order_total for reading in READINGS}
    return None not in sums and rows.total_incl_tax not in sums


def _order_total(
    tried: TenantSettings, orders: Sequence[FulfillmentOrder], discount: Any
) -> tuple[str | None, list[Rule]]:
    """Detects several fulfillment orders of one sales order that share one total."""
    once = {one.order_id: one for one in orders if one.order_number and one.total_incl_tax is not None}
    together = grouped(once.values(), key=lambda one: (one.order_number, one.total_incl_tax or Decimal(0)))
    several = {key: group for key, group in together.items() if len(group) > 1}
    fits = 0
    for (_, total), group in several.items():
        rows = [_rows(order, tried)[0] for order in group]
        goods = [figures(each, each.currency or tried.currency, discount).goods or Decimal(0) for each in rows]
        if not any(adds_up(order, tried) for order in group):
            fits += charged(rows, goods, total, Terms(half=Decimal(0), tolerance=tried.tolerance)) is not None
    if not several:
        return None, []
    says = "the total is that of the sales order, with all its fulfillment orders"
    chosen = bool(fits) and fits == len(several)
    rule = Rule(name='order_total = "sales_order"', explains=fits, of=len(several), says=says, chosen=chosen)
    return ("sales_order" if chosen else None), [rule]


def _bundles(tried: TenantSettings, orders: Sequence[FulfillmentOrder]) -> Iterator[Rule]:
    families = [order for order in orders if any(item.parent_item_id is not None for item in order.items)]
    for choice in ("children", "parents"):
        by = tried.model_copy(update={"bundles": choice})
        fit = sum(adds_up(order, by) for order in families)
        says = f"of a bundle the {choice} are kept in stock"
        yield Rule(
            name=f'bundles = "{choice}"', explains=fit, of=len(families), says=says, chosen=tried.bundles == choice
        )


def _stock_is_open(tried: TenantSettings, orders: Sequence[FulfillmentOrder], choices: Sequence[Rule]) -> list[str]:
    """The orders that both choices explain, although each choice reserves different rows."""
    if len({rule.explains for rule in choices}) > 1:
        return []
    children, parents = Rows("children", tried.services), Rows("parents", tried.services)
    return [
        order.order_id
        for order in orders
        if sort_out(order, children).stocked.items != sort_out(order, parents).stocked.items
    ]


def _currency(settings: TenantSettings, orders: Sequence[FulfillmentOrder], questions: list[str]) -> str | None:
    stated = Counter(order.currency for order in orders)
    silent = stated.pop(None, 0)
    if not silent or settings.currency is not None:
        return None
    if len(stated) == 1:
        return next(iter(stated))
    questions.append(f"{silent} order(s) state no currency: which one is it? Set `currency`")
    return None


def _timezone(settings: TenantSettings, orders: Sequence[FulfillmentOrder]) -> str | None:
    """The time zone of the country of most orders, if that country has a single one and none is set."""
    if "timezone" in settings.model_fields_set or settings.timezone != "UTC":
        return None
    parties = [order.billing or order.shipping for order in orders]
    countries = Counter(party.country.upper() for party in parties if party is not None and party.country)
    if not countries:
        return None
    country, count = countries.most_common(1)[0]
    if country in ON_UTC or count * 2 <= sum(countries.values()):
        return None
    table = resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    zones = [line.split("\t")[2] for line in table.splitlines() if line.startswith(f"{country}\t")]
    return zones[0] if len(zones) == 1 else None


def questions(tried: TenantSettings, verdicts: Mapping[Stage, Verdict], fields: Sequence[FieldFound]) -> Iterator[str]:
    """The questions that remain about orders that can be read, and that no setting here explains."""
    nowhere = {each.name for each in fields if each.place is None}
    listed = [each for verdict in verdicts.values() for each in verdict.orders]
    if not listed:
        yield "no order is listed in either queue: run inspect again when one is listed"
        return
    for name, sentence in (
        ("shipping_amount_incl_tax", "ShipperOne compares it with every invoice"),
        ("price_incl_tax", "no row can be proven"),
    ):
        rowed = name == "price_incl_tax" and "row_total_incl_tax" not in nowhere
        if name in nowhere and not rowed:
            yield f"where does an order list its {name}? It was not found, and {sentence}"
    if "total_incl_tax" in nowhere:
        yield "is an order's total listed anywhere? Without it no sum can be checked; only rows and shipping are used"
    for stage, verdict in verdicts.items():
        unexplained = [
            each for each in verdict.orders if each.reason is Reason.AMOUNT_UNEXPLAINED and each.order is not None
        ]
        plain = [each for each in unexplained if each.order and not any(item.discount for item in each.order.items)]
        less = [each for each in plain if stage is Stage.INVOICE and _less(each.order, tried)]
        if less:
            some = ", ".join(str(each.order_id) for each in less[:NAMED_AT_MOST])
            yield (
                f"{len(less)} order(s) in pending_invoice come to less than their total ({some}): are they parts of "
                "larger orders? Their allocations decide it, once the ledger has them"
            )
        rest = [each for each in plain if each not in less]
        if rest:
            some = ", ".join(str(each.order_id) for each in rest[:NAMED_AT_MOST])
            yield f"what else is in the total of {len(rest)} order(s) in pending_{stage} ({some})? {rest[0].sentence}"


def _less(order: FulfillmentOrder | None, tried: TenantSettings) -> bool:
    if order is None or order.total_incl_tax is None:
        return False
    rows, currency = _rows(order, tried)
    comes_to = figures(rows, currency, tried.discount).order_total
    return comes_to is not None and comes_to < order.total_incl_tax
