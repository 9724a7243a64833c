"""W: goods come from the correct warehouse, in the correct quantity."""

from dataclasses import replace
from decimal import Decimal

from shipperone_erp.domain.hook_answers import Done, Refused, Reserved, Shortage
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.cases.invoices import figures_are
from shipperone_erp.testing.findings import Finding, must, same

PROBES = "settings add_product on_hand reserved"
FRACTION, REST = Decimal("1.5"), Decimal("0.75")


@case(
    "W1",
    "stock is reserved in the order's own warehouse",
    needs="reserve_stock",
    probes=PROBES,
    since="1.1",
    suffers="Orders of the second warehouse take the first one's goods: one is oversold, the other stays full.",
    cure="Map order.warehouse_code to the ERP's warehouse in each hook; look for a hard-coded warehouse.",
)
def reserves_in_the_orders_warehouse(bench: Bench) -> None:
    """10 pieces are in each of two warehouses; an order that names the second one reserves 2 there, and none in the
    first. A connector to one warehouse refuses the order with `warehouse_unknown`."""
    here, there = bench.harness.warehouse, bench.harness.other_warehouse
    mug = bench.product(10)
    bench.harness.add_product(mug, Decimal(10), there)
    order = replace(bench.order(bench.item(mug, 2)), warehouse_code=there)
    try:
        bench.desk.reserved(order)
    except Refused as refused:
        same(refused.reason, Reason.WAREHOUSE_UNKNOWN, f"the reason for an order of warehouse {there}")
        same(bench.stock(mug), (10, 0), f"on hand and reserved in {here}, after an order of {there} was refused")
        return
    same(bench.stock(mug), (10, 0), f"on hand and reserved in {here}, for an order of {there}")
    same(bench.stock(mug, there), (10, 2), f"on hand and reserved in {there}, for an order of {there}")


@case(
    "W2",
    "several products, one of them in two separate lines, are each reserved",
    needs="reserve_stock",
    probes=PROBES,
    since="1.1",
    suffers="The product's second line is confirmed but never reserved; the warehouse finds no goods.",
    cure="Add quantities up in a dictionary by SKU; itertools.groupby needs its input sorted by SKU.",
)
def reserves_each_product(bench: Bench) -> None:
    """A mug, tea, the mug again, a jar: the stock of each has the sum of its lines reserved. With one mug too few,
    both of its lines are short and nothing is reserved."""
    mug, tea, jar = bench.product(10), bench.product(10), bench.product(10)
    lines = [bench.item(mug, 2), bench.item(tea, 4), bench.item(mug, 3), bench.item(jar, 1)]
    bench.desk.reserved(bench.order(*lines))
    for sku, wanted in ((mug, 5), (tea, 4), (jar, 1)):
        same(bench.stock(sku), (10, wanted), f"on hand and reserved of {sku}")
    order = bench.order(bench.item(mug, 3), bench.item(tea, 1), bench.item(mug, 3))
    answer = bench.desk.reserve(order)
    must(isinstance(answer, Shortage), f"reserve_stock answered {answer} where lines of 3 and 3 want 5 pieces")
    same({line.sku for line in answer.lines}, {mug}, "products that are short")
    same((bench.stock(mug), bench.stock(tea)), ((10, 5), (10, 4)), "on hand and reserved after a shortage")


@case(
    "W3",
    "a fraction is reserved exactly",
    needs="reserve_stock",
    can="fractions",
    probes=PROBES,
    since="1.1",
    suffers="Only 1 of 1.5 metres is reserved: half metres are sold twice.",
    cure="Pass the Decimal to the ERP; int(qty) truncates the fraction, and float(qty) is inexact.",
)
def reserves_fractions(bench: Bench) -> None:
    """2.25 are on hand, and an order needs 1.5: exactly 1.5 are reserved. A second order of 1.5 is short, with 0.75
    available. If the ERP has no fractions, the connector declares that, and core holds such an order."""
    cloth = bench.product("2.25")
    bench.desk.reserved(bench.order(bench.item(cloth, "1.5", "15.00")))
    same(bench.stock(cloth), (Decimal("2.25"), FRACTION), "on hand and reserved, of 1.5 that were reserved out of 2.25")
    answer = bench.desk.reserve(bench.order(bench.item(cloth, "1.5", "15.00")))
    must(
        isinstance(answer, Shortage), f"reserve_stock answered {answer} where 0.75 of 2.25 are free and 1.5 are wanted"
    )
    same([(line.wanted, line.available) for line in answer.lines], [(FRACTION, REST)], "wanted and available")


