"""I: one order has one invoice, exact to the cent, and is fiscal once."""

from shipperone_erp.domain.hook_answers import Invoice, Refused
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.connector_driver import TODAY
from shipperone_erp.testing.findings import Finding, NotApplicable, must, same
from shipperone_erp.testing.invoice_comparison import expected_total

PROBES = "settings add_product documents"


@case(
    "I1",
    "the invoice matches the order, and the same key builds once",
    needs="build_invoice",
    probes=PROBES,
    suffers="A customer gets two invoices, or a wrong one; the accountant finds it at the end of the month.",
    cure="Read back the written document and return its values; check the conversion between the ERP's net prices "
    "and the order's gross prices.",
)
def builds_once(bench: Bench) -> None:
    """`build_invoice` is called twice with one key: the same answer. It has each line by its item's id, with
    quantity and total, the shipping, the total, the currency; no document is fiscal yet, and there is at most one."""
    order, desk = bench.order(), bench.desk
    built = desk.built(order)
    figures_are(built, order)
    same(desk.build(order), built, "build_invoice with the same key again")
    made = bench.documents(desk.to_build(order).key, "draft", "issued")
    if built.reference is None:
        same(made, [], "documents in the ERP after a build_invoice that answered reference=None, which writes nothing")
    else:
        same(len(made), 1, "documents of one key")
        bench.compare(order, built, found=made)


@case(
    "I2",
    "twenty threads with one key build once",
    needs="build_invoice",
    probes=PROBES,
    suffers="Two drafts of one order, and both are issued.",
    cure="Let a unique constraint on the key decide, as in R2; a look before the insert is not enough.",
)
def builds_once_at_once(bench: Bench) -> None:
    """Several concurrent calls with one key: one answer, and at most one document."""
    order, desk = bench.order(), bench.desk
    answers = desk.at_once("build_invoice", [desk.to_build(order)] * bench.harness.threads)
    same(len({repr(answer) for answer in answers}), 1, "different answers to one key")
    made = bench.documents(desk.to_build(order).key, "draft", "issued")
    must(len(made) <= 1, f"{len(made)} documents of one key")
    bench.compare(order, answers[0], found=made)


@case(
    "I3",
    "issuing twice creates one fiscal document",
    needs="build_invoice issue_invoice",
    probes=PROBES,
    suffers="Two invoice numbers for one sale: the second one needs a credit note.",
    cure="Return the existing invoice if the key's document is already issued, and pass tax_date to the ERP.",
)
def issues_once(bench: Bench) -> None:
    """`issue_invoice` is called three times with one key: `issued=True`, one number, the requested date, the amounts
    that ShipperOne accepted; one issued document in the ERP."""
    order, desk = bench.order(), bench.desk
    built = desk.built(order)
    issued = desk.issue(built, order)
    must(isinstance(issued, Invoice) and issued.issued, f"issue_invoice answered {issued}, not an issued Invoice")
    must(issued.reference and issued.number, "an issued Invoice has a reference and a number")
    same(issued.date, TODAY, "the date of an invoice whose tax_date was asked for")
    figures_are(issued, order)
    for _ in range(2):
        again = desk.issue(built, order)
        same((again.number, again.reference), (issued.number, issued.reference), "number and reference, issued again")
    made = bench.documents(desk.to_build(order).key, "issued")
    same(len(made), 1, "issued documents of one key")
    bench.compare(order, issued, found=made)


@case(
    "I4",
    "twenty threads with one key issue once",
    needs="build_invoice issue_invoice",
    probes=PROBES,
    suffers="As in I3, when a call takes longer than its deadline.",
    cure="Lock the draft before it is issued, or let one UPDATE of its state decide who issues it.",
)
def issues_once_at_once(bench: Bench) -> None:
    """Several concurrent calls of `issue_invoice` with one key: one number, one document. Another order's invoice
    has another number."""
    order, desk = bench.order(), bench.desk
    built = desk.built(order)
    answers = desk.at_once("issue_invoice", [desk.to_issue(built, order)] * bench.harness.threads)
    must(all(isinstance(answer, Invoice) and answer.issued for answer in answers), f"answers were {answers[:2]}")
    same(len({answer.number for answer in answers}), 1, "numbers of one key")
    made = bench.documents(desk.to_build(order).key, "issued")
    same(len(made), 1, "issued documents of one key")
    bench.compare(order, answers[0], found=made)
    other = desk.issued(bench.order())
    must(other.number != answers[0].number, f"two orders' invoices have the number {other.number}")


