"""generic_sql on databases as they are: collations that mix up goods, numbers by the highest and one, triggers, codes."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from pymysql.err import OperationalError

from shipperone_erp import IssueInvoice, Reason, Refused, Reserved, Transient
from shipperone_erp_generic_sql import database as databases
from shipperone_erp_generic_sql import step_lock
from shipperone_erp_generic_sql.checking.collations import mixes_up, variants
from shipperone_erp_generic_sql.errors import Kind, read
from sql_command import toml
from sql_erp import TODAY, Erp, make_erps, order
from sql_refusals import refusals

MIXING = {
    "sqlite": ("TEXT COLLATE NOCASE", "mug"), "mariadb": ("VARCHAR(64) COLLATE utf8mb4_general_ci", "mug"),
    "postgresql": ("CHAR(20)", "MUG "),
}  # fmt: skip
LOOSE = """\
[tenants.acme.generic_sql]
url = "URL"
PASSWORD
find_reservation = "SELECT job_key AS reference FROM marks WHERE job_key = :key"
find_reservation_lines = "SELECT sku, qty FROM taken WHERE job_key = :key"
available = "SELECT on_hand FROM goods WHERE sku = :sku"
[[tenants.acme.generic_sql.reserve]]
sql = "INSERT INTO marks (job_key) VALUES (:key)"
[[tenants.acme.generic_sql.reserve]]
each = "item"
sql = "UPDATE goods SET on_hand = on_hand - :qty WHERE sku = :sku AND on_hand >= :qty"
otherwise = "not_enough_stock"
[[tenants.acme.generic_sql.reserve]]
each = "item"
sql = "INSERT INTO taken (job_key, sku, qty) VALUES (:key, :sku, :qty)"
"""


def test_a_collation_that_takes_two_skus_for_one_is_warned_of_and_tried(erp, sql):
    column, other = MIXING[erp.dialect]
    database = erp.database
    database.create("goods", f"sku {column} PRIMARY KEY, on_hand INTEGER")
    text = "VARCHAR(64)" if erp.dialect != "mariadb" else "VARCHAR(64) COLLATE utf8mb4_nopad_bin"
    database.create("marks", f"job_key {text} PRIMARY KEY")
    database.create("taken", f"job_key {text}, sku {text}, qty INTEGER")
    database.ask("INSERT INTO goods VALUES ('MUG', 50)")
    password = 'password = { env = "ACME_ERP_PASSWORD" }' if database.password else ""
    text = LOOSE.replace("URL", database.url).replace("PASSWORD", password, 1)
    done = sql("check", "acme", "--json", "--sku", "MUG", toml=text, ACME_ERP_PASSWORD=str(database.password))
    rows = {(row["level"], row["check"]): row for row in json.loads(done.stdout)}
    assert rows["connect", "collation"]["verdict"] == "WARN"
    assert rows["connect", "collation"]["sentence"].startswith("in goods.sku (")
    assert rows["connect", "collation"]["sentence"].endswith("are equal: one product, one key")
    assert rows["dry run", "collation"]["verdict"] == "WARN"
    assert f"'{other}'" in rows["dry run", "collation"]["sentence"]
    assert rows["dry run", "collation"]["sentence"].endswith("takes the goods of 'MUG'")


def test_the_recipes_key_columns_distinguish_every_text(erp, sql):
    done = sql("check", "acme", "--json", "--sku", "MUG", toml=toml(erp), ACME_ERP_PASSWORD=str(erp.database.password))
    found = [(row["level"], row["verdict"]) for row in json.loads(done.stdout) if row["check"] == "collation"]
    assert found == [("connect", "OK")]


@pytest.mark.parametrize(
    ("dialect", "collation", "mixed"),
    [
        ("mariadb", "utf8mb4_general_ci", "mug, MUG and 'Mug '"), ("mariadb", "utf8mb4_bin", "'Mug' and 'Mug '"),
        ("mariadb", "utf8mb4_nopad_bin", None), ("mysql", "utf8mb4_0900_ai_ci", "mug, MUG"),
        ("mysql", "utf8mb4_0900_bin", None), ("mssql", "Latin1_General_CI_AS", "mug and MUG"),
        ("mssql", "Latin1_General_CS_AI", "mug and müg"), ("mssql", "Latin1_General_BIN2", None),
    ],
)  # fmt: skip
def test_the_texts_that_a_collation_equates_are_read_from_its_name(dialect, collation, mixed):
    assert mixes_up(collation, dialect) == mixed


def test_variants_of_a_sku_are_in_the_other_case_with_an_accent_and_with_a_blank():
    assert list(variants("MUG")) == ["mug", "MÜG", "MUG "]
    assert list(variants("4711")) == ["4711 "]


HIGHEST = "UPDATE invoices SET number = (SELECT COALESCE(MAX(number), 0) + 1 FROM (SELECT number FROM invoices) i) WHERE job_key = :key"


def highest(erp: Erp, **more: object) -> list[dict[str, object]]:
    """The recipe's first statement of issuing, then the number one above the highest."""
    return [{**erp.statements["issue_invoice"][0], **more}, {"sql": HIGHEST}]


