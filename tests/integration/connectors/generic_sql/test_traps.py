"""`sql check` finds common mistakes: each is made in a shipped recipe."""

import json
from decimal import Decimal as D

import pytest

from shipperone_erp import Reserved, ReserveStock
from shipperone_erp_generic_sql import GenericSqlSettings
from shipperone_erp_generic_sql.checks import warnings
from shipperone_erp_generic_sql.recipe import recipe
from sql_command import toml
from sql_documents import DocumentsErp
from sql_erp import Erp, order
from sql_urls import URLS


def documents(erp: DocumentsErp, *mistakes: tuple[str, str]) -> str:
    """The recipe `documents` for that database, with these texts replaced."""
    text = recipe("documents", erp.dialect).toml
    url = next(line for line in text.splitlines() if line.startswith("url = "))
    text = text.replace(url, f'url = "{erp.database.url}"')
    for right, wrong in mistakes:
        assert right in text
        text = text.replace(right, wrong)
    return text


@pytest.fixture
def checked(sql, request):
    """The lines of `sql check` as (check, verdict, sentence), and its exit code."""

    def check(text: str, erp, *options: str) -> tuple[int, list[tuple[str, str, str]]]:
        goods = ("--sku", "MUG", "--sku", "TEA", *options)
        done = sql("check", "acme", "--json", *goods, toml=text, ACME_ERP_PASSWORD=str(erp.database.password))
        return done.returncode, [(row["check"], row["verdict"], row["sentence"]) for row in json.loads(done.stdout)]

    return check


def failed(rows: list[tuple[str, str, str]]) -> dict[str, str]:
    return {name: sentence for name, verdict, sentence in rows if verdict == "FAIL"}


UNGROUPED = """\
[[tenants.acme.generic_sql.reserve]]
each = "item"
sql = \"\"\"
INSERT INTO allocations (order_line_id, product_id, warehouse_id, qty)
SELECT id, product_id, :warehouse_row, qty FROM order_lines WHERE id = {last}
\"\"\"
"""
GROUPED = UNGROUPED.replace('reserve]]\neach = "item"', "reserve.then]]").replace("{last}", ":line_row")


def test_the_recipe_without_a_mistake_is_clean_at_every_level(documents_erp, checked, warm_rehearsals):
    documents_erp.stock("MUG", 5, "outlet")
    code, rows = checked(documents(documents_erp), documents_erp, "--test-database", "--elsewhere", "outlet")
    assert code == 0, rows
    assert [row for row in rows if row[1] != "OK" and row[0] != "left behind"] == []
    names = {name for name, _, _ in rows}
    assert names >= {
        "reserved lines", "reserved goods", "shortage", "fraction", "invoice lines", "delivered lines",
        "delivered goods", "released goods", "release again", "issue_invoice again", "discard_invoice after issue",
        "other documents", "last piece", "released once", "numbers", "issued once", "effects", "short",
        "stock, the cancelled order released",
    }  # fmt: skip
    # the race's invoice, and one for each parcel of the rehearsed order: each with its whole tax in the tax table
    taxed = "(SELECT SUM(t.total_excl_tax + t.tax) FROM invoice_taxes t WHERE t.invoice_id = i.id)"
    issued = documents_erp.ask(f"SELECT i.total, {taxed} FROM invoices i WHERE i.state = 'issued' ORDER BY i.number")
    assert issued == [(D(total), D(total)) for total in ("50.69", "7.69", "43")]
    left = [documents_erp.on_hand_and_allocated(*place) for place in (("MUG",), ("TEA",), ("MUG", "outlet"))]
    assert left == [(7, 0), (7, 0), (4, 0)]


def test_the_last_lines_id_for_every_item_is_refused_by_lint(documents_erp, checked):
    last = "LAST_INSERT_ID()" if documents_erp.dialect == "mariadb" else "lastval()"
    code, rows = checked(documents(documents_erp, (GROUPED, UNGROUPED.format(last=last))), documents_erp)
    assert code == 78
    assert f"reserve, statement 3: {last} is the id of another item's row here" in rows[0][2]


def test_the_last_lines_id_that_lint_cannot_see_is_found_by_what_each_item_holds(documents_erp, checked):
    last = "(SELECT MAX(id) FROM order_lines)"
    code, rows = checked(documents(documents_erp, (GROUPED, UNGROUPED.format(last=last))), documents_erp)
    assert code == 1
    found = failed(rows)
    assert "item_id 1, sku MUG, warehouse_code main: 2 should be there, 0 are" in found["reserved lines"]
    assert "TEA in main: 10 were available, 1 are, 7 should be" in found["reserved goods"]


