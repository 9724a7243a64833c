"""generic_sql: the meaning of a database's error by its code, shown without bound values."""

import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from shipperone_erp import AuthFailed, Owner, Pending, Reason, Refused, Shortage, ShortLine, Transient
from shipperone_erp_generic_sql.errors import Kind, meaning, read, without_values
from sql_erp import item, order


class Psycopg(Exception):
    """As psycopg raises it."""

    def __init__(self, sqlstate: str | None, words: str = "server text") -> None:
        super().__init__(words)
        self.sqlstate = sqlstate


class Oracle(Exception):
    """As python-oracledb raises it: one argument that has the code."""

    def __init__(self, code: int, full_code: str = "") -> None:
        detail = type(
            "Detail", (), {"code": code, "full_code": full_code or f"ORA-{code:05}", "message": "server text"}
        )()
        super().__init__(detail)


def odbc(state: str, native: int) -> Exception:
    words = f"[{state}] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]text ({native}) (SQLExecDirectW)"
    return Exception(state, words)


def sqlite(code: int) -> Exception:
    error = sqlite3.OperationalError("server text")
    error.sqlite_errorcode = code
    return error


CODES: list[tuple[str, Any, Kind]] = [
    ("postgresql", Psycopg("40001"), Kind.REPEAT),
    ("postgresql", Psycopg("40P01"), Kind.REPEAT),
    ("postgresql", Psycopg("55P03"), Kind.LOCKED),
    ("postgresql", Psycopg("23505"), Kind.DUPLICATE),
    ("postgresql", Psycopg("23503"), Kind.CONSTRAINT),
    ("postgresql", Psycopg("23514"), Kind.CONSTRAINT),
    ("postgresql", Psycopg("57014"), Kind.BUSY),
    ("postgresql", Psycopg("57P01"), Kind.AWAY),
    ("postgresql", Psycopg("08006"), Kind.AWAY),
    ("postgresql", Psycopg("53300"), Kind.AWAY),
    ("postgresql", Psycopg(None, "server closed the connection unexpectedly"), Kind.AWAY),
    ("postgresql", Psycopg(None, 'password authentication failed for user "x"'), Kind.AUTH),
    ("postgresql", Psycopg("28P01"), Kind.AUTH),
    ("postgresql", Psycopg("42501"), Kind.DENIED),
    ("postgresql", Psycopg("25006"), Kind.DENIED),
    ("postgresql", Psycopg("22001"), Kind.VALUE),
    ("postgresql", Psycopg("P0001"), Kind.RAISED),
    ("postgresql", Psycopg("42P01"), Kind.MISTAKE),
    ("mariadb", Exception(1213, "server text"), Kind.REPEAT),
    ("mariadb", Exception(1020, "server text"), Kind.REPEAT),
    ("mariadb", Exception(1205, "server text"), Kind.LOCKED),
    ("mysql", Exception(1213, "server text"), Kind.REPEAT),
    ("mariadb", Exception(1062, "server text"), Kind.DUPLICATE),
    ("mariadb", Exception(2013, "server text"), Kind.AWAY),
    ("mariadb", Exception(0, ""), Kind.AWAY),
    ("mariadb", Exception(1969, "server text"), Kind.BUSY),
    ("mariadb", Exception(1045, "server text"), Kind.AUTH),
    ("mariadb", Exception(1142, "server text"), Kind.DENIED),
    ("mariadb", Exception(4025, "server text"), Kind.CONSTRAINT),
    ("mariadb", Exception(1406, "server text"), Kind.VALUE),
    ("mariadb", Exception(1644, "server text"), Kind.RAISED),
    ("mariadb", Exception(1146, "server text"), Kind.MISTAKE),
    ("mssql", odbc("40001", 1205), Kind.REPEAT),
    ("mssql", odbc("42000", 3960), Kind.REPEAT),
    ("mssql", odbc("HY000", 1222), Kind.LOCKED),
    ("mssql", odbc("23000", 2627), Kind.DUPLICATE),
    ("mssql", odbc("23000", 547), Kind.CONSTRAINT),
    ("mssql", odbc("08S01", 0), Kind.AWAY),
    ("mssql", odbc("HYT00", 0), Kind.BUSY),
    ("mssql", odbc("28000", 18456), Kind.AUTH),
    ("mssql", odbc("42000", 229), Kind.DENIED),
    ("mssql", odbc("22001", 2628), Kind.VALUE),
    ("mssql", odbc("42000", 50001), Kind.RAISED),
    ("mssql", odbc("42S02", 208), Kind.MISTAKE),
    ("oracle", Oracle(60), Kind.REPEAT),
    ("oracle", Oracle(8177), Kind.REPEAT),
    ("oracle", Oracle(54), Kind.LOCKED),
    ("oracle", Oracle(1), Kind.DUPLICATE),
    ("oracle", Oracle(3113), Kind.AWAY),
    ("oracle", Oracle(0, "DPY-4011"), Kind.AWAY),
    ("oracle", Oracle(0, "DPY-4024"), Kind.BUSY),
    ("oracle", Oracle(1017), Kind.AUTH),
    ("oracle", Oracle(1031), Kind.DENIED),
    ("oracle", Oracle(2291), Kind.CONSTRAINT),
    ("oracle", Oracle(12899), Kind.VALUE),
    ("oracle", Oracle(20001), Kind.RAISED),
    ("oracle", Oracle(942), Kind.MISTAKE),
    ("sqlite", sqlite(sqlite3.SQLITE_BUSY), Kind.LOCKED),
    ("sqlite", sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), Kind.LOCKED),
    ("sqlite", sqlite(sqlite3.SQLITE_CONSTRAINT_UNIQUE), Kind.DUPLICATE),
    ("sqlite", sqlite(sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY), Kind.DUPLICATE),
    ("sqlite", sqlite(sqlite3.SQLITE_CONSTRAINT_CHECK), Kind.CONSTRAINT),
    ("sqlite", sqlite(sqlite3.SQLITE_CONSTRAINT_TRIGGER), Kind.RAISED),
    ("sqlite", sqlite(sqlite3.SQLITE_FULL), Kind.AWAY),
    ("sqlite", sqlite(sqlite3.SQLITE_READONLY_DBMOVED), Kind.DENIED),
    ("sqlite", sqlite(sqlite3.SQLITE_ERROR), Kind.MISTAKE),
]


