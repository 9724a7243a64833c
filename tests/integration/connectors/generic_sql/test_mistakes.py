"""`sql check` finds common mistakes: one is made in the guarded recipe, and its line is named."""

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from shipperone_erp_generic_sql import checking, checks
from shipperone_erp_generic_sql.checking.refusals import NOWHERE
from sql_command import toml
from sql_erp import Erp

Rows = list[tuple[str, str, str]]
Checked = Callable[..., Rows]


@pytest.fixture
def checked(sql) -> Checked:
    """The lines of `sql check` as (check, verdict, sentence) for the recipe with some texts replaced."""

    def check(erp: Erp, mistakes: dict[str, str], *options: str) -> Rows:
        text, password = toml(erp, **mistakes), str(erp.database.password)
        done = sql("check", "acme", "--json", "--sku", "MUG", *options, toml=text, ACME_ERP_PASSWORD=password)
        rows = json.loads(done.stdout)
        assert [row for row in rows if row["verdict"] != "OK" and not row["cure"]] == []
        return [(row["check"], row["verdict"], row["sentence"]) for row in rows]

    return check


RELEASE = "sql = \"UPDATE reservations SET state = 'voided' WHERE job_key = :key AND state = 'live'\""
FIND_INVOICE = "total_micro AS total_incl_tax_micro, shipping_micro AS shipping_amount_incl_tax_micro\nFROM invoices WHERE job_key = :key"
FIND_RESERVATION = "WHERE r.job_key = :key\nORDER BY t.id\nLIMIT 1"
LINES = "SELECT item_id, qty_micro, total_micro AS total_incl_tax_micro, tax_percent FROM invoice_lines\nWHERE"
DOUBLED = "SELECT i.item_id, i.qty_micro, i.total_micro AS total_incl_tax_micro, i.tax_percent FROM invoice_lines i\nJOIN reservation_lines l ON l.sku = i.sku WHERE"
DRAFT = "state, tax_date, currency, shipping_micro, total_micro, created_at)\nVALUES (:key, :order_id, :order_number, 'draft',"
MISTAKES: dict[str, tuple[dict[str, str], str, str, str]] = {
    "released by the order's id in place of the key": (
        {RELEASE: 'expect = "any"\n' + RELEASE.replace("job_key = :key", "order_id = :order_id")},
        "other documents", "FAIL", "reservation: live, 1 x 1 became voided",
    ),
    "released without any key": (
        {RELEASE: RELEASE.replace("job_key = :key AND ", "")}, "dry run", "FAIL", "found 2 rows where 1 must be",
    ),
    "discarded by the order's id": (
        {"state = 'voided' WHERE job_key = :key AND state = 'draft'\"":
         "state = 'voided' WHERE order_id = :order_id AND state = 'draft'\"\nexpect = \"any\""},
        "other documents", "FAIL", "draft: draft",
    ),
    "an invoice is looked for by the order's id": (
        {FIND_INVOICE: FIND_INVOICE.replace("job_key = :key", "order_id = :order_id ORDER BY id DESC LIMIT 1")},
        "strange key", "FAIL", "find_invoice finds a document under an unused key",
    ),
    "a reservation is looked for by the order's id": (
        {FIND_RESERVATION: "WHERE r.order_id = :order_id OR r.job_key = :key ORDER BY r.id DESC LIMIT 1"},
        "strange key", "FAIL", "find_reservation finds a document under an unused key",
    ),
    "a draft has a number already": (
        {DRAFT: DRAFT.replace("state,", "state, number,").replace("'draft',", "'draft', (SELECT COUNT(*) + 1 FROM invoices),")},
        "build_invoice", "WARN", "the draft has the number 2: a discarded draft would leave a gap in the numbers",
    ),
    "stock is taken wherever it lies": (
        {"WHERE warehouse = :item_warehouse_code AND sku = :sku AND on_hand_micro - reserved_micro >= :qty_micro":
         "WHERE sku = :sku AND on_hand_micro - reserved_micro >= :qty_micro"},
        "warehouse", "WARN", f"an order from the warehouse '{NOWHERE}' reserves MUG",
    ),
    "a join multiplies the invoice's lines": (
        {LINES: DOUBLED}, "invoice lines", "FAIL", "item_id 1: 2 should be there, ",
    ),
    "NOT IN over what may be NULL": (
        {RELEASE: RELEASE.replace("AND state", "AND id NOT IN (SELECT id FROM transfers) AND state")},
        "statement", "WARN", "NOT IN over a query is never true once one of its rows is NULL",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_in_the_step_meant_for_it(sqlite_erp, checked, mistake):
    texts, check, verdict, expected = MISTAKES[mistake]
    rows = checked(sqlite_erp, texts, "--sku", "TEA")
    assert any(row[:2] == (check, verdict) and expected in row[2] for row in rows), "\n".join(map(str, rows))


def test_a_trigger_that_takes_the_goods_a_second_time_is_found(sqlite_erp, checked):
    sqlite_erp.database.script(
        "CREATE TRIGGER again AFTER INSERT ON reservation_lines\nBEGIN\n"
        "UPDATE stock SET reserved_micro = reserved_micro + 1000000 WHERE sku = new.sku;\nEND;\n"
    )
    rows = checked(sqlite_erp, {})
    assert ("reserved goods", "FAIL", "MUG in main: 10 were available, 1 are, 4 should be") in rows


def test_an_order_that_can_be_reserved_only_once_in_its_life_is_found(sqlite_erp, checked):
    sqlite_erp.ask("CREATE UNIQUE INDEX once ON reservations (order_id)")
    (found,) = [sentence for name, verdict, sentence in checked(sqlite_erp, {}) if verdict == "FAIL"]
    assert found.startswith("an order that was released cannot be reserved again: ")


@pytest.mark.parametrize("kind", ["REAL", "DOUBLE PRECISION", "FLOAT(24)"])
def test_a_column_of_binary_floats_is_warned_of(sqlite_erp, checked, kind):
    sqlite_erp.ask(f"ALTER TABLE invoice_lines ADD COLUMN price {kind}")
    line = "qty_micro, total_micro, tax_percent)\nVALUES (:item_key"
    wrong = {line: line.replace("tax_percent", "tax_percent, price"), ":line_total_incl_tax_micro, :tax_percent)": ":line_total_incl_tax_micro, :tax_percent, :price_incl_tax)"}  # fmt: skip
    found = [
        sentence for name, verdict, sentence in checked(sqlite_erp, wrong) if (name, verdict) == ("floats", "WARN")
    ]
    assert found == [f"binary floats, which are inexact for amounts: invoice_lines.price ({kind.lower()})"]


def test_floats_are_seen_on_each_server(erp_on_a_server, checked):
    erp_on_a_server.ask("ALTER TABLE invoice_lines ADD COLUMN price FLOAT")
    try:
        wrong = {"SELECT item_id, qty, total AS": "SELECT price, item_id, qty, total AS"}
        found = [
            sentence
            for name, verdict, sentence in checked(erp_on_a_server, wrong)
            if (name, verdict) == ("floats", "WARN")
        ]
    finally:
        erp_on_a_server.ask("ALTER TABLE invoice_lines DROP COLUMN price")
    assert found[0].startswith("binary floats, which are inexact for amounts: invoice_lines.price (")


LOOKS_FIRST = {
    RELEASE: f'''sql = "SELECT 1 FROM reservations WHERE job_key = :key AND state = 'live'"

[[tenants.acme.generic_sql.release]]
{RELEASE.replace(" AND state = 'live'", "")}''',
    "\nWHERE job_key = :key AND state = 'draft'\n\"\"\"\n": "\nWHERE job_key = :key\n\"\"\"\n",
    "[[tenants.acme.generic_sql.issue_invoice]]\nsql = \"\"\"\nUPDATE invoices SET state": '''\
[[tenants.acme.generic_sql.issue_invoice]]
sql = "SELECT 1 FROM invoices WHERE job_key = :key AND state = 'draft'"

[[tenants.acme.generic_sql.issue_invoice]]
sql = """
UPDATE invoices SET state''',
}  # fmt: skip


def test_a_state_that_is_only_looked_at_is_found_by_the_race(erp_on_a_server, checked):
    """One after the other the SELECT holds; at once every session sees the old state."""
    rows = checked(erp_on_a_server, LOOKS_FIRST, "--test-database")
    wrong = {name: sentence for name, verdict, sentence in rows if verdict == "FAIL"}
    assert set(wrong) == {"released once", "issued once"}, wrong
    assert wrong["released once"].startswith("3 concurrent sessions released a reservation of one piece: ")
    assert wrong["issued once"].startswith("3 concurrent sessions issued one draft, with the numbers ")


SOURCES = [*sorted(Path(checking.__file__).parent.rglob("*.py")), Path(checks.__file__)]


def test_every_line_that_is_not_ok_has_a_cure():
    """As far as the sources show: a line that can only warn or fail is written with what to do."""
    calls = [
        (source.name, node)
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("Check", "_say")
    ]
    bare = [
        (name, node.lineno)
        for name, node in calls
        if 2 <= len(node.args) < 4
        and not any(isinstance(given, ast.Starred) for given in node.args)
        and not (isinstance(node.args[1], ast.Constant) and node.args[1].value is True)
    ]
    assert len(calls) > 50
    assert bare == []


SEEN_ENOUGH = '''\
[[tenants.acme.generic_sql.reserve]]
each = "item"
sql = "SELECT 1 FROM stock WHERE warehouse = :item_warehouse_code AND sku = :sku AND on_hand - reserved >= :qty"
otherwise = "not_enough_stock"

[[tenants.acme.generic_sql.reserve.then]]
sql = """
UPDATE stock SET reserved'''
GUARD = {
    '[[tenants.acme.generic_sql.reserve]]\neach = "item"\nsql = """\nUPDATE stock SET reserved': SEEN_ENOUGH,
    'sku = :sku AND on_hand - reserved >= :qty\n"""': 'sku = :sku\n"""',
}


def test_a_guard_in_a_select_before_the_update_is_lost_in_the_race(erp_on_a_server, checked):
    """Where no CHECK of the table refuses what is oversold."""
    rules = (
        "SELECT constraint_name FROM information_schema.check_constraints WHERE check_clause LIKE '%reserved%on_hand%'"
    )
    (name,) = {name for (name,) in erp_on_a_server.ask(rules)}
    erp_on_a_server.ask(f"ALTER TABLE stock DROP CONSTRAINT {name}")
    try:
        rows = checked(erp_on_a_server, GUARD, "--test-database")
    finally:
        erp_on_a_server.ask("UPDATE stock SET reserved = 0")
        erp_on_a_server.ask(f"ALTER TABLE stock ADD CONSTRAINT {name} CHECK (reserved BETWEEN 0 AND on_hand)")
    wrong = [sentences for name, verdict, sentences in rows if (name, verdict) == ("last piece", "FAIL")]
    assert len(wrong) == 1, rows
    assert "concurrent sessions reserved the last 10 of MUG" in wrong[0]
