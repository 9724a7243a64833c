"""generic_sql: every bind carries exactly its value, and a result is read to the last digit or refused."""

import json
import traceback
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal as D
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from examples import examples
from shipperone_erp import (
    BuildInvoice,
    Charge,
    FulfillmentOrder,
    Invoice,
    OrderItem,
    Party,
    Reason,
    Refused,
    Reservation,
)
from shipperone_erp_generic_sql.binds import ORDER_BINDS
from shipperone_erp_generic_sql.element_binds import BINDS_OF
from shipperone_erp_generic_sql.hook_call import PARTIES, PARTY_FIELDS
from sql_erp import RECIPE, TODAY, Erp, item, order
from sql_servers import new_sqlite

IN_BUILD = {
    name: bind
    for name, bind in {**ORDER_BINDS, **BINDS_OF["item"]}.items()
    if bind.steps is None or "build_invoice" in bind.steps
}
OWN = {"gift": "gift.note", "weight": "weight", "country": "shipping.country", "first": "items.0.name"}
PARTY_BINDS = {f"{party}_{name}" for party in PARTIES for name in PARTY_FIELDS}
SEEN = {"each": "item", "sql": f"INSERT INTO seen VALUES ({', '.join(f':{name}' for name in (*IN_BUILD, *OWN))})"}
TYPES = {
    "sqlite": {"Text": "", "Amount": "", "Quantity": "", "Utc": "", "Day": "", "BigInteger": ""},
    "postgresql": {"Text": "TEXT", "Amount": "NUMERIC", "Quantity": "NUMERIC", "Utc": "TIMESTAMPTZ", "Day": "DATE",
                   "BigInteger": "BIGINT"},
    "mariadb": {"Text": "LONGTEXT CHARACTER SET utf8mb4", "Amount": "DECIMAL(30, 12)", "Quantity": "DECIMAL(30, 12)",
                "Utc": "DATETIME(6)", "Day": "DATE", "BigInteger": "BIGINT"},
}  # fmt: skip


@pytest.fixture
def seeing(an_erp):
    """An ERP whose draft keeps every bind there is."""
    first = an_erp().statements["build_invoice"][0]
    made = an_erp(build_invoice=[first, SEEN], find_invoice_lines=(), binds=OWN)
    types = TYPES[made.dialect]
    columns = [(name, types[type(bind.type).__name__]) for name, bind in IN_BUILD.items()]
    columns += [(name, types["Text"]) for name in OWN]
    made.database.create("seen", ", ".join(f"{quoted(name, made)} {kind}" for name, kind in columns))
    return made


def quoted(name: str, erp: Erp) -> str:
    return f"`{name}`" if erp.dialect == "mariadb" else name


def seen(erp: Erp) -> list[dict[str, object]]:
    rows = erp.database.ask("SELECT * FROM seen ORDER BY line_no")
    return [dict(zip((*IN_BUILD, *OWN), row, strict=True)) for row in rows]


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
    customer=Party(name="Jana Nováková", email="jana@example.com", extra={"group": "b2b"}),
    shipping=Party(country="SK", street="Hlavná 1"),
    extra={"gift": {"note": "Šťastné"}, "weight": D("1.250")},
)  # fmt: skip
HELD = Reservation("a-1", "R-1", (7,))