@pytest.mark.case("S1")
@pytest.mark.parametrize(("dialect", "error", "kind"), CODES, ids=lambda value: str(getattr(value, "args", value))[:40])
def test_every_code_has_its_kind(dialect, error, kind):
    assert read(error, dialect).kind is kind


ANSWERS = {
    Kind.REPEAT: (Transient, None), Kind.LOCKED: (Transient, None), Kind.AWAY: (Transient, None),
    Kind.BUSY: (Transient, None), Kind.AUTH: (AuthFailed, None), Kind.DENIED: (Refused, Reason.ERP_ACCESS_DENIED),
    Kind.DUPLICATE: (Refused, Reason.ERP_REFUSED), Kind.CONSTRAINT: (Refused, Reason.ERP_REFUSED),
    Kind.VALUE: (Refused, Reason.ERP_REFUSED), Kind.RAISED: (Refused, Reason.ERP_REFUSED),
    Kind.MISTAKE: (Refused, Reason.CONFIG_INCOMPLETE), Kind.TAKEN: (Transient, None),
}  # fmt: skip


@pytest.mark.case("S1")
@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_its_answer(kind):
    read_as = Kind.DUPLICATE if kind is Kind.TAKEN else kind  # a duplicate, in a step that takes the highest and one
    code = replace(next(read(error, dialect) for dialect, error, its in CODES if its is read_as), kind=kind)
    answer = meaning(code, "statement 1 of reserve", code.words).answer
    wanted, reason = ANSWERS[kind]
    assert type(answer) is wanted
    assert getattr(answer, "reason", None) == reason
    assert answer.sentence.startswith(f"statement 1 of reserve: {code.words}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Duplicate entry 'Jana Nováková' for key 'PRIMARY'", "Duplicate entry … for key 'PRIMARY'"),
        ("Incorrect integer value: 'Jana' for column `a`.`b`", "Incorrect integer value: … for column `a`.`b`"),
        ('invalid input syntax for type integer: "Jana"', "invalid input syntax for type integer: …"),
        ("Cannot insert. The duplicate key value is (Jana, 1).", "Cannot insert. The duplicate key value is …."),
        ("no customer Jana Nováková, and no SKU 12", "no customer :customer_name, and no SKU 12"),
        ("no such table: stock", "no such table: stock"),
    ],
)
def test_bound_values_are_removed_from_driver_messages(words, expected):
    assert without_values(words, {"customer_name": "Jana Nováková", "n": 12, "x": None}) == expected