def issued_at_once(erp: Erp, count: int = 10) -> list[int]:
    drafts = {f"i-{number}": erp.build(order(), f"i-{number}") for number in range(count)}
    with ThreadPoolExecutor(count) as threads:
        issue = erp.connector.issue_invoice
        answers = threads.map(lambda key: issue(IssueInvoice(key, drafts[key], order(), TODAY)), drafts)
        return sorted(int(invoice.number) for invoice in answers)


def test_numbers_by_the_highest_and_one_collide_for_a_moment_and_are_all_given(an_erp):
    erp = an_erp(issue_invoice=highest(an_erp()))
    assert issued_at_once(erp) == list(range(1, 11))


def test_a_serial_step_never_collides(an_erp):
    erp = an_erp(issue_invoice=highest(an_erp(), serial=True))
    seen = refusals(erp)
    assert issued_at_once(erp) == list(range(1, 11))
    assert seen == []


class Strangers(dict):
    """Locks that exclude nobody: what each process has of another one's."""

    def __missing__(self, key: object) -> threading.Lock:
        return threading.Lock()


def test_a_serial_step_never_collides_with_one_of_another_process(an_erp, monkeypatch):
    monkeypatch.setattr(step_lock, "_one_at_a_time", Strangers())
    erp = an_erp(issue_invoice=highest(an_erp(), serial=True))
    seen = refusals(erp)
    assert issued_at_once(erp) == list(range(1, 11))
    assert seen == []


@pytest.mark.parametrize("dialect", ["postgresql", "mariadb"])
def test_a_serial_step_of_another_process_that_does_not_end_lets_the_order_wait(
    request, tmp_path, monkeypatch, dialect
):
    monkeypatch.setattr(step_lock, "_one_at_a_time", Strangers())
    for make in make_erps(request, tmp_path, "guarded", dialect):
        erp = make(issue_invoice=highest(make(), serial=True), lock_timeout=0.2)
        draft = erp.build(order())
        with erp.connector._database.transaction(alone="issue_invoice"), pytest.raises(Transient):
            erp.issue(draft, order())
        assert erp.issue(draft, order()).number == "1"


def test_a_serial_step_waits_no_longer_than_a_silent_server(a_sqlite_erp, monkeypatch):
    erp = a_sqlite_erp(issue_invoice=highest(a_sqlite_erp(), serial=True))
    draft = erp.build(order())
    monkeypatch.setattr("shipperone_erp_generic_sql.dialects.Limits.silence", 0.05)
    with (
        step_lock._one_at_a_time[erp.connector.identity(), "issue_invoice"],
        pytest.raises(Transient, match="one at a time"),
    ):
        erp.issue(draft, order())
    assert erp.issue(draft, order()).number == "1"


TAKEN = "UPDATE invoices SET number = (SELECT MAX(number) FROM (SELECT number FROM invoices) i) WHERE job_key = :key"


def test_a_number_that_stays_taken_lets_the_order_wait(an_erp, monkeypatch):
    erp = an_erp()
    erp.issue(erp.build(order(), "i-0"), order(), "i-0")
    monkeypatch.setattr(databases, "REPEATED_FOR", 0.2)
    other = an_erp(issue_invoice=[erp.statements["issue_invoice"][0], {"sql": TAKEN}])
    draft = other.build(order())
    with pytest.raises(Transient, match="another document is taking this number at the same time"):
        other.issue(draft, order())
    assert erp.ask("SELECT state, number FROM invoices ORDER BY id") == [("issued", 1), ("draft", None)]


