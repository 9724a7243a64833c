"""generic_sql: generated ids, statements that run item by item, and the values captured between them."""

import tomllib
from decimal import Decimal as D
from typing import Any

import pytest
from pydantic import ValidationError

from shipperone_erp import BuildInvoice, Charge, FulfillmentOrder, Reason, Refused, Reserved, ReserveStock
from shipperone_erp.kernel.redaction import secrets_in
from shipperone_erp_generic_sql import GenericSqlConnector, GenericSqlSettings
from sql_erp import TODAY, item, order
from sql_servers import DIALECTS, SqlDatabase, new_database, new_sqlite, server_url

IDS = {
    "sqlite": "INTEGER PRIMARY KEY", "postgresql": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "mariadb": "BIGINT AUTO_INCREMENT PRIMARY KEY",
}  # fmt: skip
TABLES = """
CREATE TABLE heads (id {id}, job_key VARCHAR(64) NOT NULL UNIQUE, order_id VARCHAR(64));
CREATE TABLE parts (id {id}, head BIGINT, sku VARCHAR(64), qty INTEGER);
CREATE TABLE held (line BIGINT, sku VARCHAR(64));
CREATE TABLE taxes (head BIGINT, rate DECIMAL(9, 4), net DECIMAL(18, 4), tax DECIMAL(18, 4));
CREATE TABLE charges (head BIGINT, no INTEGER, name VARCHAR(64), amount DECIMAL(18, 4));
"""
FIND = "SELECT id AS reference, 'live' AS state FROM heads WHERE job_key = :key"
HEAD = "INSERT INTO heads (job_key, order_id) VALUES (:key, :order_id)"
LINE = "INSERT INTO parts (head, sku, qty) VALUES (:head_row, :sku, :qty)"
HELD = "INSERT INTO held (line, sku) SELECT id, sku FROM parts WHERE id = :line_row"
LAST = {"sqlite": "last_insert_rowid()", "postgresql": "lastval()", "mariadb": "LAST_INSERT_ID()"}


def inserting(dialect: str, sql: str, name: str, **more: Any) -> dict[str, Any]:
    """An INSERT whose generated id is captured under that name, as that database can."""
    if dialect == "postgresql":
        return {"sql": f"{sql} RETURNING id AS {name}", "capture": {name: "integer"}, **more}
    return {"sql": sql, "last_id": name, **more}


@pytest.fixture(params=DIALECTS)
def database(request, tmp_path):
    script = TABLES.format(id=IDS[request.param])
    if request.param == "sqlite":
        yield new_sqlite(tmp_path, script)
        return
    kept = request.getfixturevalue("kept_databases")
    if ("groups", request.param) not in kept:
        made = kept["groups", request.param] = new_database(server_url(request, request.param))
        made.script(script)
        made.made = frozenset(made.tables())
        for table in made.made:
            made.ask(f"GRANT SELECT, INSERT, UPDATE ON {table} TO shipperone")
    kept["groups", request.param].empty()
    yield kept["groups", request.param]


def settings(database: SqlDatabase, **steps: Any) -> GenericSqlSettings:
    login = {"url": database.url, **({"password": database.password} if database.password else {})}
    return GenericSqlSettings.model_validate({**login, "qty_decimals": 0, **steps})


@pytest.fixture
def connected(database):
    made: list[GenericSqlConnector] = []

    def connect(**steps: Any) -> GenericSqlConnector:
        made.append(GenericSqlConnector(settings(database, **steps), tenant="acme"))
        return made[-1]

    yield connect
    for connector in made:
        connector.close()


THREE = order(item(1, "MUG", "2"), item(2, "TEA"), item(3, "JAM", "4"))


def test_each_item_reserves_the_goods_of_its_own_line(database, connected):
    dialect = database.dialect
    line = inserting(dialect, LINE, "line_row", each="item", then=[{"sql": HELD}])
    erp = connected(find_reservation=FIND, reserve=[inserting(dialect, HEAD, "head_row"), line])
    assert erp.reserve_stock(ReserveStock("a-1", THREE, 1, "arrived")) == Reserved("1")
    # item by item: the goods' order, each line's hold right after it
    assert database.ask("SELECT l.head, l.sku, h.sku FROM parts l JOIN held h ON h.line = l.id ORDER BY l.id") == [
        (1, "JAM", "JAM"), (1, "MUG", "MUG"), (1, "TEA", "TEA"),
    ]  # fmt: skip
    assert [check for check in erp.check() if check.ok is not True] == []


