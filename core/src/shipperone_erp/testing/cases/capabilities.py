"""F: the connector declares exactly the capabilities that the ERP has.

A capability that is declared but missing is mostly found by the cases that need it. One that exists but is not declared
is tested here, since the cases about it do not run.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from shipperone_erp.connector.capabilities import WITHOUT, Capability, noun
from shipperone_erp.domain.hook_answers import ConnectorError, Invoice, Refused, Reserved, Voided
from shipperone_erp.domain.order import Charge, FulfillmentOrder
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.cases.money import EARLIER
from shipperone_erp.testing.cases.optional_hooks import FORMS
from shipperone_erp.testing.connector_driver import TODAY
from shipperone_erp.testing.findings import Finding, must
from shipperone_erp.testing.harness import able
from shipperone_erp.testing.hook_calls import answered
from shipperone_erp.testing.invoice_comparison import expected_total

PROBES = "settings add_product documents"
MISSING = "it is declared; remove it from `capabilities`, or find out why it does not work"


@case(
    "F1",
    "drafts are declared if and only if build_invoice creates one",
    needs="build_invoice issue_invoice",
    probes=PROBES,
    since="1.1",
    suffers="A draft that an operator changed or cancelled may be issued: the cases about drafts were left out.",
    cure="List Capability.DRAFTS if build_invoice writes to the ERP; do not list it if build_invoice only computes.",
)
def declares_drafts(bench: Bench) -> None:
    """An invoice is built. With `drafts` declared, the ERP then has a draft under its key; without, it has no
    document, and the answer has no reference."""
    order = bench.order()
    built = bench.desk.built(order)
    drafts = bench.documents(bench.desk.to_build(order).key, "draft")
    if Capability.DRAFTS in bench.capabilities:
        must(drafts, f"build_invoice made no draft in the ERP, but drafts are declared: {MISSING}")
        return
    made = f"build_invoice made a draft, {built.reference}"
    must(not drafts, f"{made}, but no drafts are declared: add Capability.DRAFTS")
    named = f"build_invoice answered with the reference {built.reference}"
    must(built.reference is None, f"{named}, but no drafts are declared: a computed invoice has no reference")


@case(
    "F2",
    "every declared capability works",
    probes=PROBES,
    since="1.1",
    suffers="The configuration is accepted, and in production every order that needs the capability is held.",
    cure="Declare what the ERP under test does; a connector without `capabilities` declares all of it.",
)
def has_what_is_declared(bench: Bench) -> None:
    """Differences that no other case would detect: with `batch` declared a batch form is overridden, and with
    `currencies` an order in the harness's `other_currency` is not refused. Missing drafts are found by F1, transfers
    by R7, marks by V3 and V5, fractions by W3, units by W4, lines below zero by M2, backdating by M5. No case tests
    lots."""
    if Capability.BATCH in bench.capabilities:
        must(bench.offers & {*FORMS}, f"no batch form is overridden, and batch is declared: {MISSING}")
    if Capability.CURRENCIES in bench.capabilities and "build_invoice" in bench.offers:
        currency = bench.harness.other_currency
        try:
            bench.desk.built(bench.order(currency=currency))
        except Refused as refused:
            raise Finding(
                f"an invoice in {currency} is refused ({refused.reason}: {refused.sentence}), and a second currency is "
                f"declared: name one that this ERP has in the harness's `other_currency`, or leave currencies out"
            ) from refused


@case(
    "F3",
    "every capability that works is declared",
    probes=PROBES,
    since="1.1",
    suffers="Core refuses settings and holds orders that the ERP could serve, and the capability is not tested.",
    cure="Add the named capability, and run its cases.",
)
def declares_what_is_there(bench: Bench) -> None:
    """Each capability that is not declared is requested from the connector directly, since core would refuse: an
    order from another warehouse, a late call after a release, 1.5 of a product, 1.5 of one that is sold in whole
    pieces, an invoice in another currency, with a line below zero, of an earlier day. Finding if a request is
    fulfilled as if the capability were declared. Any other answer or exception is correct, since core never sends
    such a request. Batch forms without `batch` are refused when the connector is loaded (L1); no case tests lots."""
    for capability, (hooks, probes, does) in ASKED.items():
        if capability in bench.capabilities or not {*hooks.split()} <= bench.offers:
            continue
        if not all(able(type(bench.harness), probe) for probe in probes.split()):
            continue
        try:
            done = does(bench)
        except (Finding, ConnectorError):
            continue
        without = f"; without it {WITHOUT[capability]}" if capability in WITHOUT else ""
        must(not done, f"{done}, and no {noun(capability)} declared: add Capability.{capability.name}{without}")


def _transfers(bench: Bench) -> str | None:
    there, here = bench.harness.other_warehouse, bench.harness.warehouse
    mug = bench.product(5, there)
    _reserve(bench, bench.order(bench.item(mug, 2, warehouse_code=there)))
    reserved = {place: bench.stock(mug, place)[1] for place in (there, here)}  # equal if there is only one warehouse
    return f"2 of an order's pieces are reserved in {there}" if reserved == {there: 2, here: 0} else None


def _marks(bench: Bench) -> str | None:
    order = bench.order()
    bench.desk.release(order)
    late = bench.desk.reserve(order)
    return "a key that was released before it was used answers Voided" if isinstance(late, Voided) else None


def _fractions(bench: Bench) -> str | None:
    cloth = bench.product()
    _reserve(bench, bench.order(bench.item(cloth, "1.5", "15.00")))
    return "1.5 of a product are reserved exactly" if bench.stock(cloth)[1] == Decimal("1.5") else None


def _units(bench: Bench) -> str | None:
    sku = f"{bench.product(1)}-WHOLE"
    bench.harness.add_indivisible(sku, Decimal(10), bench.harness.warehouse)
    if not isinstance(_reserve(bench, bench.order(bench.item(bench.product(), "1.5", "15.00"))), Reserved):
        return None  # no product permits a fraction
    try:
        _reserve(bench, bench.order(bench.item(sku, "1.5", "15.00")))
    except Refused as refused:
        return "1.5 of a product in whole pieces are refused" if refused.reason == Reason.UNIT_UNCLEAR else None
    return None


def _currencies(bench: Bench) -> str | None:
    currency = bench.harness.other_currency
    order = bench.order(currency=currency)
    written = _written(bench, order)
    return f"an invoice in {currency} is made" if written is not None and written.currency == currency else None


def _negative_lines(bench: Bench) -> str | None:
    order = bench.order(charges=(Charge("coupon", Decimal("-3.00"), "line"),))
    order = replace(order, total_incl_tax=(order.total_incl_tax or 0) - Decimal("3.00"))
    written = _written(bench, order)
    lower = written is not None and written.total_incl_tax == expected_total(order)
    return "a coupon lowers the invoice" if lower else None


def _backdating(bench: Bench) -> str | None:
    desk, order = bench.desk, bench.order()
    built = desk.ask("build_invoice", replace(desk.to_build(order), tax_date=EARLIER))
    issued = desk.ask("issue_invoice", replace(desk.to_issue(built, order), tax_date=EARLIER))
    dated = isinstance(issued, Invoice) and issued.date == EARLIER
    return f"an invoice is dated {EARLIER}, before {TODAY}" if dated else None


ASKED: Mapping[Capability, tuple[str, str, Callable[[Bench], str | None]]] = MappingProxyType({
    Capability.TRANSFERS: ("reserve_stock", "on_hand reserved", _transfers),
    Capability.MARKS: ("reserve_stock release_stock", "", _marks),
    Capability.FRACTIONS: ("reserve_stock", "on_hand reserved", _fractions),
    Capability.UNITS: ("reserve_stock", "add_indivisible", _units),
    Capability.CURRENCIES: ("build_invoice", "", _currencies),
    Capability.NEGATIVE_LINES: ("build_invoice", "", _negative_lines),
    Capability.BACKDATING: ("build_invoice issue_invoice", "", _backdating),
})  # fmt: skip
"""By capability: the hooks and probes that its test needs, and the test, which returns None if the request is not
fulfilled."""


def _reserve(bench: Bench, order: FulfillmentOrder) -> Any:
    """The connector's own answer, without core's refusal."""
    request, harness = bench.desk.to_reserve(order), bench.harness
    connector = bench.desk.connector
    return answered(lambda: connector.reserve_stock(request), "reserve_stock", harness.deadline, harness.advance)


def _written(bench: Bench, order: FulfillmentOrder) -> Any:
    """The invoice in the ERP; if the harness does not return its contents, the connector's answer."""
    desk = bench.desk
    built = desk.built(order)
    if built.reference is None and "issue_invoice" in bench.offers:
        built = desk.issue(built, order)
    found = [one for one in bench.documents(desk.to_build(order).key) if one.kind == "invoice"]
    whole = found and found[0].currency is not None and found[0].total_incl_tax is not None
    return found[0] if whole else built