CODES = {"sqlite": "SQLITE_CONSTRAINT_UNIQUE", "postgresql": "23505", "mariadb": "1062"}


def test_a_rule_for_a_duplicate_that_is_not_the_keys_is_obeyed(an_erp):
    rule = {CODES[an_erp().dialect]: {"reason": "number_reused", "owner": "accountant", "sentence": "taken"}}
    erp = an_erp()
    erp.issue(erp.build(order(), "i-0"), order(), "i-0")
    other = an_erp(issue_invoice=[erp.statements["issue_invoice"][0], {"sql": TAKEN}], errors=rule)
    draft = other.build(order())
    with pytest.raises(Refused) as refused:
        other.issue(draft, order())
    assert (refused.value.reason, refused.value.owner, refused.value.sentence) == (
        Reason.NUMBER_REUSED, "accountant", "taken",
    )  # fmt: skip
    with ThreadPoolExecutor(8) as threads:  # the key's own duplicates are none
        assert set(threads.map(lambda _: other.reserve(order()), range(8))) == {Reserved("R-1")}


TRIGGER = {
    "postgresql": (
        "CREATE FUNCTION note_stock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO journal VALUES (1); "
        "RETURN new; END $$",
        "CREATE TRIGGER stock_is_noted AFTER UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION note_stock()",
    ),
    "mariadb": (
        "CREATE DEFINER = shipperone@'%' TRIGGER stock_is_noted AFTER UPDATE ON stock FOR EACH ROW "
        "INSERT INTO journal VALUES (1)",
    ),
}
UNDO = {
    "postgresql": ("DROP TRIGGER stock_is_noted ON stock", "DROP FUNCTION note_stock"),
    "mariadb": ("DROP TRIGGER stock_is_noted", "REVOKE TRIGGER ON stock FROM shipperone"),
}


@pytest.mark.parametrize("dialect", ["postgresql", "mariadb"])
def test_a_trigger_that_a_refusal_comes_from_is_named(request, tmp_path, sql, dialect):
    for make in make_erps(request, tmp_path, "guarded", dialect):
        erp = make()
        erp.ask("CREATE TABLE journal (n INTEGER)")
        if dialect == "mariadb":
            erp.ask("GRANT TRIGGER ON stock TO shipperone")
        for statement in TRIGGER[dialect]:
            erp.ask(statement)
        try:
            with pytest.raises(Refused) as refused:
                erp.reserve(order())
            done = sql("check", "acme", "--sku", "MUG", toml=toml(erp), ACME_ERP_PASSWORD=str(erp.database.password))
        finally:
            for statement in UNDO[dialect]:
                erp.ask(statement)
        refusal = refused.value
        assert refusal.reason is Reason.ERP_ACCESS_DENIED
        assert refusal.sentence.startswith("statement 2 of reserve: the statement does not name journal: ")
        assert "trigger" in refusal.sentence
        assert "trigger stock_is_noted on stock writes it" in refusal.sentence
        assert 'trigger_tables = ["journal"]' in refusal.sentence
        assert "the statement does not name journal" in done.stdout


def test_a_table_that_a_trigger_needs_is_no_right_too_many_when_it_is_named(request, tmp_path, sql):
    for dialect in ("postgresql", "mariadb"):
        for make in make_erps(request, tmp_path, "guarded", dialect):
            erp = make()
            erp.database.create("journal", "n INTEGER")
            text = toml(erp).replace("password =", 'trigger_tables = ["journal"]\npassword =', 1)
            done = sql(
                "check", "acme", "--json", "--sku", "MUG", toml=text, ACME_ERP_PASSWORD=str(erp.database.password)
            )
            (rights,) = [row for row in json.loads(done.stdout) if row["check"] == "rights"]
            assert rights["verdict"] == "OK"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1467, Kind.LOCKED), (1206, Kind.LOCKED), (1412, Kind.REPEAT), (1615, Kind.REPEAT), (1030, Kind.AWAY),
        (1041, Kind.AWAY), (1180, Kind.AWAY), (1461, Kind.AWAY), (1637, Kind.AWAY),
    ],
)  # fmt: skip
def test_errors_of_mariadb_are_classified_by_number(number, kind):
    assert read(OperationalError(number, "words"), "mariadb").kind is kind
