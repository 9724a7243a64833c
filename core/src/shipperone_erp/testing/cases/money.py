"""M: charges, tax rates, the buyer and the dates agree with the order, also in the ERP."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from shipperone_erp.domain.hook_answers import Invoice, Refused
from shipperone_erp.domain.order import Charge, Party
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.cases.invoices import figures_are
from shipperone_erp.testing.connector_driver import TODAY
from shipperone_erp.testing.findings import Finding, NotApplicable, must, same

PROBES = "settings add_product documents"
EARLIER = TODAY - timedelta(days=3)


@case(
    "M1",
    "a fee is on the invoice, a gift card is not",
    needs="build_invoice",
    probes=PROBES,
    since="1.1",
    suffers="Every order with cash on delivery is held, or its fee is never charged; a gift card is deducted twice.",
    cure="Write a line for each of order.charges of kind `line`, and leave those of kind `payment` out.",
)
def invoices_fees(bench: Bench) -> None:
    """An order has a fee of 2.50 (a charge of kind `line`) and a gift card of 5.00 (kind `payment`): the invoice's
    total includes the fee and not the gift card, both in the answer and in the ERP. The charges are named `fee` and
    `gift card`: if the ERP books a fee as a service, the harness's settings name it."""
    _charged(bench, Charge("fee", Decimal("2.50"), "line"), Charge("gift card", Decimal("-5.00"), "payment"))


@case(
    "M2",
    "a coupon lowers the invoice",
    needs="build_invoice",
    can="negative_lines",
    probes=PROBES,
    since="1.1",
    suffers="The buyer paid with the coupon and gets an invoice without it; the books do not balance at the end of "
    "the month.",
    cure="Write charges with their sign; refuse negative prices for goods only.",
)
def invoices_coupons(bench: Bench) -> None:
    """An order has a coupon of 3.00 (a charge of kind `line`, below zero, named `coupon`): it reduces the invoice's
    total, both in the answer and in the ERP."""
    _charged(bench, Charge("coupon", Decimal("-3.00"), "line"))


def _charged(bench: Bench, *charges: Charge) -> None:
    order = bench.order(charges=charges)
    paid = sum((charge.amount for charge in charges), order.total_incl_tax or Decimal(0))
    order = replace(order, total_incl_tax=paid)
    built = bench.desk.built(order)
    figures_are(built, order)
    bench.compare_built(order, built)


@case(
    "M3",
    "two tax rates of an order are two rates on its invoice",
    needs="build_invoice",
    probes=PROBES,
    since="1.1",
    suffers="Books at 12 % are taxed at 21 %: the shop pays the difference, on every order.",
    cure="Choose the ERP's tax by each item's tax_percent, not once for the order or by the product's default.",
)
def keeps_tax_rates(bench: Bench) -> None:
    """Two lines at the harness's `tax_percent` and one at its `other_tax_percent`: each line of the invoice has its
    own rate, both in the answer and in the ERP."""
    low = bench.harness.other_tax_percent
    order = bench.order(
        bench.item(bench.product(), 1, "12.10"),
        bench.item(bench.product(), 2, "22.40", tax_percent=low),
        bench.item(bench.product(), 1, "24.20"),
    )
    built = bench.desk.built(order)
    figures_are(built, order)
    bench.compare_built(order, built)


@case(
    "M4",
    "the invoice is made out to the buyer",
    needs="build_invoice",
    probes=PROBES,
    since="1.1",
    suffers="Another customer's name and address are on the invoice: the buyer cannot deduct it, and personal data "
    "are disclosed.",
    cure="Find or create the partner from the order's data each time, and keep none in the object.",
)
def invoices_the_buyer(bench: Bench) -> None:
    """Two orders of two buyers, one of them a company, and a third order of the first buyer: each invoice in the ERP
    has its own buyer's name. Skipped if the harness returns no `party`, as with one fixed customer."""
    anna = Party(name="Anna Kit", email="anna@kit.example", street="Kit street 1", city="Bratislava", country="SK")
    firm = Party(name="Eva Kit", company="Kit Trading s.r.o.", city="Praha", country="CZ")
    for buyer in (anna, firm, anna):
        order = bench.order(billing=buyer, customer=buyer)
        built = bench.desk.built(order)
        bench.compare_built(order, built)
    if "party" in bench.not_compared:
        raise NotApplicable("the harness returns no `party` of invoices")


@case(
    "M5",
    "a day of supply before the last invoice's date is kept, or refused in time",
    needs="build_invoice issue_invoice",
    can="backdating",
    probes=PROBES,
    since="1.1",
    suffers="ShipperOne has accepted an invoice that the ERP then refuses to number: it is overdue, and cannot be "
    "undone.",
    cure="Check in build_invoice what issue_invoice will need: the locked period and the date of the last number.",
)
def keeps_earlier_dates(bench: Bench) -> None:
    """An invoice of 2 March is issued; then one of 27 February is requested. Either it is built and issued with that
    date, or `build_invoice` refuses it with `erp_period_locked`. `issue_invoice` never refuses a built invoice, and
    no date is shifted."""
    desk = bench.desk
    desk.issued(bench.order())
    order = bench.order()
    try:
        built = desk.ask("build_invoice", replace(desk.to_build(order), tax_date=EARLIER))
    except Refused as refused:
        same(refused.reason, Reason.ERP_PERIOD_LOCKED, "the reason for a date before the last invoice's")
        return
    must(isinstance(built, Invoice), f"build_invoice answered {built}")
    try:
        issued = desk.ask("issue_invoice", replace(desk.to_issue(built, order), tax_date=EARLIER))
    except Refused as refused:
        sentence = f"issue_invoice refuses the date of an invoice that build_invoice took: {refused.sentence}"
        raise Finding(sentence) from refused
    must(isinstance(issued, Invoice) and issued.issued, f"issue_invoice answered {issued}, not an issued Invoice")
    same(issued.date, EARLIER, "the date of an invoice whose day of supply is before the last one's")
