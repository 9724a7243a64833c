"""Q: the optional hooks: batches, the list of documents, the assessment of a difference, free stock."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from shipperone_erp.connector.api import Connector
from shipperone_erp.domain.hook_answers import Done, Invoice, Reserved
from shipperone_erp.domain.hook_requests import Difference, Goods, Mismatch, Verdict
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.cases.invoices import figures_are
from shipperone_erp.testing.findings import NotApplicable, must, same
from shipperone_erp.testing.hook_calls import in_time

PROBES = "settings add_product"
FORMS = ("reserve_stock_batch", "build_invoice_batch", "issue_invoice_batch", "deliver_batch")
SLACK = timedelta(minutes=10)
"""The accepted difference between the ERP's clock and this machine's."""


@case(
    "Q1",
    "a batch answers every key, and an invalid request fails alone",
    can="batch",
    probes=PROBES,
    suffers="One invalid order stops the other 49 of its batch.",
    cure="Put try/except around each request of the batch and store the exception under its key.",
)
def answers_batches(bench: Bench) -> None:
    """Each batch form is given three orders, the middle one with a SKU that is missing in the ERP (for invoices an
    ordinary one; for a delivery it was not reserved): a dict with an answer or an exception for each key; the valid
    ones with the same answers as by the single form, and the same again when the batch is repeated."""
    forms = [form for form in FORMS if form in bench.offers]
    if not forms:
        raise NotApplicable("the connector overrides no batch form")
    for form in forms:
        _batch(bench, form)


def _batch(bench: Bench, form: str) -> None:
    desk, single = bench.desk, form.removesuffix("_batch")
    stock = single in ("reserve_stock", "deliver")
    unknown = bench.order(bench.item(f"{bench.product(1)}-UNKNOWN", 1)) if stock else bench.order()
    orders = [bench.order(), unknown, bench.order()]
    requests: list[Any] = []
    for order in orders:
        if order is unknown and single == "deliver":
            requests.append(desk.to_deliver(order, None, order))
        else:
            requests.append(_request(bench, form, order))
    call, deadline = getattr(desk.plugins, form), bench.harness.deadline
    first, again = (in_time(lambda: call(requests), form, deadline, may_raise=False) for _ in range(2))
    for number in (0, 2):
        key = requests[number].key
        must(
            isinstance(first[key], Reserved | Invoice | Done),
            f"{form} answered {first[key]!r} for a request beside an invalid one",
        )
        same(again[key], first[key], f"{form} with the same key again")
        same(desk.ask(single, requests[number]), first[key], f"{single} with a key that {form} has answered")


def _request(bench: Bench, form: str, order: FulfillmentOrder) -> Any:
    """The request of that form for this order, after all earlier steps."""
    desk = bench.desk
    if form == "reserve_stock_batch":
        return desk.to_reserve(order)
    if form == "build_invoice_batch":
        return desk.to_build(order)
    if form == "issue_invoice_batch":
        return desk.to_issue(desk.built(order), order)
    reserved = desk.reserved(order) if "reserve_stock" in bench.offers else None
    if "build_invoice" in bench.offers and "issue_invoice" in bench.offers:
        desk.issued(order)
    return desk.to_deliver(order, reserved, order)


@case(
    "Q2",
    "list_documents returns the created documents with their keys",
    needs="list_documents",
    probes=PROBES,
    suffers="The reconciliation at the end of the month misses an invoice, or counts one of another month.",
    cure="Filter by `since`, and return key, reference and number of each document.",
)
def lists_what_was_made(bench: Bench) -> None:
    """An order is reserved, invoiced, issued. Since ten minutes ago, `list_documents` has it once for each kind,
    with key, reference, the invoice's number and total; since tomorrow, it has none of these."""
    desk, order = bench.desk, bench.order()
    keys: dict[str, str] = {}
    if "reserve_stock" in bench.offers:
        desk.reserved(order)
        keys["reservation"] = desk.to_reserve(order).key
    invoice = None
    if {"build_invoice", "issue_invoice"} <= bench.offers:
        invoice = desk.issued(order)
        keys["invoice"] = desk.to_build(order).key
    listed = desk.ask_since(datetime.now(UTC) - SLACK)
    mine = [document for document in listed if document.key in keys.values()]
    same(sorted(document.kind for document in mine), sorted(keys), "kinds of the documents listed for this order")
    for document in mine:
        must(document.reference, f"the {document.kind} is listed without its reference")
        if document.kind == "invoice" and invoice is not None:
            same(document.number, invoice.number, "the number of the listed invoice")
            if document.total_incl_tax is not None:
                same(document.total_incl_tax, order.total_incl_tax, "the total of the listed invoice")
    later = [document.key for document in desk.ask_since(datetime.now(UTC) + timedelta(days=1))]
    same([key for key in later if key in keys.values()], [], "what is listed of tomorrow on")


