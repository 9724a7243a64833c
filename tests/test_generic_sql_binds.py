"""generic_sql: every bind carries exactly its value, and a result is read to the last digit or refused."""

import json
import traceback
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal as D
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipperone_erp import (
    BuildInvoice,
    Charge,
    FulfillmentOrder,
    Invoice,
    OrderItem,
    Reason,
    Refused,
    Reservation,
)
from shipperone_erp_generic_sql.binds import ITEM_BINDS, ORDER_BINDS
from sql_erp import STATEMENTS, TODAY, Erp, item, order

IN_BUILD = {
    name: bind
    for name, bind in {**ORDER_BINDS, **ITEM_BINDS}.items()
    if bind.steps is None or "build_invoice" in bind.steps
}
SEEN = [
    STATEMENTS["build_invoice"][0],
    {"each": "item", "sql": f"INSERT INTO seen VALUES ({', '.join(f':{name}' for name in IN_BUILD)})"},
]


@pytest.fixture
def seeing(tmp_path):
    """An ERP whose draft keeps every bind there is, in a column without a type."""
    made = Erp(tmp_path, build_invoice=SEEN, find_invoice_lines=())
    made.ask(f"CREATE TABLE seen ({', '.join(IN_BUILD)})")
    yield made
    made.connector.close()


def seen(erp: Erp) -> list[dict[str, object]]:
    return [dict(zip(IN_BUILD, row, strict=True)) for row in erp.ask("SELECT * FROM seen ORDER BY line_no")]


FULL = FulfillmentOrder(
    order_id="FO-1",
    warehouse_code="main",
    items=(
        OrderItem(
            item_id=7, sku="MUG", qty=D("2.50"), warehouse_code="outlet", price_incl_tax=D("4.00"),
            row_total_incl_tax=D("10.00"), tax_percent=D("21.0"), discount=D("1.00"),
        ),
        OrderItem(item_id="8-b", sku="TEA", qty=D("3.0"), price_incl_tax=D("0.000001")),
    ),
    currency="EUR",
    shipping_amount_incl_tax=D("4.990"),
    total_incl_tax=D("14.99"),
    order_number="1000001",
    ordered_at=datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))),
)  # fmt: skip
HELD = Reservation("a-1", "R-1", (7,))


def test_every_bind_arrives_as_what_its_line_in_the_table_says(seeing):
    began = datetime.now(UTC)
    charged = replace(FULL, charges=(Charge("coupon", D("-1.50"), "line"), Charge("card", D(-3), "payment")))
    seeing.connector.build_invoice(BuildInvoice("i-1", charged, 3, TODAY, (HELD,)))
    first, second = seen(seeing)

    assert json.loads(str(first.pop("charges_json"))) == [
        {"name": "coupon", "kind": "line", "amount": "-1.50", "amount_micro": -1500000},
        {"name": "card", "kind": "payment", "amount": "-3", "amount_micro": -3000000},
    ]
    assert (first.pop("line_charges_incl_tax"), first.pop("line_charges_incl_tax_micro")) == ("-1.50", -1500000)
    now = datetime.fromisoformat(str(first.pop("now_utc")))
    assert began <= now <= datetime.now(UTC)
    assert first.pop("today") == now.date().isoformat()
    assert json.loads(str(first.pop("reservations_json"))) == [{"key": "a-1", "reference": "R-1", "item_ids": ["7"]}]
    items = json.loads(str(first.pop("items_json")))
    assert first == {
        "key": "i-1", "tenant": "acme", "generation": 3, "order_id": "FO-1", "order_number": "1000001",
        "warehouse_code": "main", "currency": "EUR", "shipping_amount_incl_tax": "4.990",
        "shipping_amount_incl_tax_micro": 4990000, "order_total_incl_tax": "14.99",
        "order_total_incl_tax_micro": 14990000, "payment_method": None, "payment_reference": None,
        "ordered_at": "2026-02-28T23:30:00.000000Z", "shipped_at": None, "tax_date": "2026-03-02",
        "item_key": "i-1:7", "item_id": "7", "line_no": 1, "sku": "MUG", "item_warehouse_code": "outlet",
        "qty": "2.50", "qty_micro": 2500000, "price_incl_tax": "4.00", "price_incl_tax_micro": 4000000,
        "row_total_incl_tax": "10.00", "row_total_incl_tax_micro": 10000000, "line_total_incl_tax": "10.00",
        "line_total_incl_tax_micro": 10000000, "discount": "1.00", "discount_micro": 1000000,
        "tax_percent": "21.0", "tax_percent_micro": 21000000, "reservation_key": "a-1",
        "reservation_reference": "R-1",
    }  # fmt: skip
    told = {name: second[name] for name in ("item_id", "line_no", "item_warehouse_code", "qty", "qty_micro")}
    assert told == {"item_id": "8-b", "line_no": 2, "item_warehouse_code": "main", "qty": 3, "qty_micro": 3000000}
    assert (second["line_total_incl_tax"], second["line_total_incl_tax_micro"]) == ("0.0000030", 3)
    absent = ("discount", "discount_micro", "tax_percent", "row_total_incl_tax_micro", "reservation_key")
    assert [second[name] for name in absent] == [None] * 5
    assert [(one["item_id"], one["qty"], one["line_total_incl_tax"]) for one in items] == [
        ("7", "2.50", "10.00"), ("8-b", "3.0", "0.0000030"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("total", "line"), [("9.99", "5.00"), ("14.99", "10.00"), (None, "10.00")], ids=["reduced", "plain", "not told"]
)
def test_a_line_costs_what_the_orders_total_is_made_of(seeing, total, line):
    lines = (replace(item(1, "MUG", total="10.00"), discount=D("5.00")),)
    what = replace(order(), items=lines, total_incl_tax=D(total) if total else None)
    seeing.build(what)
    assert [row["line_total_incl_tax"] for row in seen(seeing)] == [line]


HOSTILE = [
    "'); DELETE FROM stock; --", '"; DROP TABLE stock; --', "' OR '1'='1", ":sku :key :param_x", "a\0b", "%(key)s ? ?1",
    "🫖👩‍👩‍👧‍👦é", "x" * 1_000_000, '{"sku": "}', "\\u0000\\", "\r\n\t\x1b[0m", " ",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:24])
