"""Money: the required figures of an invoice, and the explanation of a difference (M1, M2, M5, M7)."""

from decimal import Decimal as D

import pytest

from shipperone_erp import FulfillmentOrder, Invoice, InvoiceLine, OrderItem, Reason
from shipperone_erp.domain.amounts.expected_totals import figures
from shipperone_erp.domain.invoice_checks.comparison import (
    invoice_differences,
    only_amounts,
    order_differences,
    reason_for,
)
from shipperone_erp.domain.invoice_checks.tax_rounding import rounding_hint


def order(
    *gross: str, tax: str | None = "21", shipping: str = "0.00", total: str | None = None, **fields
) -> FulfillmentOrder:
    items = tuple(
        OrderItem(item_id=n, sku=f"SKU-{n}", qty=D(1), row_total_incl_tax=D(g), tax_percent=D(tax) if tax else None)
        for n, g in enumerate(gross, 1)
    )
    return FulfillmentOrder(
        order_id="FO-1", warehouse_code="main", items=items, shipping_amount_incl_tax=D(shipping),
        total_incl_tax=D(total) if total else None, **fields,
    )  # fmt: skip


def invoice_of(given: FulfillmentOrder, total: str, **line_fields) -> Invoice:
    lines = tuple(
        InvoiceLine(i.item_id, i.qty, i.row_total_incl_tax, **{"tax_percent": i.tax_percent, **line_fields})
        for i in given.items
    )
    return Invoice("INV", lines, given.shipping_amount_incl_tax, D(total))


def differences(given: FulfillmentOrder, built: Invoice, tolerance: str = "0.00", part: bool = False):
    return invoice_differences(given, built, currency="EUR", discount=None, tolerance=D(tolerance), part=part)


def test_an_invoice_that_states_what_shipped_differs_in_nothing():
    given = order("10.00", "2.50", shipping="4.99", total="17.49")
    assert differences(given, invoice_of(given, "17.49")) == ()


@pytest.mark.case("M1")
def test_a_total_rounded_by_document_is_explained_against_the_one_by_line():
    given = order("10.99", "10.99", "10.99", "10.99", total="43.96")
    found = differences(given, invoice_of(given, "43.95"))
    assert [(d.field, d.ours, d.theirs) for d in found] == [("total_incl_tax", "43.95", "43.96")]
    hint = rounding_hint(given, figures(given, "EUR", None), D("43.95"))
    assert "43.96 is the sum of the lines' rounded gross amounts" in hint
    assert "43.95 is what tax on the document's rounded nets gives" in hint
    assert "set the ERP to round tax per line" in hint


@pytest.mark.case("M1")
@pytest.mark.parametrize("tax", ["15.33", "15.34"])
def test_both_roundings_of_the_tax_itself_are_right(tax):
    given = order("68.33", "13.67", tax="23", total="82.00")
    lines = (
        InvoiceLine(1, D(1), D("68.33"), D(23), D(tax) - D("2.56")),
        InvoiceLine(2, D(1), D("13.67"), D(23), D("2.56")),
    )
    assert differences(given, Invoice("INV", lines, D("0.00"), D("82.00"))) == ()


@pytest.mark.case("M1")
def test_a_third_figure_is_held_with_both_roundings_named():
    given = order("68.33", "13.67", tax="23", total="82.00")
    lines = (
        InvoiceLine(1, D(1), D("68.33"), D(23), D("12.79")),
        InvoiceLine(2, D(1), D("13.67"), D(23), D("2.56")),
    )
    (found,) = differences(given, Invoice("INV", lines, D("0.00"), D("82.00")))
    assert (found.field, found.ours, found.theirs) == ("tax[23 %]", "15.35", "15.34 by line or 15.33 in total")
    assert reason_for((found,), Reason.TOTAL_DIFFERS) is Reason.TAX_DIFFERS


@pytest.mark.case("M2")
def test_gross_rebuilt_from_rounded_nets_is_another_amount():
    given = order("84.00", "10.00", "8.50", tax="19", total="102.50")
    (found,) = differences(given, invoice_of(given, "102.49"))
    assert (found.ours, found.theirs) == ("102.49", "102.50")
    assert "102.49 is what tax on the document's rounded nets gives" in rounding_hint(
        given, figures(given, "EUR", None), D("102.49")
    )