@case(
    "Q3",
    "handle_mismatch accepts only what it is allowed to accept",
    needs="handle_mismatch",
    probes="settings",
    suffers="An invoice that ShipperOne refused is issued anyway, or the order is held with connector_bug.",
    cure="Return Resolution.abstain() unless the difference is an amount of action `compare` that you can explain.",
)
def has_an_opinion(bench: Bench) -> None:
    """It is called for each action, with and without a fresh listing, about amounts and about items: a `Resolution`
    each time, `accept` only for `compare` and never for items, quantities or the currency."""
    order = bench.order(bench.item("KIT-ANY", 1))
    for action in ("allocate", "invoice", "compare"):
        for field, ours, theirs in (
            ("total_incl_tax", "10.00", "10.01"),
            ("items", "1", "2"),
            ("currency", "EUR", "CZK"),
        ):
            for now in (order, None):
                difference = Difference(field, ours, theirs)
                mismatch = Mismatch(action, order, now, None, "refused", (difference,))
                answer = bench.desk.plugins.handle_mismatch(mismatch)
                must(answer.reason != "connector_bug", f"handle_mismatch about {action}: {answer.sentence}")
                allowed = action == "compare" and field == "total_incl_tax"
                must(
                    allowed or answer.verdict is not Verdict.ACCEPT,
                    f"it accepts {field} of {action}, which is never allowed",
                )


@case(
    "Q4",
    "a batch writes each order's own values",
    can="batch",
    probes=PROBES + " on_hand reserved documents",
    since="1.1",
    suffers="All invoices of a batch get the amounts of its first order, although each answer looks right.",
    cure="Take each document's values from its own request, and read back each one by its own key.",
)
def writes_batches(bench: Bench) -> None:
    """Each batch form is given three different orders. Of the reservations the second is short, and the stock has
    exactly the other two reserved; of the invoices each has its own lines and total, both in the answer and in the
    ERP; of the deliveries exactly the quantities of each order have left the stock."""
    forms = [form for form in FORMS if form in bench.offers]
    if not forms:
        raise NotApplicable("the connector overrides no batch form")
    mug = bench.product(10)
    orders = [bench.order(bench.item(mug, qty, f"{qty}.50")) for qty in (2, 50, 3)]
    desk, deadline = bench.desk, bench.harness.deadline
    for form in forms:
        if form == "deliver_batch":
            _delivers_each(bench, form)
            continue
        requests = [_request(bench, form, order) for order in orders]
        call = getattr(desk.plugins, form)
        answers = in_time(lambda call=call, asked=requests: call(asked), form, deadline, may_raise=False)  # type: ignore[misc]
        if form == "reserve_stock_batch":
            kinds = [type(answers[request.key]).__name__ for request in requests]
            same(kinds, ["Reserved", "Shortage", "Reserved"], "answers to orders of 2, 50 and 3 of 10 pieces")
            same(bench.stock(mug), (10, 5), "on hand and reserved, of orders of 2, 50 and 3 of 10 pieces")
            continue
        for order, request in zip(orders, requests, strict=True):
            answer = answers[request.key]
            must(isinstance(answer, Invoice), f"{form} answered {answer!r} for a complete order")
            figures_are(answer, order)
            bench.compare(order, answer, "draft", "issued")


def _delivers_each(bench: Bench, form: str) -> None:
    mug, tea = bench.product(20), bench.product(20)
    orders = [bench.order(bench.item(mug, 2)), bench.order(bench.item(tea, 5)), bench.order(bench.item(mug, 3))]
    requests = [_request(bench, form, order) for order in orders]
    call = getattr(bench.desk.plugins, form)
    answers = in_time(lambda: call(requests), form, bench.harness.deadline, may_raise=False)
    same([answers[request.key] for request in requests], [Done()] * 3, f"the answers of {form}")
    same((bench.stock(mug), bench.stock(tea)), ((15, 0), (15, 0)), "on hand and reserved, after 2, 5 and 3 of 20 left")


