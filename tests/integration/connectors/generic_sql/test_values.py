"""generic_sql: values are unchanged by a round trip, wrong settings are explained, no secret is in any text."""

import contextlib
import sqlite3
import traceback
from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import text

from examples import examples
from shipperone_erp import (
    Reason,
    Refused,
    Reserved,
    ReserveStock,
    Transient,
)
from shipperone_erp_generic_sql.connector import GenericSqlConnector
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from sql_erp import STATEMENTS, Erp, item, order

HOSTILE = ["'; DROP TABLE stock; --", 'a"b', "\\", "%s :key {}", "🫖" * 50, "x" * 10_000, "Ω\r\n\t", "NULL", ""]


@pytest.mark.parametrize("text", HOSTILE)
def test_order_texts_are_only_ever_bound_as_values(erp, text):
    if len(text) > 150 and erp.dialect == "mariadb":
        pytest.skip("a SKU of this recipe on MariaDB has at most 191 characters; 10,000 are tested in a TEXT column")
    erp.stock(text, 5)
    what = replace(order(item(1, text), order_id=text or "FO-1"), order_number=text)
    assert erp.reserve(what) == Reserved("R-1")
    erp.build(what)
    assert erp.ask("SELECT order_number FROM invoices") == [(text,)]
    assert erp.ask("SELECT sku FROM invoice_lines") == [(text,)]
    assert erp.on_hand_and_reserved(text) == (5, 1)


ROUND_TRIP = {
    "find_invoice": [{"sql": "SELECT 'I' AS reference, 'draft' AS state, amount AS total_incl_tax, "
                             "amount_micro AS shipping_amount_incl_tax_micro FROM trip WHERE k = :key"}],
    "find_invoice_lines": (),
    "build_invoice": [{"sql": "INSERT INTO trip VALUES (:key, :order_total_incl_tax, :shipping_amount_incl_tax_micro)"}],
}  # fmt: skip


@pytest.fixture
def trip(an_erp):
    made = an_erp(**ROUND_TRIP)
    kind = "TEXT" if made.dialect == "sqlite" else "DECIMAL(24, 6)"
    made.database.create("trip", f"k VARCHAR(64) PRIMARY KEY, amount {kind}, amount_micro BIGINT")
    return made


def there_and_back(trip: Erp, amount: D) -> tuple[D, D]:
    key = f"i-{amount}"
    what = replace(order(), total_incl_tax=amount, shipping_amount_incl_tax=amount)
    found = trip.build(what, key)
    assert isinstance(found.total_incl_tax, D)
    assert isinstance(found.shipping_amount_incl_tax, D)
    return found.total_incl_tax, found.shipping_amount_incl_tax


@pytest.mark.case("M4")
@pytest.mark.parametrize("amount", ["0.10", "0.000001", "9999999.99", "-4.990", "0", "0.00"])
def test_amounts_come_back_to_the_last_digit(trip, amount):
    as_text, as_millionths = there_and_back(trip, D(amount))
    assert as_text == D(amount)
    assert str(as_text) == amount or trip.dialect != "sqlite"
    assert as_millionths == D(amount)


@pytest.mark.case("M4")
@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(units=st.integers(-(10**12), 10**12), places=st.integers(2, 4))
def test_any_amount_of_two_to_four_places(trip, units, places):
    amount = D(units).scaleb(-places)
    trip.ask("DELETE FROM trip")
    assert there_and_back(trip, amount) == (amount, amount)


@pytest.mark.case("M4")
def test_a_quantity_that_millionths_cannot_hold_is_refused_not_rounded(erp):
    with pytest.raises(Refused, match="has more than 6 decimal places; it is never rounded") as refused:
        erp.reserve(order(item(1, "MUG", "0.0000001")))
    assert refused.value.reason == Reason.UNIT_UNCLEAR
    assert erp.on_hand_and_reserved("MUG") == (10, 0)


@pytest.mark.case("M4")
@pytest.mark.parametrize("computed", ["0.1 + 0.2", "CAST(0.1 AS DOUBLE PRECISION) + 0.2"])
def test_an_amount_that_a_float_was_computed_into_is_not_guessed(an_erp, computed):
    dialect = an_erp().dialect
    if dialect == "mariadb":
        computed = computed.replace("CAST(0.1 AS DOUBLE PRECISION)", "1e-1")
    exact = dialect != "sqlite" and "0.1 +" in computed  # a decimal sum there
    find = f"SELECT 'I' AS reference, 'draft' AS state, {computed} AS total_incl_tax FROM stock WHERE sku = 'MUG'"
    erp = an_erp(find_invoice=find, find_invoice_lines=())
    if exact:
        assert erp.build(order()).total_incl_tax == D("0.3")
        return
    with pytest.raises(Refused, match="which is not an exact number") as refused:
        erp.build(order())
    assert refused.value.reason == Reason.CONFIG_INCOMPLETE