def test_every_text_of_an_order_is_only_ever_a_value(seeing, text):
    stock = seeing.ask("SELECT * FROM stock")
    line = OrderItem(item_id=text, sku=text, qty=D(1), warehouse_code=text, row_total_incl_tax=D(1))
    what = FulfillmentOrder(
        text, text, (line,), text, D(0), D(1), order_number=text, payment_method=text, payment_reference=text
    )
    held = Reservation(text, text, (text,))
    seeing.connector.build_invoice(BuildInvoice(f"i-{text}", what, 1, TODAY, (held,)))
    (row,) = seen(seeing)
    same = ("order_id", "warehouse_code", "currency", "order_number", "payment_method", "payment_reference", "item_id",
            "sku", "item_warehouse_code", "reservation_key", "reservation_reference")  # fmt: skip
    assert [name for name in same if row[name] != text] == []
    assert (row["key"], row["item_key"]) == (f"i-{text}", f"i-{text}:{text}")
    assert json.loads(str(row["items_json"]))[0]["sku"] == text
    assert json.loads(str(row["reservations_json"])) == [{"key": text, "reference": text, "item_ids": [text]}]
    assert seeing.ask("SELECT * FROM stock") == stock


@pytest.mark.parametrize("where", ["sku", "order_id"])
def test_half_a_character_is_refused_and_nothing_is_written(erp, where):
    half = "MUG\ud83e"
    what = order(item(1, half)) if where == "sku" else order(order_id=half)
    with pytest.raises(Refused) as refused:
        erp.reserve(what)
    assert refused.value.reason is Reason.ORDER_UNREADABLE
    assert refused.value.sentence == f"{where} holds half of a character (a lone surrogate): no database stores it"
    assert erp.ask("SELECT COUNT(*) FROM reservations") == [(0,)]


def test_what_the_database_refuses_is_told_without_the_orders_texts(erp):
    private = "Jana Nováková, Hlavná 1"
    erp.ask("CREATE UNIQUE INDEX one_per_order ON invoices (order_number)")
    what = replace(order(), order_number=private)
    erp.build(what)
    with pytest.raises(Refused) as refused:
        erp.build(what, "i-2")
    told = "".join(traceback.format_exception(refused.value))
    assert "UNIQUE constraint failed: invoices.order_number" in told
    assert "Jana" not in told