@case(
    "Q5",
    "handle_mismatch accepts no large difference, and gives the reason for a hold",
    needs="handle_mismatch",
    probes="settings",
    since="1.1",
    suffers="An invoice of 0.01 is issued for an order of 24.99, since every difference is accepted.",
    cure="Compare the two amounts as Decimal and accept a cent; abstain if the texts of a Difference are not amounts.",
)
def accepts_no_large_difference(bench: Bench) -> None:
    """It is called about an invoice of 0.01 for an order of 24.99, and about one without a total: never `accept`. A
    `hold` has a sentence. Unknown differences (another field, an absent side) raise no error."""
    order = bench.order(bench.item("KIT-ANY", 1, "20.00"))
    for total in (Decimal("0.01"), None):
        invoice = Invoice("KIT-1", (), order.shipping_amount_incl_tax, total, order.currency)
        shown = None if total is None else str(total)
        for field, ours, theirs in (
            ("total_incl_tax", shown, "24.99"),
            ("shipping_amount_incl_tax", "4.99", None),
            ("kit_field", None, "1"),
        ):
            difference = Difference(field, ours, theirs)
            message = "the invoice is not what was shipped"
            mismatch = Mismatch("compare", order, order, invoice, message, (difference,))
            answer = bench.desk.plugins.handle_mismatch(mismatch)
            must(answer.reason != "connector_bug", f"handle_mismatch about {field}: {answer.sentence}")
            must(
                field != "total_incl_tax" or answer.verdict is not Verdict.ACCEPT,
                f"it accepts an invoice of {shown} for an order of 24.99",
            )
            must(
                answer.verdict is not Verdict.HOLD or answer.sentence,
                f"it holds for {field} without a sentence",
            )


@case(
    "Q6",
    "free_stock counts unreserved stock, and reports what the ERP would refuse",
    probes=PROBES + " on_hand reserved",
    since="1.1",
    suffers="A supervised go-live shows 10 free pieces where 3 are left, and `inspect` reports unknown SKUs as known.",
    cure="Subtract what is reserved, count in the warehouse that is asked for, and answer None with a reason for a SKU "
    "that the ERP does not have.",
)
def counts_what_is_free(bench: Bench) -> None:
    """10 of a product are in each of two warehouses, and an order has reserved 3 in the first. The free quantity in
    each equals the ERP's quantity on hand and not reserved there; a connector to one warehouse answers
    `warehouse_unknown` for the other. A SKU that is missing in the ERP has no quantity, the reason
    `product_unknown`, and a sentence. Each is answered, and the query changes nothing in the ERP."""
    if bench.found.free_stock is Connector.free_stock:
        raise NotApplicable("the connector does not override free_stock")
    here, there = bench.harness.warehouse, bench.harness.other_warehouse
    mug = bench.product(10)
    bench.harness.add_product(mug, Decimal(10), there)
    if "reserve_stock" in bench.offers:
        bench.desk.reserved(bench.order(bench.item(mug, 3)))
    before = bench.stock(mug), bench.stock(mug, there)
    goods = [Goods(f"{mug}-UNKNOWN", here), Goods(mug, there), Goods(mug, here)]
    answers = bench.desk.free_stock(goods)
    if answers is None:
        raise NotApplicable("free_stock answers None by these settings: the connector cannot tell")
    same([one for one in goods if one not in answers], [], "goods that free_stock did not answer for")
    unknown, other, own = (answers[one] for one in goods)
    same(own.free, before[0][0] - before[0][1], f"free in {here}, of what is on hand and not reserved")
    if other.reason != Reason.WAREHOUSE_UNKNOWN:
        same(other.free, before[1][0] - before[1][1], f"free in {there}, of what is on hand and not reserved")
    same((unknown.free, unknown.reason), (None, Reason.PRODUCT_UNKNOWN), "free of a SKU that the ERP does not know")
    must(unknown.sentence, "free_stock has no sentence for a SKU that the ERP does not know")
    same((bench.stock(mug), bench.stock(mug, there)), before, "on hand and reserved, after free_stock was asked")