@case(
    "I5",
    "amounts are exact for every rounding",
    needs="build_invoice",
    probes=PROBES,
    suffers="Many invoices are held for a cent, or are issued with a wrong amount.",
    cure="Take the order's tax-included amounts as they are; where the ERP wants net prices, add a rounding line.",
)
def is_exact(bench: Bench) -> None:
    """The order's amounts with tax are authoritative: 84.00 + 10.00 with 8.50 of shipping is 102.50, although the
    sum rebuilt from rounded nets is 102.49; four lines of four pieces round differently by line and by document;
    0.10 three times is 0.30; a line of 9999999.99 and one that is free."""
    awkward = (
        bench.order(bench.item(bench.product(), 1, "84.00"), bench.item(bench.product(), 1, "10.00"), shipping="8.50"),
        bench.order(*(bench.item(bench.product(), 4, "10.99") for _ in range(4)), shipping="0.00"),
        bench.order(*(bench.item(bench.product(), 1, "0.10") for _ in range(3)), shipping="0.10"),
        bench.order(bench.item(bench.product(), 1, "9999999.99"), bench.item(bench.product(), 1, "0.00")),
        bench.order(bench.item(bench.product(), 3, "55.55"), bench.item(bench.product(), 7, "11.11"), shipping="0.01"),
    )
    for order in awkward:
        built = bench.desk.built(order)
        figures_are(built, order)
        bench.compare_built(order, built)


@case(
    "I6",
    "another currency is stated, or refused",
    needs="build_invoice",
    probes=PROBES,
    suffers="An order of 900 CZK is invoiced as 900 EUR.",
    cure="Pass order.currency to the ERP, and raise Refused('currency_differs', …) where it has only one.",
)
def keeps_the_currency(bench: Bench) -> None:
    """An order in the harness's `other_currency`: the invoice is in that currency, or the connector refuses with
    `currency_differs`, `currency_missing` or `erp_refused`. It is never in another currency."""
    order = bench.order(currency=bench.harness.other_currency)
    try:
        built = bench.desk.built(order)
    except Refused as refused:
        allowed = {Reason.CURRENCY_DIFFERS, Reason.CURRENCY_MISSING, Reason.ERP_REFUSED}
        must(refused.reason in allowed, f"a currency was refused as {refused.reason}: {refused.sentence}")
        return
    same(built.currency, bench.harness.other_currency, "the currency of the invoice")
    bench.compare_built(order, built)


@case(
    "I7",
    "two lines with one SKU stay two lines",
    needs="build_invoice",
    probes=PROBES,
    suffers="A returned item at a reduced price is refunded in full; an invoice without line 2 is refused.",
    cure="Match lines by item_id, and write one line for each item of the order, whatever their SKUs.",
)
def keeps_lines_apart(bench: Bench) -> None:
    """2 pieces for 20.00 and 3 for 27.00 of one SKU are two lines of the invoice, distinguished only by the item's
    id."""
    mug = bench.product(10)
    order = bench.order(bench.item(mug, 2, "20.00"), bench.item(mug, 3, "27.00"))
    built = bench.desk.built(order)
    figures_are(built, order)
    bench.compare_built(order, built)


@case(
    "I8",
    "a draft that a user changed is not issued",
    needs="build_invoice issue_invoice",
    can="drafts",
    probes=PROBES + " change_draft",
    suffers="The customer is charged the amount that ShipperOne accepted, and gets a different invoice.",
    cure="Read the draft again in issue_invoice and compare lines and total with request.invoice before it is issued.",
)
def issues_what_was_accepted(bench: Bench) -> None:
    """An operator changes the draft by a cent after ShipperOne has accepted it: `issue_invoice` refuses with
    `total_differs`, and the draft stays a draft. An ERP without drafts has no document to change."""
    order, desk = bench.order(), bench.desk
    built = desk.built(order)
    if built.reference is None:
        raise NotApplicable("build_invoice writes nothing: there is no draft that a user could change")
    bench.harness.change_draft(desk.to_build(order).key)
    try:
        answer = desk.issue(built, order)
    except Refused as refused:
        same(refused.reason, Reason.TOTAL_DIFFERS, "the reason for a draft that is no longer what was accepted")
    else:
        raise Finding(f"issue_invoice answered {answer} although the draft is no longer what ShipperOne accepted")
    same(bench.documents(desk.to_build(order).key, "issued"), [], "issued documents of that key")


def figures_are(invoice: Invoice, order: FulfillmentOrder) -> None:
    """Finding unless the invoice agrees with the order. Core does not compare values that the invoice leaves out."""
    wanted = {item.item_id: (item.qty, item.row_total_incl_tax) for item in order.items}
    stated = [(line.item_id, (line.qty, line.total_incl_tax)) for line in invoice.lines]
    same(len(stated), len(order.items), "lines of the invoice")
    for item_id, (qty, total) in stated:
        must(item_id in wanted, f"line {item_id!r} of the invoice is no item of the order (ids are {list(wanted)})")
        same(qty, wanted[item_id][0], f"the quantity of item {item_id}")
        if total is not None:
            same(total, wanted[item_id][1], f"the total of item {item_id}")
    same(len({item_id for item_id, _ in stated}), len(stated), "different items on the invoice")
    same(invoice.shipping_amount_incl_tax, order.shipping_amount_incl_tax, "the shipping of the invoice")
    if invoice.total_incl_tax is not None:
        same(invoice.total_incl_tax, expected_total(order), "the total of the invoice")
    if invoice.currency is not None:
        same(invoice.currency, order.currency, "the currency of the invoice")
    for item, line in ((item, line) for item in order.items for line in invoice.lines if line.item_id == item.item_id):
        if line.tax_percent is not None:
            same(line.tax_percent, item.tax_percent, f"the tax of item {item.item_id} in percent")