RAISING = {
    "sqlite": "CREATE TRIGGER closed BEFORE INSERT ON invoices BEGIN SELECT RAISE(ABORT, 'FISCAL PERIOD 2026-03 IS CLOSED'); END;",
    "postgresql": """CREATE FUNCTION closed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'FISCAL PERIOD % IS CLOSED', to_char(new.tax_date, 'YYYY-MM'); END $$;
        CREATE TRIGGER closed BEFORE INSERT ON invoices FOR EACH ROW EXECUTE FUNCTION closed();""",
    "mariadb": """CREATE TRIGGER closed BEFORE INSERT ON invoices FOR EACH ROW
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'FISCAL PERIOD 2026-03 IS CLOSED';""",
}  # fmt: skip
ENDING = {
    "sqlite": "DROP TRIGGER closed", "postgresql": "DROP FUNCTION closed CASCADE", "mariadb": "DROP TRIGGER closed",
}  # fmt: skip


def test_the_erps_own_texts_are_mapped_to_reasons(an_erp):
    rules = {"period 2026": {"reason": "erp_period_locked", "owner": "accountant"}}
    mapped, plain = an_erp(errors=rules), an_erp()
    with_sentence = an_erp(
        errors={"IS CLOSED": {"reason": "erp_period_locked", "sentence": "March is closed", "owner": "it"}}
    )
    mapped.database.script(RAISING[mapped.dialect])
    try:
        answers = []
        for erp in (mapped, plain, with_sentence):
            with pytest.raises(Refused) as refused:
                erp.build(order())
            answers.append((refused.value.reason, refused.value.owner, refused.value.sentence))
    finally:
        mapped.ask(ENDING[mapped.dialect])
    text = "statement 1 of build_invoice: FISCAL PERIOD 2026-03 IS CLOSED"
    assert answers == [
        (Reason.ERP_PERIOD_LOCKED, Owner.ACCOUNTANT, text),
        (Reason.ERP_REFUSED, Owner.IT, f"{text}; everything of this step was rolled back"),
        (Reason.ERP_PERIOD_LOCKED, Owner.IT, "March is closed"),
    ]
    assert mapped.count("invoices") == 0


def test_a_text_of_the_erp_that_means_a_shortage_is_one(an_erp):
    made = an_erp()
    constraint = {"sqlite": "CHECK constraint failed", "postgresql": "23514", "mariadb": "4025"}[made.dialect]
    name = "reserved_micro" if made.dialect == "sqlite" else "reserved"
    qty = ":qty_micro" if made.dialect == "sqlite" else ":qty"
    unguarded = {
        "each": "item",
        "sql": f"UPDATE stock SET {name} = {name} + {qty} WHERE sku = :sku AND warehouse = 'main'",
    }
    erp = an_erp(reserve=[made.statements["reserve"][0], unguarded], errors={constraint: "not_enough_stock"})
    assert erp.reserve(order(item(1, "MUG", "11"))) == Shortage((ShortLine(1, "MUG", 11, 10),))
    blind = an_erp(
        reserve=[made.statements["reserve"][0], unguarded], errors={constraint: "not_enough_stock"}, available=()
    )
    answer = blind.reserve(order(item(1, "MUG", "11")))
    assert isinstance(answer, Pending)
    assert (answer.reason, answer.owner) == (Reason.NOT_ENOUGH_STOCK, Owner.WAREHOUSE)
    assert erp.count("reservations") == 0


def test_a_refused_login_is_an_auth_failure_and_missing_rights_are_named(an_erp):
    made = an_erp()
    if made.dialect == "sqlite":
        pytest.skip("SQLite has no logins")
    if made.dialect == "mariadb":
        with pytest.raises(AuthFailed, match="Access denied"):
            an_erp(password="wrong").reserve(order())
    made.database.create("secrets", "k VARCHAR(64) PRIMARY KEY")
    made.ask("REVOKE ALL ON secrets FROM shipperone")
    erp = an_erp(find_reservation="SELECT k AS reference FROM secrets WHERE k = :key")
    with pytest.raises(Refused, match="grant the right: `shipperone-erp sql setup` prints the statement") as refused:
        erp.reserve(order())
    assert refused.value.reason is Reason.ERP_ACCESS_DENIED


def test_a_statement_that_works_too_long_is_ended_and_undone(an_erp):
    made = an_erp()
    slow = {"postgresql": "SELECT pg_sleep(5), :key", "mariadb": "SELECT SLEEP(5), :key"}.get(made.dialect)
    if slow is None:
        pytest.skip("SQLite has no limit for a statement")
    limits = {"statement_timeout": 0.2, "lock_timeout": 0.1}
    erp = an_erp(reserve=[made.statements["reserve"][0], slow], **limits)
    with pytest.raises(Transient, match="it exceeded statement_timeout"):
        erp.reserve(order())
    assert erp.count("reservations") == 0
