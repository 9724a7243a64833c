"""An invoice's tax beside what ShipperOne lists of it: a rate, a tax amount, a net row, or nothing at all."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from shipperone_erp import FulfillmentOrder, Invoice, InvoiceLine, OrderItem, Reason
from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.invoice_checks.comparison import invoice_differences, only_amounts, reason_for
from shipperone_erp.domain.invoice_checks.listed_taxes import listed_tax, rate_totals, tax_compared
from shipperone_erp.operations.queue_findings import findings

ITEM = OrderItem(item_id=1, sku="MUG", qty=D(1), row_total_incl_tax=D("123.00"))


def order(item: OrderItem) -> FulfillmentOrder:
    return FulfillmentOrder("FO-1", "main", (item,), "EUR", total_incl_tax=D("123.00"))


def invoice(percent: str | None, tax: str | None = None) -> Invoice:
    line = InvoiceLine(1, D(1), D("123.00"), D(percent) if percent else None, D(tax) if tax else None)
    return Invoice("draft", (line,), D(0), D("123.00"), "EUR")


@pytest.mark.parametrize(
    ("listed", "tax"),
    [
        ({"tax_amount": D("23.00")}, D("23.00")), ({"tax_amount": "23.00"}, D("23.00")),
        ({"row_total_excl_tax": D(100)}, D(23)), ({"row_total_excl_tax": 100, "tax_amount": 20}, D(20)),
        ({}, None), ({"tax_amount": "none"}, None), ({"tax_amount": True}, None), ({"row_total": D(100)}, None),
        ({"tax_amount": "NaN"}, None),
    ],
)  # fmt: skip
def test_a_listed_tax_is_read_by_itself_or_as_the_rows_difference(listed, tax):
    assert listed_tax(replace(ITEM, extra=listed)) == tax


def test_a_discount_may_be_in_one_amount_and_not_in_the_other():
    assert listed_tax(replace(ITEM, extra={"tax_amount": D(23)}, discount=D(10))) is None


@pytest.mark.parametrize("listed", [{"tax_amount": D("23.00")}, {"row_total_excl_tax": D("100.01")}])
def test_m7_an_invoice_with_the_listed_tax_agrees_and_another_one_differs(listed):
    item = replace(ITEM, extra=listed)

    def found(built: Invoice) -> tuple[str, ...]:
        differences = invoice_differences(
            order(item), built, currency="EUR", discount="in_row", tolerance=D(0), part=False
        )
        return tuple(one.field for one in differences)

    assert found(invoice("23")) == ()
    assert found(invoice(None, "23.00")) == ()
    assert found(invoice("20")) == ("items[1].tax_amount",), "the gross is right, as with any tax that a price includes"
    assert found(invoice(None)) == (), "nothing is told, and nothing compared"


def test_the_tax_of_a_whole_row_is_no_measure_for_a_part_of_it():
    half = replace(ITEM, row_total_incl_tax=D("246.00"), extra={"tax_amount": D("46.00")})
    assert not tax_compared(order(half), invoice("23"))
    differences = invoice_differences(
        order(half), invoice("23"), currency="EUR", discount="in_row", tolerance=D(0), part=True
    )
    assert [one.field for one in differences if "tax" in one.field.rsplit(".", 1)[-1].split("_")[:1]] == []


def test_a_tax_that_differs_is_an_amount_with_a_reason_of_its_own():
    differences = invoice_differences(
        order(replace(ITEM, extra={"tax_amount": D(23)})), invoice("5"), currency="EUR", discount="in_row",
        tolerance=D(0), part=False,
    )  # fmt: skip
    assert [(one.ours, one.theirs) for one in differences] == [("5.86", "23")]
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
    assert tax_compared(order(item), built) is compared


def test_totals_by_rate_tell_an_accountant_what_was_invoiced():
    lines = (
        InvoiceLine(1, D(1), D("123.00"), D("23.00")), InvoiceLine(2, D(1), D("10.50"), D(5)),
        InvoiceLine(3, D(1), D("4.00")),
    )  # fmt: skip
    more = Invoice("other", (InvoiceLine(1, D(1), D("123.00"), D(23)),), None, None, "EUR")
    found = rate_totals([Invoice("one", lines, None, None, "EUR"), more])
    assert [(one.percent, one.gross, one.tax and one.tax.quantize(D("0.01"))) for one in found] == [
        (23, D("246.00"), D("46.00")), (5, D("10.50"), D("0.50")), (None, D("4.00"), None),
    ]  # fmt: skip


def test_doctor_says_of_the_real_queue_that_no_rate_is_stated():
    settings = TenantSettings(
        name="acme", base_url="https://acme.example", store_code="default", token="t", connector="odoo",
        timezone="UTC", connector_settings={}, policy_settings={},
    )  # fmt: skip
    (said,) = [one for one in findings(settings, [order(ITEM)], {}) if one.check == "tax rate"]
    assert said.sentence.startswith("1 of 1 listed item(s) state no tax rate")
    assert "tax_percent" in said.cure
    for stated in (replace(ITEM, tax_percent=D(23)), replace(ITEM, extra={"tax_amount": D(23)})):
        assert [one for one in findings(settings, [order(stated)], {}) if one.check == "tax rate"] == []