def test_every_bind_has_the_documented_value(seeing):
    began = datetime.now(UTC)
    charged = replace(FULL, charges=(Charge("coupon", D("-1.50"), "line"), Charge("card", D(-3), "payment")))
    seeing.connector.build_invoice(BuildInvoice("i-1", charged, 3, TODAY, (HELD,)))
    first, second = seen(seeing)
    as_text = seeing.dialect == "sqlite"

    assert json.loads(str(first.pop("charges_json"))) == [
        {"name": "coupon", "kind": "line", "amount": "-1.50", "amount_micro": -1500000},
        {"name": "card", "kind": "payment", "amount": "-3", "amount_micro": -3000000},
    ]
    bound = (D(str(first.pop("line_charges_incl_tax"))), first.pop("line_charges_incl_tax_micro"))
    assert bound == (D("-1.50"), -1500000)
    # the second item and shipping have no rate, so that the invoice's tax is not known
    bound = (D(str(first.pop("document_total_incl_tax"))), first.pop("document_total_incl_tax_micro"))
    assert bound == (D("13.490003"), 13490003)
    for name in ("document_total_excl_tax", "document_tax_amount"):
        assert (first.pop(name), first.pop(f"{name}_micro")) == (None, None)
    now = utc(first.pop("now_utc"))
    assert began <= now <= datetime.now(UTC)
    assert str(first.pop("today")) == now.date().isoformat()
    assert json.loads(str(first.pop("reservations_json"))) == [{"key": "a-1", "reference": "R-1", "item_ids": ["7"]}]
    whole = json.loads(str(first.pop("order_json")))
    assert (whole["gift"] if "gift" in whole else whole["extra"]["gift"]) == {"note": "Šťastné"}
    assert (whole["items"][0]["qty"], whole["customer"]["extra"]) == ("2.50", {"group": "b2b"})
    items = json.loads(str(first.pop("items_json")))
    assert utc(first.pop("ordered_at")) == datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    assert str(first.pop("tax_date")) == "2026-03-02"
    parties = {name: first.pop(name) for name in list(first) if name.split("_")[0] in PARTIES and name in PARTY_BINDS}
    assert {name: value for name, value in parties.items() if value is not None} == {
        "customer_name": "Jana Nováková", "customer_email": "jana@example.com", "shipping_country": "SK",
        "shipping_street": "Hlavná 1",
    }  # fmt: skip
    assert {name: first.pop(name) for name in OWN} == {
        "gift": "Šťastné", "weight": "1.250", "country": "SK", "first": None,
    }  # fmt: skip
    amounts = {
        "shipping_amount_incl_tax": "4.990", "order_total_incl_tax": "14.99", "qty": "2.50", "price_incl_tax": "4.00",
        "row_total_incl_tax": "10.00", "line_total_incl_tax": "10.00", "discount": "1.00", "tax_percent": "21.0",
    }  # fmt: skip
    bound = {name: first.pop(name) for name in amounts}
    assert bound == (amounts if as_text else {name: D(amount) for name, amount in amounts.items()})
    assert first == {
        "key": "i-1", "tenant": "acme", "generation": 3, "order_id": "FO-1", "order_number": "1000001",
        "warehouse_code": "main", "currency": "EUR", "shipping_amount_incl_tax_micro": 4990000,
        "order_total_incl_tax_micro": 14990000, "payment_method": None, "payment_reference": None, "shipped_at": None,
        "issue_date": None,
        "item_key": "i-1:7", "item_id": "7", "line_no": 1, "sku": "MUG", "item_name": None,
        "item_warehouse_code": "outlet", "qty_micro": 2500000, "price_incl_tax_micro": 4000000,
        "row_total_incl_tax_micro": 10000000, "line_total_incl_tax_micro": 10000000, "discount_micro": 1000000,
        "tax_percent_micro": 21000000, "reservation_key": "a-1", "reservation_reference": "R-1",
    }  # fmt: skip
    names = ("item_id", "line_no", "item_warehouse_code", "qty", "qty_micro")
    assert {name: second[name] for name in names} == {
        "item_id": "8-b", "line_no": 2, "item_warehouse_code": "main", "qty": 3, "qty_micro": 3000000,
    }  # fmt: skip
    assert D(str(second["line_total_incl_tax"])) == D("0.0000030")
    assert second["line_total_incl_tax_micro"] == 3
    absent = ("discount", "discount_micro", "tax_percent", "row_total_incl_tax_micro", "reservation_key")
    assert [second[name] for name in absent] == [None] * 5
    assert [(one["item_id"], one["qty"], one["line_total_incl_tax"]) for one in items] == [
        ("7", "2.50", "10.00"), ("8-b", "3.0", "0.0000030"),
    ]  # fmt: skip


def utc(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("total", "line"), [("9.99", "5.00"), ("14.99", "10.00"), (None, "10.00")], ids=["reduced", "plain", "not stated"]
)
def test_a_line_costs_what_the_orders_total_is_made_of(seeing, total, line):
    lines = (replace(item(1, "MUG", total="10.00"), discount=D("5.00")),)
    what = replace(order(), items=lines, total_incl_tax=D(total) if total else None)
    seeing.build(what)
    assert [D(str(row["line_total_incl_tax"])) for row in seen(seeing)] == [D(line)]


HOSTILE = [
    "'); DELETE FROM stock; --", '"; DROP TABLE stock; --', "' OR '1'='1", ":sku :key :param_x", "%(key)s ? ?1 %s",
    "🫖👩‍👩‍👧‍👦é", "שלום \u202eabc", '{"sku": "}', "\\u0000\\", "\r\n\t\x1b[0m", " ", "\\'; --", "x" * 150,
]  # fmt: skip
SAME = (
    "order_id", "warehouse_code", "currency", "order_number", "payment_method", "payment_reference", "item_id", "sku",
    "item_warehouse_code", "reservation_key", "reservation_reference", "customer_name", "shipping_street",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:24])