def test_a_guard_over_a_sum_that_nothing_locks_is_warned_of_and_lost_in_the_race(documents_erp, checked):
    unlocked = documents(documents_erp, (":item_warehouse_code)\nFOR UPDATE\n", ":item_warehouse_code)\n"))
    code, rows = checked(unlocked, documents_erp, "--test-database")
    assert code == 1
    (warned,) = [sentence for _, verdict, sentence in rows if verdict == "WARN"]
    assert warned.startswith(
        "reserve, statement 2.2: a condition on an aggregate without an earlier lock: two concurrent orders"
    )
    assert "concurrent sessions reserved the last 10 of MUG" in failed(rows)["last piece"]
    assert "the same goods would be sold" in failed(rows)["last piece"]


def test_a_number_that_nothing_locks_is_given_twice(a_sqlite_erp, documents_erp, checked):
    """The highest number and one: two invoices at once see the same highest one."""
    number = next(
        line for line in recipe("documents", documents_erp.dialect).toml.splitlines() if " AS new_number" in line
    )
    expected = "3 invoices issued concurrently got the numbers 1, 1, 1"
    step = "[[tenants.acme.generic_sql.issue_invoice]]\nsql = \"UPDATE number_ranges SET last = last + 1 WHERE name = 'invoice'\"\n"
    mistakes = ((step, ""), (number, 'sql = "SELECT COUNT(number) + 1 AS new_number FROM invoices"'))
    documents_erp.ask("ALTER TABLE invoices DROP CONSTRAINT invoices_number_key" if documents_erp.dialect == "postgresql" else "ALTER TABLE invoices DROP INDEX number")  # fmt: skip
    try:
        for _ in range(10):  # on a busy machine the three may come one after the other
            documents_erp.ask("DELETE FROM invoice_lines")
            documents_erp.ask("UPDATE invoices SET number = NULL")
            _, rows = checked(documents(documents_erp, *mistakes), documents_erp, "--test-database")
            if (found := failed(rows).get("numbers")) == expected:
                break
    finally:
        documents_erp.ask("DELETE FROM invoice_lines")
        documents_erp.ask("UPDATE invoices SET number = NULL")
        documents_erp.ask("ALTER TABLE invoices ADD CONSTRAINT invoices_number_key UNIQUE (number)" if documents_erp.dialect == "postgresql" else "ALTER TABLE invoices ADD UNIQUE INDEX number (number)")  # fmt: skip
    assert found == expected


STATE = {
    "release again": ("state = 'voided' WHERE job_key = :key AND state = 'live'", "state = 'voided' WHERE job_key = :key"),
    "discard_invoice after issue": ("state = 'voided' WHERE job_key = :key AND state = 'draft'",
                                    "state = 'voided' WHERE job_key = :key"),
    "issue_invoice again": ("issued_at = :now_utc\nWHERE job_key = :key AND state = 'draft'",
                            "issued_at = :now_utc\nWHERE job_key = :key"),
}  # fmt: skip


@pytest.mark.parametrize("found", STATE)
def test_a_step_that_does_not_look_at_the_state_is_found(sqlite_erp, sql, found):
    done = sql(
        "check", "acme", "--json", "--sku", "MUG", "--test-database", toml=toml(sqlite_erp, **dict([STATE[found]]))
    )
    assert done.returncode == 1
    wrong = {row["check"]: row["sentence"] for row in json.loads(done.stdout) if row["verdict"] == "FAIL"}
    assert wrong[found].startswith("the second call is not refused: ")
    assert {
        "release again": "10 of MUG available",
        "discard_invoice after issue": "voided",
        "issue_invoice again": "2",
    }[found] in wrong[found].split(" became ")[1]


def test_steps_that_do_not_look_at_the_state_are_found_on_each_server(erp_on_a_server, sql):
    text, password = toml(erp_on_a_server, **dict(STATE.values())), str(erp_on_a_server.database.password)
    done = sql("check", "acme", "--json", "--sku", "MUG", "--test-database", toml=text, ACME_ERP_PASSWORD=password)
    wrong = [(row["check"], row["level"]) for row in json.loads(done.stdout) if row["verdict"] == "FAIL"]
    assert {check for check, level in wrong if level == "dry run"} == {*STATE, "issue_invoice after discard"}
    assert done.returncode == 1


