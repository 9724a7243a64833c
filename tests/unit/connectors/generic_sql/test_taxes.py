"""generic_sql: the tax table of an invoice adds up to the invoice, whatever rates shipping and charges are given."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from examples import examples
from shipperone_erp import Charge, FulfillmentOrder, OrderItem
from shipperone_erp_generic_sql import GenericSqlSettings
from shipperone_erp_generic_sql.bind_values import Places, values
from shipperone_erp_generic_sql.checks import warnings
from shipperone_erp_generic_sql.hook_call import Call
from shipperone_erp_generic_sql.taxes import Extra, TaxLine, table

COUPON, GIFT, WRAPPING = (
    Charge("coupon", D("-3.50"), "line"), Charge("gift card", D(-5), "payment"), Charge("wrapping", D("1.20"), "line"),
)  # fmt: skip
TEN, TWENTY_ONE = (D("4.50"), D(10)), (D("10.05"), D(21))


def call(*items: tuple[D | None, D | None], freight: str | None = "4.99", **taxes: str) -> Call:
    """An invoice of one line for each total and rate, with a coupon, wrapping and a gift card."""
    lines = tuple(
        OrderItem(item_id=no, sku="MUG", qty=D(1), row_total_incl_tax=total, tax_percent=rate)
        for no, (total, rate) in enumerate(items, start=1)
    )
    order = FulfillmentOrder(
        "FO-1", "main", lines, "EUR", None if freight is None else D(freight), charges=(COUPON, GIFT, WRAPPING)
    )
    rules = {name.replace("others", "*"): rule for name, rule in taxes.items()}
    return Call(tenant="acme", key="i-1", order=order, params={}, paths={}, taxes=rules)


def rows(made: Call) -> list[tuple[D | None, D | None, D | None]]:
    return [(line.percent, line.document_incl_tax, line.document_tax) for line in made.tax_table]


def header(made: Call) -> tuple[object, ...]:
    names = ("document_total_incl_tax", "document_total_excl_tax", "document_tax_amount")
    return tuple(values(names, made, None, Places())[name] for name in names)


def test_amounts_without_a_rate_are_a_row_of_their_own_and_the_rows_add_up_to_the_invoice():
    made = call(TEN, TWENTY_ONE)
    # shipping 4.99, coupon and wrapping; the gift card is no part of the invoice
    assert rows(made) == [(D(10), D("4.50"), D("0.41")), (D(21), D("10.05"), D("1.74")), (None, D("2.69"), None)]
    assert [line.tax_key for line in made.tax_table] == ["i-1:tax:1", "i-1:tax:2", "i-1:tax:3"]
    assert header(made) == (D("17.24"), None, None)
    # statements that name the items' amounts only still run for the items' rates only
    assert [line.percent for line in made.each("tax") if isinstance(line, TaxLine)] == [D(10), D(21)]
    assert len(made.each("tax", of_document=True)) == 3


@pytest.mark.parametrize(
    ("taxes", "expected"),
    [
        ({"shipping": "highest", "others": "highest"}, [(10, "4.50", "0.41"), (21, "12.74", "2.21")]),
        # 4.99 is shared as 1.54 and 3.45, -3.50 as -1.08 and -2.42, 1.20 as 0.37 and 0.83
        ({"others": "proportional"}, [(10, "5.33", "0.48"), (21, "11.91", "2.07")]),
        ({"shipping": "21.0", "coupon": "10", "wrapping": "0"},
         [(10, "1.00", "0.09"), (21, "15.04", "2.61"), (0, "1.20", "0.00")]),
        ({"shipping": "19", "others": "highest"}, [(10, "4.50", "0.41"), (21, "7.75", "1.35"), (19, "4.99", "0.80")]),
    ],
)  # fmt: skip
def test_shipping_and_charges_have_the_rate_of_the_tenants_setting(taxes, expected):
    made = call(TEN, TWENTY_ONE, **taxes)
    assert rows(made) == [(D(rate), D(total), D(tax)) for rate, total, tax in expected]
    total, net, tax = header(made)
    assert (total, tax) == (D("17.24"), sum(D(tax) for _, _, tax in expected))
    assert net + tax == total


def test_an_amount_that_is_not_known_leaves_its_row_without_a_figure():
    assert rows(call(TEN, TWENTY_ONE, freight=None, others="highest"))[1] == (D(21), None, None)
    assert header(call(TEN, TWENTY_ONE, freight=None, others="highest")) == (None, None, None)
    assert rows(call(TEN, (None, D(21)), others="proportional"))[1] == (D(21), None, None)


def test_items_without_a_rate_take_shipping_with_them_where_nothing_has_one():
    assert rows(call((D(10), None), others="highest")) == [(None, D("12.69"), None)]


def test_free_shipping_makes_no_row():
    made = Call(
        tenant="acme", key="i-1", params={}, paths={},
        order=FulfillmentOrder("FO-1", "main", call(TEN).order.items, "EUR", D(0)),
    )  # fmt: skip
    assert rows(made) == [(D(10), D("4.50"), D("0.41"))]


MONEY = st.integers(-99_999, 99_999).map(lambda cents: D(cents) / 100)
RATES = st.sampled_from([None, D(0), D(5), D(10), D(21), D("21.0")])


@given(
    st.lists(st.tuples(RATES, MONEY), min_size=1, max_size=6),
    st.lists(st.builds(Extra, MONEY, st.sampled_from([None, "highest", "proportional", "21", "7"])), max_size=4),
)
@examples(60)
def test_the_rows_are_the_invoice_to_the_cent(items, extras):
    lines = table("i-1", items, extras, "EUR")
    whole = sum((total for _, total in items), sum((extra.amount for extra in extras), D(0)))
    assert sum(line.document_incl_tax for line in lines) == whole
    assert len({line.percent for line in lines}) == len(lines)
    for line in lines:
        assert line.document_incl_tax == line.document_incl_tax.quantize(D("0.01"))
        if line.percent is not None:
            assert line.document_excl_tax + line.document_tax == line.document_incl_tax
            exact = line.document_incl_tax * line.percent / (100 + line.percent)
            assert abs(line.document_tax - exact) <= D("0.005")


def configured(**more: object) -> GenericSqlSettings:
    tax = "INSERT INTO taxes (k, rate, tax) VALUES (:tax_key, :tax_rate, :tax_document_amount)"
    return GenericSqlSettings.model_validate(
        {"url": "sqlite:///x", "find_invoice": "SELECT 1", "build_invoice": [{"sql": tax, "each": "tax"}], **more}
    )


def test_a_table_of_the_whole_invoice_without_a_rate_for_shipping_is_warned_of():
    sentences = [line.sentence for line in warnings(configured()) if line.name == "taxes"]
    assert sentences == [":tax_document_amount covers the whole invoice, and shipping has no tax rate: its tax is NULL"]
    assert [line for line in warnings(configured(taxes={"*": "highest"})) if line.name == "taxes"] == []


@pytest.mark.parametrize("rule", ["most", "-1", "NaN", "1000", ""])
def test_a_rule_that_is_none_is_refused(rule):
    with pytest.raises(ValidationError, match='write "highest", "proportional" or a rate in percent'):
        configured(taxes={"shipping": rule})
