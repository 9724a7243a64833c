"""P: an order that ships in parcels has an invoice for each parcel, and each piece is on exactly one of them."""

from dataclasses import replace
from decimal import Decimal

from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.cases.invoices import figures_are
from shipperone_erp.testing.findings import same

PROBES = "settings add_product documents"


@case(
    "P1",
    "five items shipped as 2 + 2 + 1 get three invoices",
    needs="build_invoice",
    probes=PROBES,
    suffers="The second parcel is never invoiced, or the first one is invoiced twice.",
    cure="Use request.key as the document's key; the order's id is the same for every parcel.",
)
def invoices_each_part(bench: Bench) -> None:
    """Three parcels of one order, each with a key of its own: three documents with the lines of their own parcel,
    the first one repeated in between. An order's id is no key."""
    items = [bench.item(bench.product(), 1, f"{number}.00") for number in range(1, 6)]
    whole = bench.order(*items)
    parts = [bench.part(whole, *items[:2]), bench.part(whole, *items[2:4]), bench.part(whole, items[4])]
    _each_is_invoiced(bench, parts)


@case(
    "P2",
    "one line of five pieces shipped as 2 + 2 + 1 gets three invoices",
    needs="build_invoice",
    probes=PROBES,
    suffers="Four or six of five pieces are invoiced.",
    cure="Use request.key, not the content: two equal parcels have different keys.",
)
def invoices_each_piece(bench: Bench) -> None:
    """The same item in two parcels of two pieces and one of one. The second parcel of two differs from the first
    only by its key: core assigns it one of its own when an operator repeats it."""
    mug = bench.product(10)
    line = bench.item(mug, 5, "50.00")
    whole = bench.order(line)
    two = bench.part(whole, replace(line, qty=Decimal(2), row_total_incl_tax=Decimal(20)))
    one = bench.part(whole, replace(line, qty=Decimal(1), row_total_incl_tax=Decimal(10)))
    again = replace(two, order_id=f"{two.order_id}-2")  # another key for an equal parcel
    _each_is_invoiced(bench, [two, again, one])


def _each_is_invoiced(bench: Bench, parts: list[FulfillmentOrder]) -> None:
    desk, built = bench.desk, []
    for part in parts:
        built.append(desk.built(part))
        figures_are(built[-1], part)
        same(desk.build(parts[0]), built[0], "the first part's invoice, asked for again beside the others")
        bench.compare(part, built[-1], "draft")
    if "issue_invoice" not in desk.plugins.offers:
        return
    numbers = set()
    for invoice, part in zip(built, parts, strict=True):
        issued = desk.issue(invoice, part)
        figures_are(issued, part)
        numbers.add(issued.number)
        made = bench.documents(desk.to_build(part).key, "issued")
        same(len(made), 1, "issued documents of a part's key")
        bench.compare(part, issued, found=made)
    same(len(numbers), len(parts), "numbers of the parts' invoices")
