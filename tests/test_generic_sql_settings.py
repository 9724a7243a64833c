"""generic_sql: a wrong setting is named in words, a secret nowhere, and `check` finds what does not fit."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import ValidationError

from shipperone_erp import Reserved, ReserveStock
from shipperone_erp.config import load, show
from shipperone_erp.errors import ConfigurationError
from shipperone_erp_generic_sql import GenericSqlConnector, GenericSqlSettings
from sql_erp import RECIPE, STATEMENTS, Erp, order


def told(changed: dict[str, object]) -> str:
    with pytest.raises(ValidationError) as raised:
        GenericSqlSettings.model_validate({**STATEMENTS, "url": "sqlite:///erp.db", **changed})
    return "\n".join(problem["msg"].removeprefix("Value error, ") for problem in raised.value.errors())


LOOK = "a step looks for its key first, so that it is never done twice"
ONE_OF = "a statement of this step is one of"


@pytest.mark.parametrize(
    ("step", "statement", "said"),
    [
        ("reserve", {"sql": "SELECT :kye"}, "reserve, statement 1: unknown bind :kye, did you mean :key?"),
        ("reserve", {"sql": "SELECT :param_jurnal"},
         "reserve, statement 1: unknown bind :param_jurnal, did you mean :param_journal?"),
        ("reserve", {"sql": "SELECT :zzzzzzzz"}, "reserve, statement 1: unknown bind :zzzzzzzz"),
        ("reserve", {"sql": "SELECT :sku"}, 'reserve, statement 1: :sku is of one item: add each = "item"'),
        ("reserve", {"sql": "SELECT :tax_date"}, "reserve, statement 1: :tax_date is not known in this step"),
        ("deliver", {"sql": "SELECT :kye, :sku"}, "deliver, statement 1: unknown bind :kye, did you mean :key?; "
         'statement 1: :sku is of one item: add each = "item"'),
        ("find_delivery", {"sql": "SELECT ':key'"}, "find_delivery, statement 1: :key stands in quotes or in a "
         "comment, where it would still be taken for a bind: write \\:"),
        ("available", {"sql": "SELECT :qyt"}, "available, statement 1: unknown bind :qyt, did you mean :qty?"),
        ("find_invoice", {"sql": "WITH x AS (SELECT :key) DELETE FROM stock"},
         "DELETE cannot stand here; a query only looks"),
        ("find_invoice", {"sql": "with x as (select :key) replace into stock select 1"},
         "REPLACE INTO cannot stand here; a query only looks"),
        ("find_invoice", {"sql": "PRAGMA journal_mode = DELETE"},
         f"PRAGMA cannot stand here; {ONE_OF} SELECT, WITH"),
        ("release", {"sql": "ROLLBACK"}, f"ROLLBACK cannot stand here; {ONE_OF} INSERT, UPDATE, DELETE, SELECT, WITH"),
        ("release", {"sql": "-- nothing"},
         f"an empty text cannot stand here; {ONE_OF} INSERT, UPDATE, DELETE, SELECT, WITH"),
        ("release", {"sql": "SELECT 1; COMMIT"}, "several statements in one text: give each its own table"),
    ],
)  # fmt: skip
def test_a_statement_that_cannot_be_right_is_refused_in_words(step, statement, said):
    assert told({"params": {"journal": "SALES"}, step: [statement]}) == said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"find_invoice": ()},
         f"build_invoice needs find_invoice: {LOOK}; issue_invoice needs find_invoice: {LOOK}; "
         f"discard_invoice needs find_invoice: {LOOK}"),
        ({"find_delivery": ()}, f"deliver needs find_delivery: {LOOK}"),
        ({"url": "erp.db"}, "not the URL of a database; write sqlite:///erp.db"),
        ({"url": "sqlite://"}, "name the file: sqlite:///erp.db; a database in memory is gone with the process"),
        ({"url": "sqlite:///erp.db?mode=ro"},
         "a SQLite URL takes no options; the time to wait for a lock is `lock_timeout`"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_right_are_refused_in_words(changed, said):
    assert told(changed) == said


@pytest.mark.parametrize(
    "sql",
    [
        r"SELECT ':' || 'key' AS reference, '12:30', ' \:key', ';' /* ; DELETE */ -- it's ;",
        "SELECT replace(:key, 'a', 'b') AS reference, 'DELETE', \"UPDATE\" FROM (SELECT 1 AS \"UPDATE\");",
    ],
)
def test_what_stands_in_quotes_and_comments_is_left_alone(tmp_path, sql):
    erp = Erp(tmp_path, find_reservation=[{"sql": sql}])
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
        "sqlite://user:{}@host/erp.db", "postgresql://user:{}@host/erp", "sqlite:///erp.db?password={}",
        "//user:{}@host", "mysql+nothing://user:{}@[",
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


def connector(file: Path, **changed: object) -> GenericSqlConnector:
    given = {**STATEMENTS, "url": f"sqlite:///{file}", **changed}
    return GenericSqlConnector(GenericSqlSettings.model_validate(given), tenant="acme")


def missing(folder: Path) -> Path:
    return folder / "no such folder" / "erp.db"


def text_file(folder: Path) -> Path:
    (folder / "letter.txt").write_text("Dear Sir or Madam, " * 500)
    return folder / "letter.txt"


@pytest.mark.parametrize("place", [missing, text_file, Path], ids=["missing", "a text file", "a folder"])
def test_check_says_that_there_is_no_database_and_never_raises(tmp_path, place):
    (line,) = connector(place(tmp_path), password=PLANTED).check()
    assert (line.name, line.ok) == ("database", False)
    assert str(tmp_path) in line.sentence
    assert line.cure == "check `url`, and that this process may write to the file"
    assert PLANTED not in repr(line)


def test_check_names_every_statement_that_misses_its_table(erp):
    erp.ask("DROP TABLE transfers")
    opens, *wrong = erp.connector.check()
    assert opens.ok
    assert [(line.ok, line.sentence) for line in wrong] == [
        (False, "reserve, statement 4: no such table: transfers"),
        (False, "release, statement 3: no such table: transfers"),
        (False, "find_reservation, statement 1: no such table: transfers"),
    ]


def test_check_changes_nothing_and_waits_for_nobody(erp):
    with closing(sqlite3.connect(erp.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert [line.ok for line in erp.connector.check()] == [True]
    assert erp.on_hand_and_reserved("MUG") == (10, 0)
    assert erp.ask("SELECT COUNT(*) FROM deliveries") == [(0,)]


@pytest.mark.parametrize("name", ["a b", "š # ž", "50%41", "what?", "it's"])
def test_a_folder_may_have_any_name(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    made = Erp(tmp_path)
    made.file.rename(folder / "erp.db")
    given = GenericSqlSettings.model_validate({**STATEMENTS, "url": "sqlite:///erp.db"}, context={"base": folder})
    found = GenericSqlConnector(given, tenant="acme")
    assert found.reserve_stock(ReserveStock("a-1", order(), 1, "arrived")) == Reserved("R-1")
    assert found.identity() == f"sqlite:{folder / 'erp.db'}"
