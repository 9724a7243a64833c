"""generic_sql: values that arrive as they left, settings that say what is wrong with them, no secret in any text."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shipperone_erp import (
    Reason,
    Refused,
    Reserved,
    Transient,
)
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from sql_erp import STATEMENTS, Erp, item, order

HOSTILE = ["'; DROP TABLE stock; --", 'a"b', "\\", "%s :key {}", "🫖" * 50, "x" * 10_000, "Ω\r\n\t", "NULL", ""]


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_an_order_says_is_only_ever_a_value(erp, text):
    erp.stock(text, 5)
    what = replace(order(item(1, text), order_id=text or "FO-1"), order_number=text)
    assert erp.reserve(what) == Reserved("R-1")
    erp.build(what)
    assert erp.ask("SELECT order_number FROM invoices") == [(text,)]
    assert erp.ask("SELECT sku FROM invoice_lines") == [(text,)]
    assert erp.on_hand_and_reserved(text) == (5, 1)


ROUND_TRIP = {
    "find_invoice": [{"sql": "SELECT 'I' AS reference, 'draft' AS state, amount AS total_incl_tax, "
                             "amount_micro AS shipping_amount_incl_tax_micro FROM trip WHERE key = :key"}],
    "find_invoice_lines": (),
    "build_invoice": [{"sql": "INSERT INTO trip VALUES (:key, :order_total_incl_tax, :shipping_amount_incl_tax_micro)"}],
}  # fmt: skip


@pytest.fixture
def trip(tmp_path):
    made = Erp(tmp_path, **ROUND_TRIP)
    made.ask("CREATE TABLE trip (key TEXT PRIMARY KEY, amount TEXT, amount_micro INTEGER)")
    yield made
    made.connector.close()


def there_and_back(trip: Erp, amount: D) -> tuple[D, D]:
    key = f"i-{amount}"
    what = replace(order(), total_incl_tax=amount, shipping_amount_incl_tax=amount)
    found = trip.build(what, key)
    assert isinstance(found.total_incl_tax, D)
    assert isinstance(found.shipping_amount_incl_tax, D)
    return found.total_incl_tax, found.shipping_amount_incl_tax


@pytest.mark.parametrize("amount", ["0.10", "0.000001", "9999999.99", "-4.990", "0", "0.00"])
def test_m4_amounts_come_back_to_the_last_digit(trip, amount):
    as_text, as_millionths = there_and_back(trip, D(amount))
    assert str(as_text) == amount
    assert as_millionths == D(amount)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(units=st.integers(-(10**12), 10**12), places=st.integers(2, 4))
def test_m4_any_amount_of_two_to_four_places(trip, units, places):
    amount = D(units).scaleb(-places)
    as_text, as_millionths = there_and_back(trip, amount)
    assert str(as_text) == str(amount)
    assert as_millionths == amount


def test_m4_a_quantity_that_millionths_cannot_hold_is_refused_not_rounded(erp):
    with pytest.raises(Refused, match="cannot be written in whole millionths without rounding") as refused:
        erp.reserve(order(item(1, "MUG", "0.0000001")))
    assert refused.value.reason == Reason.UNIT_UNCLEAR
    assert erp.on_hand_and_reserved("MUG") == (10, 0)


def test_m4_an_amount_that_a_float_was_computed_into_is_not_guessed(trip):
    trip.ask("CREATE TABLE floats (amount REAL)")
    trip.ask("INSERT INTO trip VALUES ('i-x', 0.1 + 0.2, 0)")
    with pytest.raises(Refused, match="which is not an exact number") as refused:
        trip.ask("UPDATE trip SET amount = CAST(0.30000000000000004 AS REAL)")
        Erp(trip.file.parent, **{**ROUND_TRIP, "find_invoice": [
            {"sql": "SELECT 'I' AS reference, 'draft' AS state, 0.1 + 0.2 AS total_incl_tax"}]}).build(order(), "i-x")  # fmt: skip
    assert refused.value.reason == Reason.CONFIG_INCOMPLETE


def test_a_database_that_another_program_locks_is_busy_and_nothing_happened(tmp_path):
    erp = Erp(tmp_path, lock_timeout=0.1)
    with closing(sqlite3.connect(erp.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Transient, match="another program is writing"):
            erp.reserve(order())
    assert isinstance(erp.reserve(order()), Reserved)


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    erp = Erp(tmp_path, url=f"sqlite:///{tmp_path}/typo.db")
    with pytest.raises(Transient, match=r"typo\.db cannot be opened"):
        erp.reserve(order())
    assert not (tmp_path / "typo.db").exists()
    (check,) = erp.connector.check()
    assert (check.ok, check.cure) == (False, "check `url`, and that this process may write to the file")


def test_check_names_a_statement_that_does_not_fit_the_tables(tmp_path):
    erp = Erp(tmp_path, deliver=[{"sql": "UPDATE stok SET on_hand_micro = 0 WHERE sku = :key"}])
    opens, wrong = erp.connector.check()
    assert opens.ok
    assert (wrong.ok, wrong.sentence) == (False, "deliver, statement 1: no such table: stok")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reserve": [{"sql": "UPDATE stock SET x = :skuu", "each": "item"}]}, "did you mean :sku"),
        ({"reserve": [{"sql": "UPDATE stock SET x = :sku"}]}, "sku"),
        ({"reserve": [{"sql": "UPDATE stock SET x = 1 -- :key"}]}, "stands in quotes or in a comment"),
        ({"reserve": [{"sql": "DROP TABLE stock"}]}, "DROP cannot stand here"),
        ({"reserve": [{"sql": "COMMIT"}]}, "COMMIT cannot stand here"),
        ({"reserve": [{"sql": "UPDATE stock SET x = 1; UPDATE stock SET x = 2"}]}, "several statements in one text"),
        ({"find_reservation": [{"sql": "DELETE FROM stock"}]}, "DELETE cannot stand here"),
        ({"find_reservation": ()}, "reserve needs find_reservation: a step looks for its key first"),
        ({"url": "postgresql://h/db"}, "postgresql is not served; this connector speaks to SQLite"),
        ({"url": "sqlite://user:planted@host/erp.db"}, "a password stands beside it, never in it"),
        ({"url": "sqlite:///:memory:"}, "a database in memory is gone with the process"),
        ({"expect": "2"}, "Extra inputs are not permitted"),
        ({"reserve": [{"sql": "UPDATE stock SET x = :key", "expect": "2"}]}, "'1', '0..1', 'items' or 'any'"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong_with_it(changed, said):
    with pytest.raises(ValidationError) as raised:
        GenericSqlSettings.model_validate({**STATEMENTS, "url": "sqlite:///erp.db", **changed})
    assert said in str(raised.value)
    assert "planted" not in str(raised.value)


def test_params_are_binds_of_the_tenants_own(tmp_path):
    erp = Erp(tmp_path, params={"journal": "SALES"}, find_reservation=[
        {"sql": "SELECT :param_journal AS reference FROM reservations WHERE key = :key"}])  # fmt: skip
    assert erp.reserve(order()) == Reserved("SALES")


def test_no_password_in_any_text(tmp_path):
    erp = Erp(tmp_path, password="planted-password", url=f"sqlite:///{tmp_path}/typo.db")
    texts = [repr(erp.connector), repr(erp.connector.settings), str(erp.connector.settings), erp.connector.identity()]
    texts += [repr(check) for check in erp.connector.check()]
    with pytest.raises(Transient) as raised:
        erp.reserve(order())
    texts += [repr(raised.value), str(raised.value)]
    assert not [text for text in texts if "planted" in text]
