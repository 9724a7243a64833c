"""An invoice's tax compared with ShipperOne's listing: a rate, a tax amount, a net row, or nothing."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from shipperone_erp import FulfillmentOrder, Invoice, InvoiceLine, OrderItem, Reason
from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.amounts.expected_totals import figures
from shipperone_erp.domain.invoice_checks.comparison import invoice_differences, only_amounts, reason_for
from shipperone_erp.domain.invoice_checks.listed_taxes import (
    listed_tax_differences,
    listed_taxes,
    rate_totals,
    tax_compared,
)
from shipperone_erp.domain.money import rounded
from shipperone_erp.operations.queue_findings import findings

ITEM = OrderItem(item_id=1, sku="MUG", qty=D(1), row_total_incl_tax=D("123.00"))


def order(item: OrderItem) -> FulfillmentOrder:
    return FulfillmentOrder("FO-1", "main", (item,), "EUR", total_incl_tax=D("123.00"))


def invoice(percent: str | None, tax: str | None = None) -> Invoice:
    line = InvoiceLine(1, D(1), D("123.00"), D(percent) if percent else None, D(tax) if tax else None)
    return Invoice("draft", (line,), D(0), D("123.00"), "EUR")


def taxes(item: OrderItem, gross: str) -> list[D]:
    return [rounded(tax, "EUR") for tax in listed_taxes(item, D(gross))]


@pytest.mark.parametrize(
    ("listed", "tax"),
    [
        ({"tax_amount": D("23.00")}, D("23.00")), ({"tax_amount": "23.00"}, D("23.00")),
        ({"row_total_excl_tax": D(100)}, D(23)), ({"row_total_excl_tax": 100, "tax_amount": 20}, D(20)),
        ({}, None), ({"tax_amount": "none"}, None), ({"tax_amount": True}, None), ({"row_total": D(100)}, None),
        ({"tax_amount": "NaN"}, None), ({"tax_amount": D("1e999999")}, None), ({"tax_amount": "1_0"}, None),
    ],
)  # fmt: skip
def test_a_listed_tax_is_read_by_itself_or_as_the_rows_difference(listed, tax):
    assert taxes(replace(ITEM, extra=listed), "123.00") == ([] if tax is None else [tax])


@pytest.mark.parametrize(
    ("item", "gross", "found"),
    [
        # 12.30 off 123.00: the tax is of the row after it, or before it
        (replace(ITEM, discount=D("12.30"), extra={"tax_amount": D("20.70")}), "110.70", ["20.70", "18.63"]),
        (replace(ITEM, discount=D("12.30"), extra={"tax_amount": D("23.00")}), "110.70", ["20.70", "23.00"]),
        # a net row beside the tax tells which; Magento's net row is before the discount, its tax after it
        (replace(ITEM, discount=D("12.30"), extra={"tax_amount": D("20.70"), "row_total_excl_tax": D(100)}), "110.70", ["20.70"]),
        (replace(ITEM, discount=D("12.30"), extra={"tax_amount": D("23.00"), "row_total_excl_tax": D(100)}), "110.70", ["20.70"]),
        # the row is after its discount
        (replace(ITEM, row_total_incl_tax=D("110.70"), discount=D("12.30"), extra={"row_total_excl_tax": D(90)}), "110.70", ["20.70", "29.70"]),
    ],
)  # fmt: skip
def test_a_discount_may_be_in_one_amount_and_not_in_the_other(item, gross, found):
    assert set(map(D, found)) <= set(taxes(item, gross))
    if len(found) == 1:
        assert taxes(item, gross) == [D(found[0])]


@pytest.mark.case("M7")
@pytest.mark.parametrize("listed", [{"tax_amount": D("23.00")}, {"row_total_excl_tax": D("100.01")}])
def test_an_invoice_with_the_listed_tax_agrees_and_another_one_differs(listed):
    item = replace(ITEM, extra=listed)

    def found(built: Invoice) -> tuple[str, ...]:
        differences = invoice_differences(
            order(item), built, currency="EUR", discount="in_row", tolerance=D(0), part=False
        )
        return tuple(one.field for one in differences)

    assert found(invoice("23")) == ()
    assert found(invoice(None, "23.00")) == ()
    assert found(invoice("20")) == ("items[1].tax_amount",), "the gross is right, as with any tax that a price includes"
    assert found(invoice(None)) == (), "nothing is stated, and nothing compared"


DISCOUNTED = replace(ITEM, discount=D("12.30"), extra={"tax_amount": D("20.70")})
MAGENTO = replace(DISCOUNTED, extra={"tax_amount": D("20.70"), "row_total_excl_tax": D(100)})
DOUBTFUL = replace(ITEM, row_total_incl_tax=D("119.70"), discount=D("3.30"), extra={"tax_amount": D("23.00")})


@pytest.mark.parametrize(
    ("item", "line", "percent", "differs", "proven"),
    [
        (MAGENTO, "110.70", "23", False, True), (MAGENTO, "110.70", "20", True, None),
        (DISCOUNTED, "110.70", "23", False, True), (DISCOUNTED, "110.70", "20", True, None),
        # 23.00 is 23 % of 123.00 and nothing else; a rate that fits none of the readings differs
        (replace(DISCOUNTED, extra={"tax_amount": D("23.00")}), "110.70", "23", False, True),
        (replace(DISCOUNTED, extra={"tax_amount": D("23.00")}), "110.70", "19", True, None),
        # of 119.70, or of 123.00 before its discount: 23.78 % is no rate, 23 % is; and of 116.40 it is 24.63 %
        (DOUBTFUL, "119.70", "23", False, True),
        # 5.00 of 30.00 are 20 %, of 27.50 they are 22.2 %, of 32.50 they are 18.2 %
        (replace(DOUBTFUL, row_total_incl_tax=D(30), discount=D("2.50"), extra={"tax_amount": D(5)}), "27.50", "20", False, True),
        # 2.00 of 12.00 are 20 %, and of 10.70 they are 23 %: either may be meant
        (replace(DOUBTFUL, row_total_incl_tax=D(12), discount=D("1.30"), extra={"tax_amount": D(2)}), "10.70", "23", False, False),
        (replace(DOUBTFUL, row_total_incl_tax=D(12), discount=D("1.30"), extra={"tax_amount": D(2)}), "10.70", "20", False, False),
        (replace(DOUBTFUL, row_total_incl_tax=D(12), discount=D("1.30"), extra={"tax_amount": D(2)}), "10.70", "5", True, None),
    ],
)  # fmt: skip
def test_the_tax_of_a_discounted_row_is_compared_or_marked_as_not_compared(item, line, percent, differs, proven):
    built = Invoice("draft", (InvoiceLine(1, D(1), D(line), D(percent)),), D(0), D(line), "EUR")
    sums = figures(order(item), "EUR", "in_row" if item.row_total_incl_tax == D(line) else "off_row")
    assert bool([*listed_tax_differences(order(item), built, sums, part=False, tolerance=D(0))]) is differs
    if proven is not None:
        assert tax_compared(order(item), built, sums, part=False) is proven


@pytest.mark.parametrize(
    ("listed", "percent", "differs", "proven"),
    [
        ({"tax_amount": D("23.00")}, "23", False, True), ({"tax_amount": D("23.00")}, "5", True, None),
        ({"row_total_excl_tax": D(100)}, "23", False, True), ({"row_total_excl_tax": D(100)}, "5", True, None),
        # 69.00 are the tax of all three pieces
        ({"tax_amount": D("69.00")}, "23", False, False), ({"row_total_excl_tax": D(300)}, "5", False, False),
    ],
)  # fmt: skip
def test_the_tax_of_a_part_is_compared_unless_the_listed_one_is_that_of_all_parts(listed, percent, differs, proven):
    part = replace(ITEM, price_incl_tax=D(123), extra=listed)
    sums = figures(order(part), "EUR", "in_row")
    assert bool([*listed_tax_differences(order(part), invoice(percent), sums, part=True, tolerance=D(0))]) is differs
    if proven is not None:
        assert tax_compared(order(part), invoice(percent), sums, part=True) is proven


def test_the_tax_of_a_row_is_also_that_of_a_part_of_it():
    row = replace(ITEM, row_total_incl_tax=D("246.00"), extra={"tax_amount": D("46.00")})
    sums = figures(order(row), "EUR", "in_row")
    for percent, right in (("23", True), ("20", False)):
        differs = [*listed_tax_differences(order(row), invoice(percent), sums, part=True, tolerance=D(0))]
        assert differs is not right


def test_a_tax_that_differs_is_an_amount_with_a_reason_of_its_own():
    differences = invoice_differences(
        order(replace(ITEM, extra={"tax_amount": D(23)})), invoice("5"), currency="EUR", discount="in_row",
        tolerance=D(0), part=False,
    )  # fmt: skip
    assert [(one.ours, one.theirs) for one in differences] == [("5.86", "23.00")]
    assert reason_for(differences, Reason.TOTAL_DIFFERS) is Reason.TAX_DIFFERS
    assert only_amounts(differences)


@pytest.mark.parametrize(
    ("item", "built", "compared"),
    [
        (replace(ITEM, tax_percent=D(23)), invoice("23"), True), (replace(ITEM, tax_percent=D(23)), invoice(None), False),
        (ITEM, invoice("23"), False), (replace(ITEM, extra={"tax_amount": D(23)}), invoice("23"), True),
        (replace(ITEM, extra={"tax_amount": D(23)}), invoice(None), False),
    ],
)  # fmt: skip
def test_a_tax_is_compared_where_both_sides_state_it(item, built, compared):
    assert tax_compared(order(item), built, figures(order(item), "EUR", None), part=False) is compared


def test_reconcile_has_totals_by_rate():
    lines = (
        InvoiceLine(1, D(1), D("123.00"), D("23.00")), InvoiceLine(2, D(1), D("10.50"), D(5)),
        InvoiceLine(3, D(1), D("4.00")),
    )  # fmt: skip
    more = Invoice("other", (InvoiceLine(1, D(1), D("123.00"), D(23)),), None, None, "EUR")
    found = rate_totals([Invoice("one", lines, None, None, "EUR"), more])
    assert [(one.percent, one.gross, one.tax and one.tax.quantize(D("0.01"))) for one in found] == [
        (23, D("246.00"), D("46.00")), (5, D("10.50"), D("0.50")), (None, D("4.00"), None),
    ]  # fmt: skip


def test_doctor_reports_listed_items_without_a_rate():
    settings = TenantSettings(
        name="acme", base_url="https://acme.example", store_code="default", token="t", connector="odoo",
        timezone="UTC", connector_settings={}, policy_settings={},
    )  # fmt: skip
    (finding,) = [one for one in findings(settings, [order(ITEM)], {}) if one.check == "tax rate"]
    assert finding.sentence.startswith("1 of 1 listed item(s) state no tax rate")
    assert "tax_percent" in finding.cure
    for stated in (replace(ITEM, tax_percent=D(23)), replace(ITEM, extra={"tax_amount": D(23)})):
        assert [one for one in findings(settings, [order(stated)], {}) if one.check == "tax rate"] == []