def test_m4_millionths_reach_to_the_end_of_a_64_bit_integer(seeing):
    most = D("9223372036854.775807")
    seeing.build(replace(order(), total_incl_tax=most))
    assert {row["order_total_incl_tax_micro"] for row in seen(seeing)} == {2**63 - 1}
    with pytest.raises(Refused, match=r"order_total_incl_tax 9223372036854\.775808 cannot be written in whole"):
        seeing.build(replace(order(), total_incl_tax=most + D("0.000001")), "i-2")
    assert seeing.ask("SELECT key FROM invoices") == [("i-1",)]


AMOUNT = st.builds(lambda units, places: D(units).scaleb(-places), st.integers(0, 10**11), st.integers(2, 4))
LINES = st.lists(st.tuples(st.integers(1, 10**7), AMOUNT), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def drafting(tmp_path_factory):
    made = Erp(tmp_path_factory.mktemp("drafting"))
    yield made
    made.connector.close()


@settings(max_examples=50, deadline=None)
@given(lines=LINES, shipping=AMOUNT)
def test_m4_a_draft_adds_up_to_the_last_digit(drafting, lines, shipping):
    bought = tuple(
        OrderItem(item_id=at, sku="MUG", qty=D(units).scaleb(-4), row_total_incl_tax=total)
        for at, (units, total) in enumerate(lines)
    )
    what = FulfillmentOrder("FO-1", "main", bought, "EUR", shipping, None)
    draft = drafting.build(what, f"i-{uuid4()}")
    assert isinstance(draft, Invoice)
    assert draft.total_incl_tax == sum((total for _, total in lines), shipping)
    assert draft.shipping_amount_incl_tax == shipping
    assert [(line.qty, line.total_incl_tax) for line in draft.lines] == [
        (one.qty, one.row_total_incl_tax) for one in bought
    ]
    told = [draft.total_incl_tax, *(number for line in draft.lines for number in (line.qty, line.total_incl_tax))]
    assert {type(number) for number in told} == {D}


@settings(max_examples=60, deadline=None)
@given(units=st.integers(-(10**11), 10**11), places=st.integers(2, 4))
def test_m4_an_amount_in_a_real_column_is_read_as_it_was_written(floating, units, places):
    amount, key = D(units).scaleb(-places), f"i-{uuid4()}"
    floating.ask("INSERT INTO floats VALUES (?, ?)", key, float(amount))
    found = floating.build(order(), key).total_incl_tax
    assert isinstance(found, D)
    assert found == amount


@pytest.fixture(scope="module")
def floating(tmp_path_factory):
    """An ERP that keeps its amounts in binary floats."""
    find = "SELECT 'I' AS reference, 'draft' AS state, amount AS total_incl_tax FROM floats WHERE key = :key"
    made = Erp(tmp_path_factory.mktemp("floating"), find_invoice=[{"sql": find}], find_invoice_lines=())
    made.ask("CREATE TABLE floats (key TEXT PRIMARY KEY, amount REAL)")
    yield made
    made.connector.close()


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("'ten' AS total_incl_tax", "column total_incl_tax holds ten, which is not a number"),
        ("'NaN' AS total_incl_tax", "column total_incl_tax holds NaN, which is not a number"),
        ("9e999 AS total_incl_tax",
         "column total_incl_tax holds inf, which is not an exact number (store amounts as TEXT or as integers)"),
        ("1.5 AS total_incl_tax_micro",
         "column total_incl_tax_micro holds 1.5, which is not an integer of millionths"),
        ("'2. 3. 2026' AS date", "column date holds 2. 3. 2026, which is not a date (YYYY-MM-DD)"),
    ],
)  # fmt: skip
def test_a_result_that_is_no_amount_or_date_is_named_with_its_column(tmp_path, column, said):
    find = f"SELECT 'I' AS reference, 'draft' AS state, {column} WHERE :key <> ''"
    erp = Erp(tmp_path, find_invoice=[{"sql": find}], find_invoice_lines=())
    with pytest.raises(Refused) as refused:
        erp.build(order())
    assert (refused.value.reason, refused.value.sentence) == (Reason.CONFIG_INCOMPLETE, said)


def test_a_date_is_read_out_of_a_time(tmp_path):
    find = "SELECT 'I' AS reference, 'draft' AS state, '2026-03-02 23:59:59' AS date WHERE :key <> ''"
    erp = Erp(tmp_path, find_invoice=[{"sql": find}], find_invoice_lines=())
    assert erp.build(order()).date == date(2026, 3, 2)
