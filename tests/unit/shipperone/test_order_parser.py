"""ShipperOne's JSON to an order: every reasonable shape, exact numbers, nothing guessed, nothing lost."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipperone_erp.domain.field_places import FIELD_NAMES, Places
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json import dumps, loads
from shipperone_erp.shipperone.order_parser import OrderWire, Unreadable, read_order
from shipperone_erp.shipperone.request_bodies import confirmation_body
from shipperone_erp.shipperone.unmatched_fields import missed


def raw_order(**changes: Any) -> dict[str, Any]:
    order: dict[str, Any] = {
        "order_id": "FO-000012345",
        "warehouse_code": "ba-main",
        "items": [{"id": 55501, "sku": "MUG", "qty": 2}],
    }
    order.update(changes)
    return {key: value for key, value in order.items() if value is not ...}


def raw_item(**changes: Any) -> dict[str, Any]:
    item: dict[str, Any] = {"id": 55501, "sku": "MUG", "qty": 2}
    item.update(changes)
    return {key: value for key, value in item.items() if value is not ...}


def with_item(**changes: Any) -> dict[str, Any]:
    return raw_order(items=[raw_item(**changes)])


def test_the_least_order_has_none_for_everything_that_is_absent() -> None:
    order = read_order(raw_order(), {})
    assert (order.order_id, order.warehouse_code) == ("FO-000012345", "ba-main")
    (item,) = order.items
    assert (item.item_id, item.sku, item.qty, item.warehouse_code) == (55501, "MUG", Decimal(2), None)
    absent = [order.currency, order.shipping_amount_incl_tax, order.total_incl_tax, order.shipped_at, order.ordered_at]
    absent += [order.customer, order.billing, order.shipping, order.order_number, item.price_incl_tax, item.discount]
    assert absent == [None] * len(absent)
    assert dict(order.extra) == {}


def test_a_full_order_in_magentos_words() -> None:
    raw = loads(
        """{"id": 7, "increment_id": "100000123", "order_id": "FO-1", "source_code": "ba-main", "state": "processing",
        "order_currency_code": " eur ", "grand_total": "104.990", "shipping_incl_tax": 4.99,
        "created_at": "2026-03-31 22:30:00", "shipped_at": "2026-04-01T09:00:00+02:00",
        "payment": {"method": "card", "last_trans_id": "tx-9"}, "customer": 17,
        "customer_email": "jana@example.com", "customer_firstname": "Jana", "customer_lastname": "Nováková",
        "customer_taxvat": "SK2020202020",
        "billing_address": {"firstname": "Jana", "lastname": "Nováková", "company": "Acme s.r.o.",
            "street": ["Hlavná 1", "2. poschodie"], "city": "Bratislava", "postcode": 81101, "country_id": "SK",
            "telephone": "+421 900", "region": {"region": "Bratislavský", "region_code": "BA"}, "fax": "no"},
        "shipping_address": {"name": "Jana", "street": "Hlavná 1\\n2. poschodie", "city": "Bratislava", "zip": "811 01"},
        "items": [
            {"id": 55501, "sku": "MUG", "name": "A mug", "qty": "2.0000", "price_incl_tax": "5.00", "price": "4.17",
             "row_total_incl_tax": 10.00, "tax_percent": 20, "discount_amount": 0, "product_type": "simple"},
            {"id": "55502", "sku": 4711, "qty": 1, "warehouse_code": "zv", "parent_item_id": 55501}]}"""
    )
    order = read_order(raw, {})
    assert order.order_id == "FO-1"
    assert order.order_number == "100000123"
    assert order.currency == "EUR"
    assert str(order.total_incl_tax) == "104.990"
    assert order.shipping_amount_incl_tax == Decimal("4.99")
    assert order.ordered_at == datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
    assert order.shipped_at == datetime(2026, 4, 1, 7, tzinfo=UTC)
    assert (order.payment_method, order.payment_reference) == ("card", "tx-9")
    assert order.customer is not None
    assert (order.customer.name, order.customer.email) == ("Jana Nováková", "jana@example.com")
    assert order.customer.vat_id == "SK2020202020"
    assert order.billing is not None
    assert (order.billing.name, order.billing.company) == ("Jana Nováková", "Acme s.r.o.")
    assert (order.billing.street, order.billing.postcode) == ("Hlavná 1, 2. poschodie", "81101")
    assert (order.billing.country, order.billing.region, order.billing.phone) == ("SK", "Bratislavský", "+421 900")
    assert order.billing.extra["fax"] == "no"
    assert order.shipping is not None
    assert (order.shipping.street, order.shipping.postcode) == ("Hlavná 1, 2. poschodie", "811 01")
    first, second = order.items
    assert (str(first.qty), str(first.price_incl_tax), first.discount) == ("2.0000", "5.00", Decimal(0))
    assert first.extra == {"price": "4.17"}
    assert (second.item_id, second.sku, second.warehouse_code, second.parent_item_id) == ("55502", "4711", "zv", 55501)
    assert set(order.extra) == {"id", "state", "customer", "payment"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"order_id": "A", "increment_id": "B", "id": 3}, "A"),
        ({"increment_id": "B", "id": 3}, "B"),
        ({"order_id": None, "increment_id": "", "id": 3}, "3"),
    ],
)
def test_the_identifiers_keys_in_their_order(raw: dict[str, Any], expected: str) -> None:
    assert read_order({**raw_order(order_id=...), **raw}, {}).order_id == expected


def test_an_items_own_id_goes_before_its_item_id_and_stays_as_it_came() -> None:
    assert read_order(with_item(id="007", item_id=9), {}).items[0].item_id == "007"
    assert read_order(with_item(id=..., item_id=9), {}).items[0].item_id == 9


def test_the_orders_own_warehouse_on_an_item_is_no_transfer() -> None:
    assert read_order(with_item(warehouse_code="ba-main"), {}).items[0].warehouse_code is None


def test_a_list_with_gaps_as_php_writes_it() -> None:
    order = read_order(raw_order(items={"0": raw_item(), "2": raw_item(id=55503)}), {})
    assert [item.item_id for item in order.items] == [55501, 55503]


def test_a_usual_name_that_holds_something_else_is_not_that_field() -> None:
    order = read_order(
        raw_order(shipping={"method": "courier", "amount_incl_tax": "4.99"}, customer={"id": 5}, discount=False), {}
    )
    assert order.shipping is None
    assert order.customer is None
    assert order.shipping_amount_incl_tax == Decimal("4.99")
    assert set(order.extra) == {"shipping", "customer", "discount"}


@pytest.mark.case("B18")
def test_absent_is_not_zero_and_an_explicit_zero_is_kept() -> None:
    order = read_order(raw_order(shipping_amount_incl_tax=0, items=[raw_item(price_incl_tax="0.00", discount="")]), {})
    assert str(order.shipping_amount_incl_tax) == "0"
    assert str(order.items[0].price_incl_tax) == "0.00"
    assert order.items[0].discount is None


@pytest.mark.case("B18")
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (raw_order(order_id=...), ["an order has no id", "order_id, increment_id, id", "order_id ="]),
        (raw_order(warehouse_code=...), ["order FO-000012345 has no warehouse", "warehouse_code ="]),
        (raw_order(items=...), ["has no items", "items ="]),
        (raw_order(items=[]), ["has no items"]),
        (raw_order(items=["x"]), ["the 1. item is a text, not an object"]),
        (with_item(id=...), ["order FO-000012345: the 1. item has no id", "item_id ="]),
        (with_item(id=True), ["no id"]),
        (with_item(id=Decimal("55501.0")), ["item_id is Decimal('55501.0')", "whole number"]),
        (with_item(id=1.5), ["item_id is 1.5"]),
        (with_item(sku=...), ["order FO-000012345: item 55501 has no SKU", "sku, product_sku", "sku ="]),
        (with_item(sku="  "), ["no SKU"]),
        (with_item(qty=..., qty_ordered=2), ["item 55501 has no quantity", "qty, quantity", "id, qty_ordered, sku", "qty ="]),
        (with_item(qty=None), ["no quantity"]),
        (with_item(qty="two"), ["qty is 'two', not a decimal number"]),
        (with_item(qty=2.0), ["qty is 2.0, not a decimal number"]),
        (with_item(qty=0), ["quantity 0: nothing"]),
        (with_item(qty=-1), ["quantity -1"]),
        (with_item(price_incl_tax="4,99"), ["price_incl_tax is '4,99'"]),
        (with_item(price_incl_tax="NaN"), ["price_incl_tax is 'NaN'"]),
        (with_item(price_incl_tax="1_000"), ["'1_000'"]),
        (with_item(price_incl_tax="1e999"), ["'1e999'"]),
        (with_item(price_incl_tax=Decimal("Infinity")), ["Infinity"]),
        (raw_order(items=[raw_item(), raw_item(id="55501")]), ["lists item 55501 twice"]),
    ],
)  # fmt: skip
def test_a_missing_required_field_is_named_with_its_cure(raw: dict[str, Any], expected: list[str]) -> None:
    with pytest.raises(Unreadable) as failure:
        read_order(raw, {}, tenant="acme")
    for words in expected:
        assert words in str(failure.value)
    assert failure.value.order_id == raw.get("order_id")
    if "=" in expected[-1]:
        assert f"[tenants.acme.fields] {expected[-1]}" in str(failure.value)


def test_an_entry_that_is_no_object_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="lists a text where an order should be") as failure:
        read_order("secret name", {})  # type: ignore[arg-type]
    assert failure.value.order_id is None


@pytest.mark.case("B14")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-31 22:30:00", datetime(2026, 3, 31, 22, 30, tzinfo=UTC)),
        ("2026-03-31T22:30:00Z", datetime(2026, 3, 31, 22, 30, tzinfo=UTC)),
        ("2026-03-31T22:30:00.250+02:00", datetime(2026, 3, 31, 20, 30, 0, 250_000, tzinfo=UTC)),
        ("2026-03-31", datetime(2026, 3, 31, 12, tzinfo=UTC)),
        ("0000-00-00 00:00:00", None),
        ("", None),
    ],
)
def test_times_are_utc_and_aware(text: str, expected: datetime | None) -> None:
    assert read_order(raw_order(shipped_at=text), {}).shipped_at == expected


@pytest.mark.parametrize(
    ("listed", "percent"), [("0.21", "21"), ("0.055", "5.5"), ("0", "0"), (None, None), (1, "100")]
)
def test_rates_that_are_fractions_are_read_as_percentages(listed: object, percent: str | None) -> None:
    (item,) = OrderWire({}, rates_are_fractions=True).read(with_item(tax_rate=listed)).items
    assert item.tax_percent == (None if percent is None else Decimal(percent))


@pytest.mark.case("B14")
def test_a_tenant_names_places_and_only_these_count() -> None:
    raw = raw_order(
        items=[raw_item(sku="WRONG", product={"sku": "RIGHT"})],
        totals=[{"code": "shipping", "value": "7.50"}],
        shipping_amount_incl_tax="1.00",
        meta={"vat": "SK1"},
        billing_address={"city": "Bratislava", "vat_id": "WRONG"},
    )
    fields = {
        "sku": "product.sku",
        "shipping_amount_incl_tax": "totals.0.value",
        "billing.vat_id": "meta.vat",
        "currency": "cur",
    }
    order = read_order(raw, fields)
    assert order.items[0].sku == "RIGHT"
    assert order.items[0].extra["sku"] == "WRONG"
    assert order.shipping_amount_incl_tax == Decimal("7.50")
    assert order.extra["shipping_amount_incl_tax"] == "1.00"
    assert order.billing is not None
    assert order.billing.vat_id == "SK1"
    assert read_order({**raw, "currency": "EUR"}, fields).currency is None
    assert [miss.name for miss in missed(fields, [raw])] == ["currency"]


def test_a_named_place_that_holds_another_kind_of_thing_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="sku is an object, not a single value"):
        read_order(with_item(product={"sku": "x"}), {"sku": "product"})


def test_a_transfer_is_seen_even_if_the_orders_warehouse_is_named_elsewhere() -> None:
    raw = raw_order(warehouse_code=..., location={"code": "ba-main"}, items=[raw_item(warehouse_code="zv")])
    order = read_order(raw, {"warehouse_code": "location.code"})
    assert (order.warehouse_code, order.items[0].warehouse_code) == ("ba-main", "zv")


def test_every_name_of_the_closed_list_can_be_given_a_place() -> None:
    given_names = [
        "order_id",
        "warehouse_code",
        "items",
        "item_id",
        "sku",
        "name",
        "qty",
        "price_incl_tax",
        "row_total_incl_tax",
        "tax_percent",
        "discount",
        "currency",
        "shipping_amount_incl_tax",
        "total_incl_tax",
        "order_number",
        "payment_method",
        "payment_reference",
        "ordered_at",
        "shipped_at",
        "parent_item_id",
        "item_type",
    ]
    party = [
        "name",
        "company",
        "vat_id",
        "company_id",
        "email",
        "phone",
        "street",
        "city",
        "region",
        "postcode",
        "country",
    ]
    expected = {*given_names, *(f"{role}.{f}" for role in ("customer", "billing", "shipping") for f in party)}
    assert expected == FIELD_NAMES
    with pytest.raises(ValueError, match=r"fields\.skuu"):
        Places({"skuu": "x"})
    with pytest.raises(ValueError, match="is not a key or a path"):
        Places({"sku": "product..sku"})


def test_every_named_party_field_is_read_from_the_order() -> None:
    raw = raw_order(people={field: f"the {field}" for field in ("name", "street", "email", "country")})
    fields = {f"{role}.{f}": f"people.{f}" for role in ("customer", "billing") for f in ("name", "street", "email")}
    order = read_order(raw, {**fields, "shipping.country": "people.country"})
    assert order.customer == order.billing
    assert order.customer is not None
    assert (order.customer.name, order.customer.street, order.customer.email) == ("the name", "the street", "the email")
    assert order.shipping is not None
    assert order.shipping.country == "the country"


def test_personal_data_is_not_in_the_sentence_about_it() -> None:
    with pytest.raises(Unreadable) as failure:
        read_order(raw_order(who=["Jana"]), {"customer.name": "who"})
    assert "Jana" not in str(failure.value)
    assert "customer.name is a list" in str(failure.value)


decimals = st.decimals(0, 9_999_999, places=2) | st.decimals(0, 9_999_999, places=3) | st.decimals(0, 99999, places=4)


@pytest.mark.case("M3")
@given(amount=decimals, as_text=st.booleans())
def test_a_decimal_survives_from_the_listing_to_the_post_to_the_character(amount: Decimal, as_text: bool) -> None:
    written = f"{amount:f}"
    listed = f'"{written}"' if as_text else written
    raw = loads(dumps(raw_order()).replace('"items"', f'"shipping_amount_incl_tax":{listed},"items"', 1))
    order = read_order(raw, {})
    assert order.shipping_amount_incl_tax is not None
    body = confirmation_body(Stage.INVOICE, order)
    expected = '{"order":{"order_id":"FO-000012345","items":[{"item_id":55501}],"shipping_amount_incl_tax":%s}}'
    assert body.decode() == expected % written


@pytest.mark.case("M3")
@pytest.mark.parametrize(
    ("amount", "written"),
    [("1E+2", "100"), ("1e-7", "0.0000001"), ("4.990", "4.990"), ("0.00", "0.00"), ("-0.5", "-0.5")],
)
def test_an_amount_goes_out_without_an_exponent(amount: str, written: str) -> None:
    order = replace(read_order(raw_order(), {}), shipping_amount_incl_tax=Decimal(amount))
    body = confirmation_body(Stage.INVOICE, order)
    assert body.decode().endswith(f'"shipping_amount_incl_tax":{written}}}}}')


def test_bodies_are_the_guides_and_nothing_more() -> None:
    raw = raw_order(order_id='FO-"ž"', items=[raw_item(id=55501), raw_item(id="55502")])
    body = confirmation_body(Stage.ALLOCATION, read_order(raw, {}))
    assert loads(body) == {"order": {"order_id": 'FO-"ž"', "items": [{"item_id": 55501}, {"item_id": "55502"}]}}


def test_tenants_with_one_table_share_its_places_and_a_sentence_names_the_right_one():
    first, second, other = (
        OrderWire(table, tenant=name) for name, table in (("a", {}), ("b", {}), ("c", {"sku": "x"}))
    )
    assert first._places is second._places
    assert first._places is not other._places
    for wire, name in ((first, "a"), (second, "b"), (other, "c")):
        with pytest.raises(Unreadable, match=rf"\[tenants\.{name}\.fields\] sku"):
            wire.read({"order_id": "FO-1", "warehouse_code": "main", "items": [{"item_id": 1, "qty": 1}]})


@pytest.mark.parametrize("order_id", ["FO\0-1", "F" * 501])
def test_an_id_that_no_ledger_can_look_up_makes_the_entry_unreadable(order_id: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_order(raw_order(order_id=order_id), {})
    assert refused.value.order_id is None, "it must not reach a query"
    with pytest.raises(Unreadable) as refused:
        read_order(raw_order(order_number=order_id), {})
    assert refused.value.order_id == "FO-000012345"
    assert read_order(raw_order(order_id="ü" * 300), {}).order_id == "ü" * 300


@pytest.mark.parametrize("listed", ["12.0", "12.5", "1.2e1"])
def test_an_order_id_that_is_a_fraction_is_no_id(listed: str) -> None:
    """12 and 12.0 would be two orders, each with an invoice of its own."""
    with pytest.raises(Unreadable) as refused:
        read_order(
            {"order_id": Decimal(listed), "warehouse_code": "main", "items": [{"id": 1, "sku": "A", "qty": 1}]}, {}
        )
    assert (refused.value.order_id, "not a whole number or a text" in refused.value.sentence) == (None, True)