QUANTITIES = {
    "half a piece of MUG was reserved as 1": {
        "reserved_micro + :qty_micro": "reserved_micro + (:qty_micro + 500000) / 1000000 * 1000000",
    },
    "one piece more than is available is refused, but not as a shortage": {
        "AND sku = :sku AND on_hand_micro - reserved_micro >= :qty_micro": "AND sku = :sku",
    },
    "MUG in main: 10 were available, 7 are, 4 should be": {
        "SET reserved_micro = reserved_micro + :qty_micro": "SET reserved_micro = reserved_micro + 1000000",
    },
}  # fmt: skip


@pytest.mark.parametrize("expected", QUANTITIES)
def test_a_wrong_quantity_is_found(sqlite_erp, sql, expected):
    done = sql("check", "acme", "--json", "--sku", "MUG", toml=toml(sqlite_erp, **QUANTITIES[expected]))
    assert any(expected in row["sentence"] and row["verdict"] != "OK" for row in json.loads(done.stdout)), done.stdout


def test_a_shortage_that_no_guard_sees_is_found(documents_erp, checked):
    code, rows = checked(documents(documents_erp, (" >= :qty\n", " >= 0 * :qty\n")), documents_erp)
    assert code == 1
    assert failed(rows)["shortage"] == "7 of MUG are available, and 8 were reserved in two lines"


def test_unobserved_effects_are_named(sqlite_erp, sql):
    text = toml(sqlite_erp)
    for query in ("find_reservation_lines", "available", "find_invoice_lines"):
        begins = text.index(f"[[tenants.acme.generic_sql.{query}]]")
        text = text[:begins] + text[text.index("[[", begins + 2) :]
    done = sql("check", "acme", "--json", "--sku", "MUG", toml=text)
    sentence = " ".join(row["sentence"] for row in json.loads(done.stdout) if row["verdict"] == "WARN")
    for query in ("find_reservation_lines", "`available`", "find_invoice_lines"):
        assert f"{query} is not configured" in sentence
    assert done.returncode == 0


SUM = "SELECT 1 FROM s WHERE k = :key AND on_hand - (SELECT SUM(q) FROM r WHERE r.sku = s.sku) >= :qty"
LOCK = {"each": "item", "sql": "SELECT 1 FROM s WHERE sku = :sku FOR UPDATE"}
GUARDS = {
    "alone": ("postgresql", {}, [SUM], 1),
    "on SQLite, where writers wait at the start": ("sqlite", {}, [SUM], 0),
    "behind a lock": ("mariadb", {}, [LOCK, SUM], 0),
    "behind a lock of SQL Server": ("mssql", {}, ["SELECT 1 FROM s WITH (UPDLOCK) WHERE :key = :key", SUM], 0),
    "behind an update of the same row": ("postgresql", {}, ["UPDATE s SET x = x WHERE k = :key", SUM], 0),
    "before the lock": ("postgresql", {}, [SUM, LOCK], 1),
    "serializable": ("postgresql", {"isolation": "serializable"}, [SUM], 0),
    "behind a lock, in an old snapshot": ("postgresql", {"isolation": "repeatable read"}, [LOCK, SUM], 1),
    "a sum that guards nothing": ("mariadb", {}, ["UPDATE s SET r = (SELECT SUM(q) FROM r) - :qty WHERE k = :key"], 0),
    "a guard on one row": ("mariadb", {}, ["UPDATE s SET r = r + :qty WHERE k = :key AND on_hand - r >= :qty"], 0),
}


@pytest.mark.parametrize("case", GUARDS)
def test_lint_warns_of_a_guard_over_an_aggregate_that_no_lock_protects(case):
    dialect, more, statements, warned = GUARDS[case]
    each = [one if isinstance(one, dict) else {"each": "item", "sql": one} for one in statements]
    given = {"url": URLS[dialect], "find_reservation": "SELECT 1", "reserve": each, **more}
    found = [
        line.sentence for line in warnings(GenericSqlSettings.model_validate(given)) if "aggregate" in line.sentence
    ]
    assert len(found) == warned
    for sentence in found:
        assert sentence.splitlines()[-1].strip() == "^^^^"


def test_a_sign_before_a_quantity_and_an_amount_that_is_missing_are_planned_and_run(an_erp):
    """PostgreSQL cannot choose an operator for a NULL without a type."""
    first = an_erp().statements["reserve"]
    signed = {"each": "item", "expect": "any", "sql": "SELECT -:qty, -:discount, 0 - :price_incl_tax"}
    erp: Erp = an_erp(reserve=[*first, signed])
    assert [check for check in erp.connector.check() if check.ok is not True] == []
    assert erp.connector.reserve_stock(ReserveStock("a-1", order(), 1, "arrived")) == Reserved("R-1")
