"""generic_sql: a wrong setting is named, a secret is never shown, and `check` finds faulty statements."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shipperone_erp import Reserved, ReserveStock
from shipperone_erp.config import load, show
from shipperone_erp.kernel.errors import ConfigurationError
from shipperone_erp_generic_sql import GenericSqlConnector, GenericSqlSettings, recipe
from shipperone_erp_generic_sql.checks import warnings
from sql_erp import RECIPE, STATEMENTS, order
from sql_urls import URLS


def problems(given: dict[str, object]) -> list[str]:
    try:
        GenericSqlSettings.model_validate(given)
    except ValidationError as error:
        return [problem["msg"].removeprefix("Value error, ") for problem in error.errors()]
    return []


def refusal(changed: dict[str, object]) -> str:
    with pytest.raises(ValidationError) as raised:
        GenericSqlSettings.model_validate({**STATEMENTS, "url": "sqlite:///erp.db", **changed})
    return "\n".join(problem["msg"].removeprefix("Value error, ") for problem in raised.value.errors())


NO_REASON = "Input should be "
LOOK = "a step looks up its key first, so that it never runs twice"
ONE_OF = "a statement of this step is one of"
CHANGES = "INSERT, UPDATE, DELETE, SELECT, WITH, MERGE"


@pytest.mark.parametrize(
    ("step", "sql", "expected"),
    [
        ("reserve", "SELECT :kye", ["unknown bind :kye, did you mean :key?", "SELECT :kye", "       ^^^^"]),
        ("reserve", "SELECT :param_jurnal",
         ["unknown bind :param_jurnal, did you mean :param_journal?", "SELECT :param_jurnal", "       ^^^^^^^^^^^^^"]),
        ("reserve", "SELECT :zzzzzzzz", ["unknown bind :zzzzzzzz", "SELECT :zzzzzzzz", "       ^^^^^^^^^"]),
        ("reserve", "UPDATE stock SET x = 1\n  WHERE sku = :sku",
         [':sku is of one item: add each = "item"', "WHERE sku = :sku", "            ^^^^"]),
        ("reserve", "SELECT :tax_date", [":tax_date is not available in this step", "SELECT :tax_date", "       ^^^^^^^^^"]),
        ("available", "SELECT :qyt", ["unknown bind :qyt, did you mean :qty?", "SELECT :qyt", "       ^^^^"]),
        ("list_documents", "SELECT :order_id", [":order_id is not available in this step", "SELECT :order_id",
         "       ^^^^^^^^^"]),
        ("find_invoice", "WITH x AS (SELECT :key) DELETE FROM stock",
         ["DELETE is not allowed here; a query only reads", "WITH x AS (SELECT :key) DELETE FROM stock",
          "                        ^^^^^^"]),
        ("find_invoice", "with x as (select :key) replace into stock select 1",
         ["REPLACE INTO is not allowed here; a query only reads", "with x as (select :key) replace into stock select 1",
          "                        ^^^^^^^^^^^^"]),
        ("find_invoice", "SELECT :key INTO copied FROM stock",
         ["INTO is not allowed here; a query only reads", "SELECT :key INTO copied FROM stock", "            ^^^^"]),
    ],
)  # fmt: skip
def test_a_statement_that_cannot_be_right_is_refused_with_a_caret(step, sql, expected):
    sentence, line, marks = expected
    wanted = f"{step}, statement 1: {sentence}\n    {line}\n    {marks}"
    assert refusal({"params": {"journal": "SALES"}, step: [{"sql": sql}]}) == wanted


S3 = {
    "a bind in quotes": ("sqlite", "SELECT ':key'", ":key is in quotes or in a comment, where it would still be read as a "
                         "bind: write \\:", "        ^^^^"),
    "a bind in a comment": ("sqlite", "SELECT 1 -- :key", ":key is in quotes or in a comment, where it would still be read "
                            "as a bind: write \\:", "            ^^^^"),
    "a bind in a block comment": ("mariadb", "SELECT 1 /* :key */", ":key is in quotes or in a comment, where it would still "
                                  "be read as a bind: write \\:", "            ^^^^"),
    "a bind behind MariaDB's #": ("mariadb", "SELECT 1 # :key", ":key is in quotes or in a comment, where it would still "
                                  "be read as a bind: write \\:", "           ^^^^"),
    "a bind in a name": ("sqlite", 'SELECT " :key"', ":key is in quotes or in a comment, where it would still be read as a "
                         "bind: write \\:", "         ^^^^"),
    "a bind between dollars": ("postgresql", "SELECT $$ :key $$", ":key is in quotes or in a comment, where it would still "
                               "be read as a bind: write \\:", "          ^^^^"),
    "a bind behind an escaped quote": ("mariadb", r"SELECT 'it\'s :key'", ":key is in quotes or in a comment, where it would "
                                       "still be read as a bind: write \\:", "              ^^^^"),
    "a cast that hides the bind": ("postgresql", "SELECT :key::text", ":key:: hides the bind: write CAST(:key AS …)",
                                   "       ^^^^^^"),
}  # fmt: skip


@pytest.mark.case("S3")
@pytest.mark.parametrize("case", S3)
def test_binds_that_sqlalchemy_misreads_are_shown_with_a_caret_and_the_cure(case):
    dialect, sql, expected, marks = S3[case]
    url = URLS[dialect]
    (problem,) = problems({"url": url, "find_delivery": [{"sql": sql}]})
    assert problem == f"find_delivery, statement 1: {expected}\n    {sql}\n    {marks}"


S5 = {
    "CREATE TABLE x (y INT)": "CREATE is not allowed here", "ALTER TABLE stock ADD x INT": "ALTER is not allowed here",
    "DROP TABLE stock": "DROP is not allowed here", "TRUNCATE stock": "TRUNCATE is not allowed here",
    "GRANT ALL ON stock TO x": "GRANT is not allowed here", "BEGIN": "BEGIN is not allowed here",
    "START TRANSACTION": "START is not allowed here", "COMMIT": "COMMIT is not allowed here",
    "ROLLBACK": "ROLLBACK is not allowed here", "SAVEPOINT x": "SAVEPOINT is not allowed here",
    "SET TRANSACTION READ ONLY": "SET is not allowed here", "LOCK TABLE stock": "LOCK is not allowed here",
    "PRAGMA foreign_keys = OFF": "PRAGMA is not allowed here", "VACUUM": "VACUUM is not allowed here",
    "-- nothing": "an empty text is not allowed here", "": "an empty text is not allowed here",
    "DELETE FROM stock; DELETE FROM stock": "several statements in one text: write each in its own table",
    "SELECT 1; COMMIT": "several statements in one text: write each in its own table",
}  # fmt: skip


@pytest.mark.case("S5")
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mariadb", "mssql", "oracle"])
@pytest.mark.parametrize("sql", S5)
def test_ddl_transactions_and_several_statements_are_refused_by_name(sql, dialect):
    message = problems({"url": URLS[dialect], "release": [{"sql": sql}]})[0]
    if sql == "BEGIN" and dialect == "oracle":
        assert message.startswith("release, statement 1: a block contains exactly one call")
        return
    assert message.startswith(f"release, statement 1: {S5[sql]}")
    assert "^" in message


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("postgresql", "CALL reserve(:key)"), ("mariadb", "CALL reserve(:key)"), ("mssql", "EXEC reserve @key = :key"),
        ("oracle", "BEGIN erp.reserve(:key, ')'); END;"), ("oracle", "CALL reserve(:key)"),
        ("mssql", "UPDATE [a :b] SET x = :key"), ("mariadb", "UPDATE `a;b` SET x = :key # ; DROP"),
        ("postgresql", "SELECT 1 FROM stock WHERE sku = :key FOR UPDATE;"),
        ("postgresql", "SELECT $a$; COMMIT $a$, :key"), ("mssql", "MERGE INTO t USING s ON t.k = :key WHEN MATCHED THEN DELETE;"),
    ],
)  # fmt: skip
def test_the_dialect_of_each_database_is_accepted(dialect, sql):
    if "[a :b]" in sql:  # SQLAlchemy takes it for a bind all the same
        assert "is in quotes" in problems({"url": URLS[dialect], "release": sql})[0]
    else:
        assert problems({"url": URLS[dialect], "release": sql, "find_reservation": "SELECT 1"}) == []


@pytest.mark.parametrize("dialect", ["postgresql", "mariadb"])
def test_a_query_may_lock_what_it_finds_and_a_procedure_may_answer(dialect):
    look = "SELECT reference FROM x WHERE k = :key FOR UPDATE"
    assert problems({"url": URLS[dialect], "find_reservation": look, "find_invoice": "CALL find(:key)"}) == []


@pytest.mark.case("S4")
@pytest.mark.parametrize(
    ("dialect", "sql", "word"),
    [
        ("sqlite", "INSERT OR IGNORE INTO r VALUES (:key)", "IGNORE"),
        ("sqlite", "INSERT OR REPLACE INTO r VALUES (:key)", "REPLACE"),
        ("postgresql", "INSERT INTO r VALUES (:key) ON CONFLICT DO NOTHING", "DO NOTHING"),
        ("postgresql", "INSERT INTO r VALUES (:key) ON CONFLICT (k) DO UPDATE SET x = 1", "DO UPDATE"),
        ("mariadb", "INSERT IGNORE INTO r VALUES (:key)", "IGNORE"),
        ("mariadb", "INSERT INTO r VALUES (:key) ON DUPLICATE KEY UPDATE x = 1", "ON DUPLICATE KEY"),
    ],
)  # fmt: skip
def test_a_statement_that_hides_a_duplicate_is_warned_of_with_a_caret(dialect, sql, word):
    settings = GenericSqlSettings.model_validate({"url": URLS[dialect], "release": sql, "find_reservation": "SELECT 1"})
    (warned,) = warnings(settings)
    assert warned.ok is None
    assert warned.sentence.startswith(f"release, statement 1: {word} hides a duplicate key\n    {sql}\n    ")


def test_a_step_that_does_not_carry_its_key_is_warned_of():
    settings = GenericSqlSettings.model_validate(
        {"url": "sqlite:///x", "release": "DELETE FROM r WHERE o = :order_id", "find_reservation": "SELECT 1"}
    )
    assert [warned.sentence for warned in warnings(settings)] == ["release: none of its statements uses the key"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"find_invoice": ()},
         f"build_invoice needs find_invoice: {LOOK}; issue_invoice needs find_invoice: {LOOK}; "
         f"discard_invoice needs find_invoice: {LOOK}"),
        ({"find_delivery": ()}, f"deliver needs find_delivery: {LOOK}"),
        ({"url": "erp.db"}, "not a database URL; write one such as sqlite:///erp.db, postgresql://user@host/database, "
         "mariadb://user@host/database"),
        ({"url": "postgresql+asyncpg://u@h/d"}, "postgresql+asyncpg is not supported; write postgresql://, the driver is "
         "psycopg"),
        ({"url": "postgresql://u@h"}, "name the database: postgresql://user@host/database"),
        ({"url": "postgresql://u@h/d?password=x"}, "the URL's option password is not one of host, sslcert, sslkey, "
         "sslmode, sslrootcert, target_session_attrs; the password belongs in `password`"),
        ({"isolation": "serializable"}, "SQLite has only one level; leave it out"),
        ({"url": "oracle://u@h/d", "isolation": "snapshot"}, 'write "read committed" or "serializable"'),
        ({"binds": {"key": "x"}}, "key is already a bind; choose another name"),
        ({"binds": {"a b": "x"}}, "a b cannot be a bind: letters, digits and underscores only"),
        ({"errors": {"closed": "no_such_reason"}}, NO_REASON),
        ({"url": "sqlite://"}, "name the file: sqlite:///erp.db; a database in memory is lost with the process"),
        ({"url": "sqlite:///erp.db?mode=ro"},
         "a SQLite URL has no options; the time limit for a lock is `lock_timeout`"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_right_are_refused_in_words(changed, expected):
    assert refusal(changed) == expected or (expected == NO_REASON and refusal(changed).startswith(expected))


@pytest.mark.parametrize(
    "sql",
    [
        r"SELECT ':' || 'key' AS reference, '12:30', ' \:key', ';' /* ; DELETE */ -- it's ;",
        "SELECT replace(:key, 'a', 'b') AS reference, 'DELETE', \"UPDATE\" FROM (SELECT 1 AS \"UPDATE\");",
    ],
)
def test_quotes_and_comments_are_not_linted(a_sqlite_erp, sql):
    erp = a_sqlite_erp(find_reservation=[{"sql": sql}])
    assert isinstance(erp.reserve(order()), Reserved)


PLANTED = "planted-password-0815"
TENANT = """\
[runtime]
ledger = "sqlite:///ledger.db"