def test_a_database_that_another_program_locks_is_busy_and_nothing_happened(an_erp):
    erp = an_erp(lock_timeout=0.1 if an_erp().dialect != "mariadb" else 1)
    with erp.database.admin.connect() as other:
        if erp.dialect == "sqlite":
            other.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            other.execute(text("UPDATE stock SET reserved = 0 WHERE sku = 'MUG'"))
        with pytest.raises(Transient, match="another program is writing"):
            erp.reserve(order())
        other.rollback()
    assert isinstance(erp.reserve(order()), Reserved)


def test_a_commit_that_the_database_refuses_leaves_no_open_transaction_behind(a_sqlite_erp):
    """A reader of a file without WAL: SQLite takes the writes, refuses the COMMIT, and keeps the transaction open."""
    erp = a_sqlite_erp(lock_timeout=0.1)
    with contextlib.closing(sqlite3.connect(erp.file, isolation_level=None)) as reader:
        assert reader.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM stock").fetchall()
        with pytest.raises(Transient, match="another program is writing"):
            erp.reserve(order())
    assert isinstance(erp.reserve(order()), Reserved)
    assert erp.count("reservations") == 1


def test_a_file_that_is_not_there_is_not_made(a_sqlite_erp, tmp_path):
    erp = a_sqlite_erp(url=f"sqlite:///{tmp_path}/typo.db")
    with pytest.raises(Transient, match=r"typo\.db cannot be opened"):
        erp.reserve(order())
    assert not (tmp_path / "typo.db").exists()
    (check,) = erp.connector.check()
    assert (check.ok, check.cure) == (False, "check `url`, and that this process can write to the file")


MISSING = {"sqlite": "no such table: stok", "postgresql": 'relation "stok" does not exist', "mariadb": "stok"}


def test_check_names_a_statement_that_does_not_fit_the_tables(an_erp):
    erp = an_erp(deliver="UPDATE stok SET on_hand = 0 WHERE sku = :key")
    opens, wrong = erp.connector.check()
    assert opens.ok
    assert (wrong.ok, wrong.sentence.startswith("deliver, statement 1: ")) == (False, True)
    assert MISSING[erp.dialect] in wrong.sentence


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"reserve": [{"sql": "UPDATE stock SET x = :skuu", "each": "item"}]}, "did you mean :sku"),
        ({"reserve": [{"sql": "UPDATE stock SET x = :sku"}]}, "sku"),
        ({"reserve": [{"sql": "UPDATE stock SET x = 1 -- :key"}]}, "is in quotes or in a comment"),
        ({"reserve": [{"sql": "DROP TABLE stock"}]}, "DROP is not allowed here"),
        ({"reserve": [{"sql": "COMMIT"}]}, "COMMIT is not allowed here"),
        ({"reserve": [{"sql": "UPDATE stock SET x = 1; UPDATE stock SET x = 2"}]}, "several statements in one text"),
        ({"find_reservation": [{"sql": "DELETE FROM stock"}]}, "DELETE is not allowed here"),
        ({"find_reservation": ()}, "reserve needs find_reservation: a step looks up its key first"),
        (
            {"url": "db2://h/db"},
            "db2 is not supported; this connector supports sqlite, postgresql, mariadb, mysql, mssql, oracle",
        ),
        ({"url": "sqlite://user:planted@host/erp.db"}, "a password is a separate setting, never part of the URL"),
        ({"url": "sqlite:///:memory:"}, "a database in memory is lost with the process"),
        ({"expect": "2"}, "Extra inputs are not permitted"),
        ({"reserve": [{"sql": "UPDATE stock SET x = :key", "expect": "2"}]}, "'1', '0..1', 'items' or 'any'"),
    ],
)
def test_a_wrong_setting_is_explained(changed, expected):
    with pytest.raises(ValidationError) as raised:
        GenericSqlSettings.model_validate({**STATEMENTS, "url": "sqlite:///erp.db", **changed})
    assert expected in str(raised.value)
    assert "planted" not in str(raised.value)


def test_params_are_binds_of_the_tenants_own(an_erp):
    find = "SELECT :param_journal AS reference FROM reservations WHERE job_key = :key AND :param_count = 3"
    erp = an_erp(params={"journal": "SALES", "count": 3, "yes": True}, find_reservation=find)
    assert erp.reserve(order()) == Reserved("SALES")


def test_no_password_in_any_text(an_erp, tmp_path):
    nowhere = {
        "sqlite": f"sqlite:///{tmp_path}/typo.db", "postgresql": "postgresql://someone@127.0.0.1:1/erp",
        "mariadb": "mariadb://someone@127.0.0.1:1/erp",
    }[an_erp().dialect]  # fmt: skip
    settings = GenericSqlSettings.model_validate(
        {**an_erp().statements, "url": nowhere, "password": "planted-password"}
    )
    connector = GenericSqlConnector(settings, tenant="acme")
    texts = [repr(connector), repr(connector.settings), str(connector.settings), connector.identity()]
    texts += [repr(check) for check in connector.check()]
    with pytest.raises(Transient) as raised:
        connector.reserve_stock(ReserveStock("a-1", order(), 1, "arrived"))
    texts += [repr(raised.value), str(raised.value), "".join(traceback.format_exception(raised.value))]
    assert not [text for text in texts if "planted" in text]