@pytest.mark.case("M5")
@pytest.mark.parametrize(("tolerance", "differs"), [("0.00", True), ("0.01", False), ("0.009", True)])
def test_tolerance_is_exact_at_its_boundary(tolerance, differs):
    given = order("10.00", total="10.00")
    assert bool(differences(given, invoice_of(given, "10.01"), tolerance)) is differs


@pytest.mark.case("M7")
def test_another_tax_than_the_shop_used():
    given = order("12.10", total="12.10")
    (found,) = differences(given, invoice_of(given, "12.10", tax_percent=D(0)))
    assert (found.field, found.ours, found.theirs) == ("items[1].tax_percent", "0", "21")
    assert reason_for((found,), Reason.TOTAL_DIFFERS) is Reason.TAX_DIFFERS


def test_items_and_quantities_come_before_amounts_and_are_never_acceptable():
    given = order("10.00", "5.00", total="15.00")
    short = Invoice("INV", (InvoiceLine(1, D(2), D("20.00")),), D("0.00"), D("20.00"))
    found = differences(given, short)
    assert {(d.field, d.ours, d.theirs) for d in found} == {
        ("items[1].qty", "2", "1"),
        ("items[2]", None, "1 of SKU-2"),
    }
    assert reason_for(found, Reason.TOTAL_DIFFERS) is Reason.ITEMS_CHANGED
    assert not only_amounts(found)
    assert only_amounts(differences(given, invoice_of(given, "15.01")))


def test_a_line_listed_twice_and_a_line_that_did_not_ship():
    given = order("10.00")
    twice = Invoice("INV", (InvoiceLine(1, D(1)), InvoiceLine(1, D(1))), D("0.00"), None)
    assert [d.field for d in differences(given, twice)] == ["items[1]"]
    more = Invoice("INV", (InvoiceLine(1, D(1)), InvoiceLine(9, D(1))), D("0.00"), None)
    assert [(d.field, d.ours, d.theirs) for d in differences(given, more)] == [("items[9]", "1", None)]


def test_a_part_leaves_the_orders_total_out_and_a_whole_order_does_not():
    given = order("10.00", total="99.00")
    assert differences(given, invoice_of(given, "10.00"), part=True) == ()
    assert [d.theirs for d in differences(given, invoice_of(given, "10.00"))] == ["99.00"]


def test_a_discount_counts_where_the_order_adds_up_with_it():
    items = (OrderItem(item_id=1, sku="A", qty=D(1), row_total_incl_tax=D("10.00"), discount=D("2.00")),)
    given = FulfillmentOrder("FO", "main", items, shipping_amount_incl_tax=D("1.00"), total_incl_tax=D("9.00"))
    assert figures(given, "EUR", None).order_total == D("9.00")
    assert differences(given, Invoice(None, (InvoiceLine(1, D(1), D("8.00")),), D("1.00"), D("9.00"))) == ()


def test_currencies_without_decimals_are_rounded_to_the_unit():
    items = (OrderItem(item_id=1, sku="A", qty=D("1.5"), price_incl_tax=D("333")),)
    given = FulfillmentOrder("FO", "main", items, shipping_amount_incl_tax=D(0), currency="JPY")
    built = Invoice(None, (InvoiceLine(1, D("1.5"), D(500)),), D(0), D(500), "JPY")
    assert invoice_differences(given, built, currency="JPY", discount=None, tolerance=D(0), part=False) == ()


def test_changes_at_shipperone_are_named_field_by_field():
    sent, now = order("10.00", shipping="4.99"), order("10.00", "3.00", shipping="5.99")
    found = {(d.field, d.ours, d.theirs) for d in order_differences(sent, now)}
    assert found == {("items[2]", None, "1 of SKU-2"), ("shipping_amount_incl_tax", "4.99", "5.99")}
    assert [d.field for d in order_differences(sent, None)] == ["order"]
