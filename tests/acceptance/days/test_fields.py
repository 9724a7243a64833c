"""Days before the first order: doctor's findings about fields without a setting (B14)."""

import json

import pytest

from merchant import order
from shipperone_erp.sandbox import order_of


def warnings(merchant) -> dict[str, tuple[str, str]]:
    done = merchant.command("doctor", "--json")
    rows = json.loads(done.stdout)
    return {row["check"]: (row["sentence"], row["cure"]) for row in rows if row["verdict"] == "WARN"}


@pytest.mark.case("B14")
def test_a_path_that_matches_in_no_order_is_named_with_the_nearest(merchant):
    merchant.more += "\n[tenants.acme.fields]\n"
    merchant.more += (
        '"customer.vat_id" = "customer.tax.vatt"\ntax_percent = "tax.rate"\npayment_reference = "nowhere"\n'
    )
    merchant.more += 'order_number = "order_number"\n'
    merchant.sandbox.add(order("FO-1", customer={"name": "ACME", "tax": {"vat": "SK2020"}}, order_number="1001"))
    merchant.sandbox.change(
        "FO-1", lambda raw: {**raw, "items": [{**item, "taxes": {"rate": 21}} for item in raw["items"]]}
    )
    found = warnings(merchant)
    assert found["field customer.vat_id"][0] == (
        "its place customer.tax.vatt is empty in all 1 listed order(s); did you mean customer.tax.vat?"
    )
    assert found["field customer.vat_id"][1] == "correct customer.vat_id in [tenants.acme.fields]"
    assert "did you mean taxes.rate?" in found["field tax_percent"][0]
    assert found["field payment_reference"][0].endswith("listed order(s)")
    assert "field order_number" not in found


@pytest.mark.case("B14")
def test_ordered_and_shipped_quantities_are_read_from_separate_places(merchant):
    """Two were ordered and one has shipped: each queue has its place for the quantity, and one is invoiced."""
    merchant.more += '\n[tenants.acme.fields]\nqty = "qty_ordered"\n[tenants.acme.fields.invoice]\nqty = "qty_shiped"\n'
    merchant.sandbox.add(order("FO-1"))

    def in_two_places(raw):
        (item,) = raw["items"]
        shipped = item.pop("qty") if "shipped_at" in raw else 0
        return {**raw, "items": [{**item, "qty_ordered": 2, "qty_shipped": shipped}]}

    merchant.sandbox.change("FO-1", in_two_places)
    merchant.sandbox.auto_ship = False
    merchant.books.stock("MUG", 5)
    merchant.once()
    assert merchant.books.stock_of("MUG")[1] == 2, "what was ordered is reserved"
    (item,) = merchant.sandbox.order("FO-1").order.items
    merchant.sandbox.ship("FO-1", {item.id: 1})
    found = warnings(merchant)
    assert found["field qty"][1] == "correct qty in [tenants.acme.fields.invoice]"
    assert "did you mean qty_shipped?" in found["field qty"][0]
    merchant.more = merchant.more.replace("qty_shiped", "qty_shipped")
    assert "field qty" not in warnings(merchant)
    merchant.once()
    (booked,) = merchant.books.invoices("FO-1")
    assert [*booked.items.values()] == [1], "what has shipped is invoiced"


@pytest.mark.case("B14")
def test_a_bundle_is_seen_before_anything_is_set(merchant):
    merchant.sandbox.add(order_of("bundle", "FO-1", 10))
    warning, cure = warnings(merchant)["bundles"]
    assert "order FO-1 will be held bundle_unclear: item 10 (SET) is listed with what is in it" in warning
    assert cure == 'set bundles = "children" or "parents" in [tenants.acme]'
    merchant.settings["bundles"] = '"children"'
    assert "bundles" not in warnings(merchant)


@pytest.mark.case("B14")
@pytest.mark.parametrize(("country", "warned"), [("SK", True), ("GB", False), (None, False)])
def test_orders_from_a_country_on_another_time_and_no_timezone(merchant, country, warned):
    merchant.sandbox.add(order("FO-1", shipping={"city": "Somewhere", **({"country": country} if country else {})}))
    assert ("timezone" in warnings(merchant)) is warned
    merchant.settings["timezone"] = '"UTC"'
    assert "timezone" not in warnings(merchant)


@pytest.mark.case("B14")
def test_the_accountants_fields_reach_the_erp_from_where_the_shop_has_them(merchant):
    """The order's number stands in a place of its own; the invoice in the ERP is to carry it."""
    merchant.more += '\n[tenants.acme.fields]\norder_number = "shop.number"\n'
    merchant.sandbox.add(order("FO-1"))
    merchant.sandbox.change("FO-1", lambda raw: {**raw, "shop": {"number": "2026/17"}})
    merchant.finishes()
    (job,) = [job for job in merchant.jobs("FO-1") if job.stage == "invoice"]
    assert job.order.order_number == "2026/17"
    if merchant.books.connector == "generic_sql":
        assert merchant.books.ask("SELECT order_number FROM invoices") == [("2026/17",)]