[tenants.acme]
base_url = "https://acme.example"
token = { env = "ACME_TOKEN" }
connector = "generic_sql"

"""


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://user:{}@host/erp.db", "db2://user:{}@host/erp", "postgresql://user:{}@host", "sqlite:///erp.db?password={}",
        "//user:{}@host", "mysql+nothing://user:{}@[", "postgresql://user:a@b/{}@host/erp",
    ],
)  # fmt: skip
def test_a_password_in_the_url_is_in_no_problem(tmp_path, url):
    file = tmp_path / "shipperone-erp.toml"
    wrong = RECIPE.toml.replace("sqlite:///erp.db", url.format(PLANTED))
    file.write_text(TENANT + wrong, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load(file, environment={"ACME_TOKEN": "t"})
    (problem,) = raised.value.problems
    assert "tenants.acme.generic_sql.url" in str(problem)
    assert PLANTED not in f"{raised.value} {raised.value!r} {problem!r}"


def test_a_password_beside_the_url_is_shown_nowhere(tmp_path):
    file = tmp_path / "shipperone-erp.toml"
    beside = RECIPE.toml.replace('erp.db"', 'erp.db"\npassword = { env = "ERP_PASSWORD" }')
    file.write_text(TENANT + beside, encoding="utf-8")
    read = load(file, environment={"ACME_TOKEN": "t", "ERP_PASSWORD": PLANTED})
    kept = read.tenants["acme"].connector_settings
    assert kept.password.get_secret_value() == PLANTED
    assert 'password = "********"' in show(read)
    assert PLANTED not in f"{show(read)} {read!r} {read} {kept!r} {kept.model_dump_json()}"


def test_a_password_inside_the_url_works_and_is_warned_about_and_shown_nowhere(tmp_path):
    file = tmp_path / "shipperone-erp.toml"
    url = f"postgresql://user:{PLANTED}%40x@host/erp"
    file.write_text(
        TENANT
        + recipe("guarded", "postgresql")
        .toml.replace("postgresql://shipperone@localhost/erp", url)
        .replace('password = { env = "ACME_ERP_PASSWORD" }\n', "")
    )
    read = load(file, environment={"ACME_TOKEN": "t"})
    kept = read.tenants["acme"].connector_settings
    assert (kept.url, kept.password.get_secret_value()) == ("postgresql://user@host/erp", f"{PLANTED}@x")
    warned = [check for check in GenericSqlConnector(kept, tenant="acme").check() if check.name == "password"]
    assert warned == [] or warned[0].ok is None
    assert next(iter(warnings(kept))).cure == 'write it as a separate setting: password = { env = "…" }'
    assert PLANTED not in f"{show(read)} {read!r} {read} {kept!r} {kept.model_dump_json()}"


def connector(file: Path, **changed: object) -> GenericSqlConnector:
    given = {**STATEMENTS, "url": f"sqlite:///{file}", **changed}
    return GenericSqlConnector(GenericSqlSettings.model_validate(given), tenant="acme")


def missing(folder: Path) -> Path:
    return folder / "no such folder" / "erp.db"


def text_file(folder: Path) -> Path:
    (folder / "letter.txt").write_text("Dear Sir or Madam, " * 500)
    return folder / "letter.txt"


@pytest.mark.parametrize("place", [missing, text_file, Path], ids=["missing", "a text file", "a folder"])
def test_check_reports_a_missing_database_and_never_raises(tmp_path, place):
    (line,) = connector(place(tmp_path), password=PLANTED).check()
    assert (line.name, line.ok) == ("database", False)
    assert str(tmp_path) in line.sentence
    assert line.cure == "check `url`, and that this process can write to the file"
    assert PLANTED not in repr(line)


def test_check_names_every_statement_that_misses_its_table(sqlite_erp):
    sqlite_erp.ask("DROP TABLE transfers")
    opens, *wrong = sqlite_erp.connector.check()
    assert opens.ok
    assert [(line.ok, line.sentence) for line in wrong] == [
        (False, "reserve, statement 4: no such table: transfers"),
        (False, "release, statement 3: no such table: transfers"),
        (False, "find_reservation, statement 1: no such table: transfers"),
    ]


def test_check_changes_nothing_and_does_not_wait(erp):
    with erp.database.admin.connect() as other:
        locking = "BEGIN IMMEDIATE" if erp.dialect == "sqlite" else "UPDATE stock SET reserved = 1"
        other.exec_driver_sql(locking)
        assert [line.ok for line in erp.connector.check()] == [True]
    assert erp.on_hand_and_reserved("MUG") == (10, 0)
    assert erp.count("deliveries") == 0


@pytest.mark.parametrize("name", ["a b", "š # ž", "50%41", "what?", "it's"])
def test_a_folder_may_have_any_name(sqlite_erp, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    sqlite_erp.file.rename(folder / "erp.db")
    given = GenericSqlSettings.model_validate({**STATEMENTS, "url": "sqlite:///erp.db"}, context={"base": folder})
    found = GenericSqlConnector(given, tenant="acme")
    assert found.reserve_stock(ReserveStock("a-1", order(), 1, "arrived")) == Reserved("R-1")
    assert found.identity() == f"sqlite:{folder / 'erp.db'}"