def test_every_text_of_an_order_is_only_ever_a_value(seeing, text):
    stock = seeing.ask("SELECT * FROM stock ORDER BY sku")
    party = Party(name=text, street=text)
    line = OrderItem(item_id=text, sku=text, qty=D(1), warehouse_code=text, row_total_incl_tax=D(1))
    currency = text if len(text) < 10 else "EUR"
    what = FulfillmentOrder(
        text, text, (line,), currency, D(0), D(1), order_number=text, payment_method=text, payment_reference=text,
        customer=party, shipping=party,
    )  # fmt: skip
    held = Reservation(text, text, (text,))
    seeing.connector.build_invoice(BuildInvoice("i-1", what, 1, TODAY, (held,)))
    (row,) = seen(seeing)
    assert [name for name in SAME if row[name] != (currency if name == "currency" else text)] == []
    assert (row["key"], row["item_key"]) == ("i-1", f"i-1:{text}")
    assert json.loads(str(row["items_json"]))[0]["sku"] == text
    assert json.loads(str(row["reservations_json"])) == [{"key": text, "reference": text, "item_ids": [text]}]
    assert json.loads(str(row["order_json"]))["customer"]["name"] == text
    assert seeing.ask("SELECT * FROM stock ORDER BY sku") == stock


def test_ten_thousand_characters_come_back_and_go_in_whole(seeing):
    long = "ž🫖" * 5_000
    seeing.build(replace(order(), order_number=long, payment_reference=long))
    assert {(row["order_number"], row["payment_reference"]) for row in seen(seeing)} == {(long, long)}


def test_a_value_that_the_database_cannot_hold_holds_the_order_and_is_never_truncated(an_erp):
    erp = an_erp()
    if erp.dialect == "postgresql":
        with pytest.raises(Refused, match="the database cannot store this value, and it is never truncated") as refused:
            erp.build(replace(order(), order_number="a\0b"))
        assert "a\0b" not in refused.value.sentence
    else:
        erp.build(replace(order(), order_number="a\0b"))
        assert erp.ask("SELECT order_number FROM invoices") == [("a\0b",)]
    if erp.dialect != "sqlite":
        erp.database.create("short_ones", "k VARCHAR(64) PRIMARY KEY, v VARCHAR(10)")
        find = "SELECT k AS reference, 'draft' AS state FROM short_ones WHERE k = :key"
        short = an_erp(build_invoice="INSERT INTO short_ones VALUES (:key, :order_number)", find_invoice=find,
                       find_invoice_lines=())  # fmt: skip
        with pytest.raises(Refused, match="the database cannot store this value, and it is never truncated") as refused:
            short.build(replace(order(), order_number="Jana Nováková 0123456789"), "i-2")
        assert refused.value.reason is Reason.ERP_REFUSED
        assert "Jana" not in refused.value.sentence
        assert erp.count("short_ones") == 0


@pytest.mark.parametrize("places", [2, 0])
def test_an_amount_with_more_decimals_than_the_column_keeps_is_refused_not_rounded(an_erp, places):
    erp = an_erp(qty_decimals=places, amount_decimals=places)
    what = order(item(1, "MUG", "1" if places else "1.5", "10.005"))
    with pytest.raises(Refused, match=f"has more than {places} decimal places; it is never rounded") as refused:
        erp.build(what) if places else erp.reserve(what)
    assert refused.value.reason is Reason.UNIT_UNCLEAR
    assert (erp.count("invoices"), erp.count("reservations")) == (0, 0)


@pytest.mark.parametrize("where", ["sku", "order_id"])
def test_half_a_character_is_refused_and_nothing_is_written(erp, where):
    half = "MUG\ud83e"
    what = order(item(1, half)) if where == "sku" else order(order_id=half)
    with pytest.raises(Refused) as refused:
        erp.reserve(what)
    assert refused.value.reason is Reason.ORDER_UNREADABLE
    assert (
        refused.value.sentence == f"{where} contains half a character (a lone surrogate), which no database can store"
    )
    assert erp.count("reservations") == 0


def test_a_database_error_is_shown_without_the_orders_texts(erp):
    private = "Jana Nováková, Hlavná 1"
    length = "(100)" if erp.dialect == "mariadb" else ""
    erp.ask(f"CREATE UNIQUE INDEX one_per_order ON invoices (order_number{length})")
    what = replace(order(), order_number=private)
    erp.build(what)
    with pytest.raises(Refused) as refused:
        erp.build(what, "i-2")
    traceback_text = "".join(traceback.format_exception(refused.value))
    erp.ask(f"DROP INDEX one_per_order{' ON invoices' if erp.dialect == 'mariadb' else ''}")
    assert "one_per_order" in traceback_text or "invoices.order_number" in traceback_text
    assert "Jana" not in traceback_text