def test_a_value_captured_for_an_item_is_its_own_in_a_later_statement(database, connected):
    dialect = database.dialect
    statements = [
        inserting(dialect, HEAD, "head_row"), inserting(dialect, LINE, "line_row", each="item"),
        {"sql": HELD, "each": "item"},
    ]  # fmt: skip
    erp = connected(find_reservation=FIND, reserve=statements)
    erp.reserve_stock(ReserveStock("a-1", THREE, 1, "arrived"))
    assert database.ask("SELECT COUNT(*) FROM parts l JOIN held h ON h.line = l.id AND h.sku = l.sku") == [(3,)]


def test_the_last_id_of_the_session_is_refused_where_it_is_another_items(database):
    """The trap: all lines are inserted before the second statement runs, so that each hold is of the last line."""
    last = LAST[database.dialect]
    held = {"each": "item", "sql": f"INSERT INTO held (line, sku) SELECT id, sku FROM parts WHERE id = {last}"}
    line = {"each": "item", "sql": LINE.replace(":head_row", "7")}
    with pytest.raises(ValidationError) as refused:
        settings(database, find_reservation=FIND, reserve=[HEAD, line, held])
    message = refused.value.errors()[0]["msg"]
    assert f"reserve, statement 3: {last} is the id of another item's row here: capture it" in message
    assert message.splitlines()[-1].strip() == "^" * len(last)
    # once for the order, after the items: it is the last item's
    with pytest.raises(ValidationError, match=r"statement 3: .* is the id of another item's row here"):
        settings(database, find_reservation=FIND, reserve=[HEAD, line, {"sql": held["sql"]}])
    # in turn, right after its own line, it is right
    settings(database, find_reservation=FIND, reserve=[HEAD, {**line, "then": [{"sql": held["sql"]}]}])
    # of the order's row alone it is right as well
    settings(database, find_reservation=FIND, reserve=[HEAD, f"UPDATE heads SET order_id = '' WHERE id = {last}"])
    # the line that follows is given the line before as its head
    with pytest.raises(ValidationError, match=r"statement 2: .* is the id of another item's row here"):
        settings(database, find_reservation=FIND, reserve=[HEAD, {**line, "sql": LINE.replace(":head_row", last)}])


@pytest.mark.parametrize(
    ("dialect", "sql", "right"),
    [
        ("postgresql", "INSERT INTO parts (head, sku) VALUES (currval('heads_id_seq'), :sku)", True),
        ("postgresql", "INSERT INTO held (line, sku) VALUES (currval('parts_id_seq'), :sku)", True),
        ("mssql", "INSERT INTO parts (head, sku) VALUES (SCOPE_IDENTITY(), :sku)", False),
        ("mssql", "INSERT INTO parts (head, sku) VALUES (@@IDENTITY, :sku)", False),
        ("mariadb", "UPDATE heads SET order_id = :sku WHERE id = LAST_INSERT_ID()", True),
        ("mariadb", "INSERT INTO parts (sku) SELECT 'LAST_INSERT_ID()' /* LAST_INSERT_ID() */", True),
    ],
)
def test_only_ids_that_span_items_are_refused(dialect, sql, right):
    url = {"url": f"{dialect}://u@h/d", "find_reservation": FIND}
    given = {**url, "reserve": [HEAD, {"sql": sql, "each": "item"}]}
    if right:
        GenericSqlSettings.model_validate(given)
    else:
        with pytest.raises(ValidationError, match="is the id of another item's row here"):
            GenericSqlSettings.model_validate(given)


def test_currval_is_refused_after_another_statement_has_inserted_for_each_item():
    held = {"each": "item", "sql": "INSERT INTO held (line, sku) VALUES (currval('parts_id_seq'), :sku)"}
    line = {"each": "item", "sql": "INSERT INTO parts (sku) VALUES (:sku)"}
    with pytest.raises(ValidationError, match="statement 3: currval is the id of another item's row here"):
        GenericSqlSettings.model_validate(
            {"url": "postgresql://u@h/d", "find_reservation": FIND, "reserve": [HEAD, line, held]}
        )