@case(
    "W4",
    "a fraction that the product's unit forbids is refused",
    needs="reserve_stock",
    can="units",
    probes=PROBES + " add_indivisible documents",
    since="1.1",
    suffers="The ERP silently rounds 1.5 pieces up to two; the next buyer's piece is missing.",
    cure="Check the unit's rounding or the product's flag, and raise Refused('unit_unclear', …) before writing.",
)
def refuses_forbidden_fractions(bench: Bench) -> None:
    """A product is sold in whole pieces only: an order of 1.5 is refused with `unit_unclear` (or `erp_refused`), and
    nothing is reserved. An order of 2 is reserved."""
    sku = f"{bench.product(1)}-WHOLE"
    bench.harness.add_indivisible(sku, Decimal(10), bench.harness.warehouse)
    order = bench.order(bench.item(sku, "1.5", "15.00"))
    try:
        answer = bench.desk.reserve(order)
    except Refused as refused:
        must(
            refused.reason in (Reason.UNIT_UNCLEAR, Reason.ERP_REFUSED), f"1.5 pieces were refused as {refused.reason}"
        )
    else:
        raise Finding(f"reserve_stock answered {answer} for 1.5 of a product that is sold in whole pieces")
    same(bench.stock(sku), (10, 0), "on hand and reserved, after 1.5 were refused")
    same(bench.documents(bench.desk.to_reserve(order).key, "live"), [], "live reservations of the refused order")
    bench.desk.reserved(bench.order(bench.item(sku, 2)))
    same(bench.stock(sku), (10, 2), "on hand and reserved, of 2 whole pieces")


@case(
    "W5",
    "a fraction is invoiced exactly",
    needs="build_invoice",
    can="fractions",
    probes="settings add_product documents",
    since="1.1",
    suffers="1.5 metres are charged, but the invoice states one; a return is refunded by the invoice.",
    cure="Pass Decimal quantities to the ERP, and check the unit's decimal places: a third one may be rounded.",
)
def invoices_fractions(bench: Bench) -> None:
    """Lines of 1.5 for 14.85 and of 0.25 for 2.20: the invoice has these quantities and totals, also in the ERP."""
    order = bench.order(bench.item(bench.product(), "1.5", "14.85"), bench.item(bench.product(), "0.25", "2.20"))
    built = bench.desk.built(order)
    figures_are(built, order)
    bench.compare_built(order, built)


@case(
    "W6",
    "a fraction leaves the stock exactly",
    needs="reserve_stock build_invoice issue_invoice deliver",
    can="fractions",
    probes=PROBES,
    since="1.1",
    suffers="After each sale half a metre remains in the ERP's stock, and is sold to another customer.",
    cure="Convert quantities in deliver as in reserve_stock: int(qty) often remains in one of the two.",
)
def delivers_fractions(bench: Bench) -> None:
    """1.5 of 10 are reserved, invoiced and delivered: 8.5 on hand, none reserved."""
    desk, cloth = bench.desk, bench.product(10)
    order = bench.order(bench.item(cloth, "1.5", "15.00"))
    reservation: Reserved = desk.reserved(order)
    desk.issued(order)
    same(desk.deliver(order, reservation, order), Done(), "the answer of deliver")
    same(bench.stock(cloth), (Decimal("8.5"), 0), "on hand and reserved, after 1.5 of 10 were delivered")