@pytest.mark.case("M4")
def test_millionths_reach_to_the_end_of_a_64_bit_integer(seeing):
    most = D("9223372036854.775807")
    seeing.build(replace(order(), total_incl_tax=most))
    assert {row["order_total_incl_tax_micro"] for row in seen(seeing)} == {2**63 - 1}
    with pytest.raises(Refused, match=r"order_total_incl_tax 9223372036854\.775808 cannot be written in whole"):
        seeing.build(replace(order(), total_incl_tax=most + D("0.000001")), "i-2")
    assert seeing.ask("SELECT job_key FROM invoices") == [("i-1",)]


AMOUNT = st.builds(lambda units, places: D(units).scaleb(-places), st.integers(0, 10**11), st.integers(2, 4))
LINES = st.lists(st.tuples(st.integers(1, 10**7), AMOUNT), min_size=1, max_size=4)


@pytest.mark.case("M4")
@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, shipping=AMOUNT)
def test_a_draft_adds_up_to_the_last_digit(erp, lines, shipping):
    bought = tuple(
        OrderItem(item_id=at, sku="MUG", qty=D(units).scaleb(-4), row_total_incl_tax=total)
        for at, (units, total) in enumerate(lines)
    )
    what = FulfillmentOrder("FO-1", "main", bought, "EUR", shipping, None)
    draft = erp.build(what, f"i-{uuid4()}")
    assert isinstance(draft, Invoice)
    assert draft.total_incl_tax == sum((total for _, total in lines), shipping)
    assert draft.shipping_amount_incl_tax == shipping
    assert [(line.qty, line.total_incl_tax) for line in draft.lines] == [
        (one.qty, one.row_total_incl_tax) for one in bought
    ]
    numbers = [draft.total_incl_tax, *(number for line in draft.lines for number in (line.qty, line.total_incl_tax))]
    assert {type(number) for number in numbers} == {D}


@pytest.mark.case("M4")
@examples(60)
@given(units=st.integers(-(10**11), 10**11), places=st.integers(2, 4))
def test_an_amount_in_a_real_column_is_read_as_it_was_written(floating, units, places):
    amount, key = D(units).scaleb(-places), f"i-{uuid4()}"
    floating.ask("INSERT INTO floats VALUES (:k, :v)", k=key, v=float(amount))
    found = floating.build(order(), key).total_incl_tax
    assert isinstance(found, D)
    assert found == amount


@pytest.fixture(scope="module")
def floating(tmp_path_factory):
    """An ERP that keeps its amounts in binary floats."""
    find = "SELECT 'I' AS reference, 'draft' AS state, amount AS total_incl_tax FROM floats WHERE k = :key"
    made = Erp(
        new_sqlite(tmp_path_factory.mktemp("floating"), RECIPE.ddl), find_invoice=[{"sql": find}], find_invoice_lines=()
    )
    made.ask("CREATE TABLE floats (k TEXT PRIMARY KEY, amount REAL)")
    yield made
    made.connector.close()


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("'ten' AS total_incl_tax", "column total_incl_tax holds ten, which is not a number"),
        ("'NaN' AS total_incl_tax", "column total_incl_tax holds NaN, which is not a number"),
        ("9e999 AS total_incl_tax",
         "column total_incl_tax holds inf, which is not an exact number (store amounts as decimals, as TEXT or as integers)"),
        ("1.5 AS total_incl_tax_micro",
         "column total_incl_tax_micro holds 1.5, which is not an integer of millionths"),
        ("'2. 3. 2026' AS date", "column date holds 2. 3. 2026, which is not a date (YYYY-MM-DD)"),
    ],
)  # fmt: skip
def test_a_result_that_is_no_amount_or_date_is_named_with_its_column(a_sqlite_erp, column, expected):
    find = f"SELECT 'I' AS reference, 'draft' AS state, {column} WHERE :key <> ''"
    erp = a_sqlite_erp(find_invoice=[{"sql": find}], find_invoice_lines=())
    with pytest.raises(Refused) as refused:
        erp.build(order())
    assert (refused.value.reason, refused.value.sentence) == (Reason.CONFIG_INCOMPLETE, expected)


def test_a_date_is_read_out_of_a_time(an_erp):
    find = "SELECT 'I' AS reference, 'draft' AS state, '2026-03-02 23:59:59' AS date WHERE :key <> ''"
    erp = an_erp(find_invoice=[{"sql": find}], find_invoice_lines=())
    assert erp.build(order()).date == date(2026, 3, 2)