ITEM = {"each": "item", "sql": "SELECT id AS row_id FROM parts WHERE sku = :sku", "capture": {"row_id": "integer"}}
WRONG = {
    "named before it is captured": ([{"sql": "SELECT :row_id", "each": "item"}, ITEM],
                                    ":row_id is captured by a later statement of this step: move that statement before"),
    "of an item, named for the order": ([ITEM, "SELECT :row_id"],
                                        ':row_id is captured for each item: add each = "item"'),
    "a bind already": ([{"sql": "SELECT 1 AS sku", "capture": {"sku": "text"}}], ":sku is already a bind"),
    "captured twice": ([ITEM, ITEM], ":row_id is already a bind; capture it under another name"),
    "no name": ([{"sql": "SELECT 1", "capture": {"Row": "text"}}], "Row cannot be captured: lower-case letters"),
    "of many rows": ([{**ITEM, "expect": "any"}], 'captured values come from one row: write expect = "1" or "0..1"'),
    "no INSERT": ([{"sql": "SELECT 1", "last_id": "row_id"}], "last_id is allowed on an INSERT only"),
    "a group of nothing": ([{"sql": "SELECT 1", "then": "SELECT 2"}],
                           '`then` runs for the same item: add each = "item" (or "charge", "tax") to this statement'),
    "charges of a reservation": ([{"sql": "SELECT 1", "each": "charge"}],
                                 'each = "charge" is allowed in build_invoice and issue_invoice only'),
    "a bind of a tax rate": ([{"sql": "SELECT :tax_rate", "each": "item"}], ":tax_rate is not available in this step"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_capture_that_cannot_be_right_is_refused_with_a_caret(case):
    statements, expected = WRONG[case]
    with pytest.raises(ValidationError) as refused:
        GenericSqlSettings.model_validate({"url": "sqlite:///x", "find_reservation": "SELECT 1", "reserve": statements})
    message = refused.value.errors()[0]["msg"]
    assert expected in message
    assert message.rstrip().endswith("^")


def test_last_id_is_refused_with_a_cure_on_a_database_that_reports_none():
    given = {
        "url": "postgresql://u@h/d",
        "find_reservation": "SELECT 1",
        "reserve": [{"sql": HEAD, "last_id": "row_id"}],
    }
    with pytest.raises(
        ValidationError, match="PostgreSQL does not report a generated id: let it return the id AS row_id"
    ):
        GenericSqlSettings.model_validate(given)


def test_binds_of_a_charge_name_the_each_that_they_need():
    with pytest.raises(ValidationError, match=':tax_amount is of one tax rate: add each = "tax"'):
        GenericSqlSettings.model_validate(
            {"url": "sqlite:///x", "find_invoice": "SELECT 1", "build_invoice": "SELECT :tax_amount"}
        )


def test_groups_are_written_in_toml_as_tables_under_their_statement():
    text = """
url = "sqlite:///x"
find_reservation = "SELECT 1"
[[reserve]]
each = "item"
sql = "INSERT INTO parts (sku) VALUES (:sku)"
last_id = "line_row"
[[reserve.then]]
sql = "INSERT INTO held (line) VALUES (:line_row)"
"""
    made = GenericSqlSettings.model_validate(tomllib.loads(text))
    assert [(step, number) for step, number, _ in made.every()] == [
        ("reserve", "1"), ("reserve", "1.1"), ("find_reservation", "1"),
    ]  # fmt: skip
    wrong = text.replace(":line_row", ":line_rwo")
    with pytest.raises(ValidationError, match=r"statement 1\.1: unknown bind :line_rwo, did you mean :line_row\?"):
        GenericSqlSettings.model_validate(tomllib.loads(wrong))


CHARGES = (
    Charge("coupon", D("-3.50"), "line"),
    Charge("gift card", D(-5), "payment"),
    Charge("wrapping", D("1.20"), "line"),
)


def taxed() -> FulfillmentOrder:
    def line(item_id: int, sku: str, total: str, rate: int) -> Any:
        return item(item_id, sku, total=total).__class__(item_id=item_id, sku=sku, qty=D(1), row_total_incl_tax=D(total), tax_percent=D(rate))  # fmt: skip

    items = (line(1, "MUG", "10.00", 21), line(2, "TEA", "4.50", 10), line(3, "JAM", "0.05", 21))
    return FulfillmentOrder("FO-1", "main", items, "EUR", D("4.99"), D("17.24"), charges=CHARGES)


def test_an_invoice_has_one_row_for_each_tax_rate_and_each_charge(database, connected):
    find = "SELECT id AS reference, 'draft' AS state FROM heads WHERE job_key = :key"
    tax = "INSERT INTO taxes (head, rate, net, tax) VALUES (:head_row, :tax_rate, :tax_total_excl_tax, :tax_amount)"
    charge = "INSERT INTO charges VALUES (:head_row, :charge_no, :charge_name, :charge_amount_incl_tax)"
    erp = connected(
        find_invoice=find,
        build_invoice=[
            inserting(database.dialect, HEAD, "head_row"), {"sql": tax, "each": "tax"},
            {"sql": charge, "each": "charge"},
        ],
    )  # fmt: skip
    erp.build_invoice(BuildInvoice("i-1", taxed(), 1, TODAY, ()))
    rates = [
        tuple(D(str(value)) for value in row) for row in database.ask("SELECT rate, net, tax FROM taxes ORDER BY rate")
    ]
    # rounded once a rate: 10.05 at 21 % holds 1.74, not 1.74 + 0.01
    assert rates == [(10, D("4.09"), D("0.41")), (21, D("8.31"), D("1.74"))]
    charged = [
        (no, name, D(str(amount)))
        for no, name, amount in database.ask("SELECT no, name, amount FROM charges ORDER BY no")
    ]
    assert charged == [(1, "coupon", D("-3.5")), (2, "wrapping", D("1.2"))]


def test_a_tax_table_of_the_whole_invoice_has_a_row_for_what_has_no_rate(database, connected):
    find = "SELECT id AS reference, 'draft' AS state FROM heads WHERE job_key = :key"
    tax = "INSERT INTO taxes (head, rate, net, tax) VALUES (:head_row, :tax_rate, :tax_document_incl_tax, :tax_document_amount)"
    steps = [inserting(database.dialect, HEAD, "head_row"), {"sql": tax, "each": "tax"}]
    connected(find_invoice=find, build_invoice=steps).build_invoice(BuildInvoice("i-1", taxed(), 1, TODAY, ()))
    rows = database.ask("SELECT rate, net, tax FROM taxes ORDER BY COALESCE(rate, 99)")
    assert [tuple(None if value is None else D(str(value)) for value in row) for row in rows] == [
        (10, D("4.5"), D("0.41")), (21, D("10.05"), D("1.74")), (None, D("2.69"), None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "sql", "value"),
    [
        ("integer", "SELECT 7 AS got", 7), ("text", "SELECT 'a' AS got", "a"), ("decimal", "SELECT 1.5 AS got", D("1.5")),
        ("date", "SELECT '2026-03-02' AS got", TODAY),
    ],
)  # fmt: skip
def test_a_captured_value_keeps_its_declared_type(database, connected, monkeypatch, kind, sql, value):
    from shipperone_erp_generic_sql import step_execution

    seen: list[Any] = []
    read = step_execution.captured
    monkeypatch.setattr(step_execution, "captured", lambda *given: seen.append(read(*given)) or read(*given))
    erp = connected(
        find_reservation=FIND, reserve=[HEAD, {"sql": sql, "capture": {"got": kind}}, {"sql": "SELECT :got AS again"}]
    )
    erp.reserve_stock(ReserveStock("a-1", THREE, 1, "arrived"))
    assert seen == [{"got": value}]
    assert type(seen[0]["got"]) is type(value)


def test_a_capture_that_is_impossible_is_explained(database, connected):
    cases = [
        ({"sql": "SELECT 1 AS other", "capture": {"got": "integer"}}, "returns no column of that name; its columns are other"),
        ({"sql": "SELECT 1.5 AS got", "capture": {"got": "integer"}}, "column got holds 1.5, which is not an integer"),
        ({"sql": "SELECT 'x' AS got", "capture": {"got": "decimal"}}, "column got holds x, which is not a number"),
        ({"sql": "UPDATE heads SET order_id = '9' WHERE job_key = :key", "capture": {"got": "text"}}, "RETURNING makes"),
    ]  # fmt: skip
    for statement, expected in cases:
        erp = connected(find_reservation=FIND, reserve=[HEAD, statement])
        with pytest.raises(Refused, match=expected) as refused:
            erp.reserve_stock(ReserveStock("a-1", THREE, 1, "arrived"))
        assert refused.value.reason is Reason.CONFIG_INCOMPLETE
        assert database.ask("SELECT COUNT(*) FROM heads") == [(0,)]


def test_a_row_that_may_be_missing_hands_on_null(database, connected):
    maybe = {"sql": "SELECT sku AS got FROM parts WHERE sku = 'none'", "expect": "0..1", "capture": {"got": "text"}}
    write = "UPDATE heads SET order_id = COALESCE(:got, 'no line') WHERE job_key = :key"
    erp = connected(find_reservation=FIND, reserve=[HEAD, maybe, write])
    erp.reserve_stock(ReserveStock("a-1", THREE, 1, "arrived"))
    assert database.ask("SELECT order_id FROM heads") == [("no line",)]


def test_settings_with_groups_are_searched_for_secrets_to_their_end():
    """Core walks through all that settings hold: nothing in them may hold itself."""
    reserve = [{"sql": HEAD}, {"sql": LINE.replace(":head_row", "7"), "each": "item", "then": "SELECT :sku"}]
    made = GenericSqlSettings.model_validate({"url": "sqlite:///x", "find_reservation": FIND, "reserve": reserve})
    assert len(list(made.every())) == 4
    assert list(secrets_in(made)) == []
