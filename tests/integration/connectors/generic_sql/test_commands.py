"""generic_sql: mapping tables, and the output of `sql show` and `sql init`."""

import tomllib
from dataclasses import replace
from decimal import Decimal as D

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from shipperone_erp import Reason, Refused, Reserved
from shipperone_erp_generic_sql import GenericSqlSettings
from shipperone_erp_generic_sql.cli import app
from shipperone_erp_generic_sql.mapping_tables import from_csv, looked_up
from sql_command import toml
from sql_documents import DocumentsErp
from sql_erp import item, order

MAPS = {"sku": {"P-100": "MUG"}, "warehouse": {"vienna": "main"}}


def mapped(statement: str) -> str:
    return statement.replace(":sku", ":map_sku").replace(":item_warehouse_code", ":map_item_warehouse_code")


def test_an_order_for_the_shops_sku_takes_the_erps_goods(an_erp):
    plain = an_erp()
    steps = {
        step: [{**one, "sql": mapped(one["sql"]).replace(":warehouse_code", ":map_warehouse_code")}
               for one in plain.statements[step]]
        for step in ("reserve", "available")
    }  # fmt: skip
    erp = an_erp(maps=MAPS, **steps)
    what = order(item(1, "P-100", "2"))
    what = replace(what, warehouse_code="vienna")
    assert erp.reserve(what) == Reserved("R-1")
    assert erp.on_hand_and_reserved("MUG") == (10, 2)
    with pytest.raises(Refused) as refused:
        erp.reserve(replace(what, items=(item(1, "P-200"),)), "a-2")
    assert (refused.value.reason, refused.value.sentence) == (
        Reason.PRODUCT_UNKNOWN, "[maps.sku] has no entry for 'P-200'",
    )  # fmt: skip
    assert erp.count("reservations") == 1


def test_an_entry_for_all_others_keeps_them_or_gives_one_name():
    assert looked_up({"sku": {"*": "*"}}, "sku", "MUG") == "MUG"
    assert looked_up({"sku": {"A": "1", "*": "9"}}, "sku", "MUG") == "9"
    assert looked_up({"tax_percent": {"21": "V21"}}, "tax_percent", D("21.00")) == "V21"
    assert looked_up({}, "payment_method", None) is None
    with pytest.raises(Refused, match=r"\[maps\.payment_method\] has no entry for 'card'") as refused:
        looked_up({"payment_method": {}}, "payment_method", "card")
    assert refused.value.reason is Reason.PAYMENT_NOT_MAPPED


def given(maps: object, statement: str, **more: object) -> dict[str, object]:
    reserve = [{"sql": statement, "each": "item"}]
    return {"url": "sqlite:///x", "find_reservation": "SELECT 1", "reserve": reserve, "maps": maps, **more}


@pytest.mark.parametrize(
    ("maps", "statement", "expected"),
    [
        (
            {},
            "SELECT :map_sku",
            "no table for :map_sku: write [maps.sku], or a CSV file of two columns\n    SELECT :map_sku",
        ),
        ({}, "SELECT :map_warehouse_code", "no table for :map_warehouse_code: write [maps.warehouse]"),
        ({"skuu": {}}, "SELECT 1", "[maps.skuu] belongs to no bind: write sku, warehouse, payment_method"),
        ({"warehouse_code": {}}, "SELECT 1", "[maps.warehouse_code] belongs to no bind"),
        ({"qty": {}}, "SELECT 1", "[maps.qty] belongs to no bind"),
        ({"sku": "no.csv"}, "SELECT 1", "no.csv cannot be read: No such file or directory"),
        ({"tax_rate": {}}, "SELECT :map_tax_rate", ":map_tax_rate is not available in this step"),
    ],
)
def test_a_map_that_cannot_be_right_is_refused_in_words(maps, statement, expected):
    with pytest.raises(ValidationError) as refused:
        GenericSqlSettings.model_validate(given(maps, statement))
    assert expected in refused.value.errors()[0]["msg"]


def test_a_map_of_an_item_needs_each_item():
    with pytest.raises(ValidationError, match=':map_sku is of one item: add each = "item"'):
        GenericSqlSettings.model_validate({**given({"sku": {}}, "SELECT 1"), "reserve": "SELECT :map_sku"})


def test_a_csv_map_is_read_beside_the_toml_and_refused_if_ambiguous(tmp_path):
    (tmp_path / "skus.csv").write_text('\ufeffP-100,MUG\r\n"P,200",TEA\r\n\r\n', encoding="utf-8")
    made = GenericSqlSettings.model_validate(given({"sku": "skus.csv"}, "SELECT :map_sku"), context={"base": tmp_path})
    assert made.maps == {"sku": {"P-100": "MUG", "P,200": "TEA"}}
    for text, expected in (("A,1\nA,2\n", "'A' occurs twice"), ("A,1\nB\n", "row 2 does not have two columns")):
        (tmp_path / "skus.csv").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=expected):
            from_csv(tmp_path / "skus.csv")


def test_show_prints_a_steps_statements_with_what_the_order_binds(sql, sqlite_erp):
    shown = run_show(sql, toml(sqlite_erp), "reserve", "--sku", "MUG\x1b[31m", "--sku", "TEA")
    assert "reserve, statement 1\n    INSERT INTO reservations" in shown
    assert "reserve, statement 2, once for each item\n    UPDATE stock SET" in shown
    assert '    :sku = "MUG\\u001b[31m"' in shown
    assert "\x1b" not in shown
    assert shown.count(':sku = "TEA"') == 3
    assert "    :qty_micro = 2000000" in shown
    assert "    :key = (from the ledger or the database)" in shown
    assert sqlite_erp.count("reservations") == 0


def run_show(sql, text: str, *arguments: str) -> str:
    done = sql("show", "acme", *arguments, toml=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_show_names_the_steps_there_are(sql, sqlite_erp):
    done = sql("show", "acme", "reserv", toml=toml(sqlite_erp))
    assert (done.returncode, done.stderr.split(",")[0]) == (2, "reserv is not one of reserve")


def test_show_names_what_would_hold_the_order(sql, sqlite_erp):
    text = toml(sqlite_erp) + '\n[tenants.acme.generic_sql.maps.sku]\nP-100 = "MUG"\n'
    shown = run_show(
        sql, text.replace("AND sku = :sku", "AND sku = :map_sku"), "reserve", "--sku", "P-100", "--sku", "TEA"
    )
    assert ':map_sku = "MUG"' in shown
    assert ":map_sku = (the order would be held: [maps.sku] has no entry for 'TEA')" in shown


def test_init_lists_the_tables_that_look_like_what_the_steps_need(documents_erp: DocumentsErp, monkeypatch):
    database = documents_erp.database
    monkeypatch.setenv("ERP_PASSWORD", str(database.password))
    done = CliRunner().invoke(
        app, ["init", "--from-database", database.url, "--password-env", "ERP_PASSWORD", "--tenant", "shop"]
    )
    assert done.exit_code == 0, done.output
    read = tomllib.loads(done.stdout)["tenants"]["shop"]["generic_sql"]
    assert read == {"url": database.url, "password": {"env": "ERP_PASSWORD"}}
    assert "# orders: id (unique), external_key (unique), external_ref, state, created_at" in done.stdout
    of = {part.split(":")[0]: part for part in done.stdout.split("# --- ")[1:]}
    assert "product_stock: product_id, warehouse_id, on_hand" in of["stock"]
    assert "number_ranges: name (unique), prefix, last" in of["number ranges"]
    assert "invoices: id (unique)" in of["invoices"]
    assert str(database.password) not in done.stdout
    assert '# sql = "INSERT INTO orders (your_key_column) VALUES (:key)"' in done.stdout
    assert "order_lines" not in of["invoices"]


def test_init_refuses_a_password_in_the_url_and_reports_a_failed_connection(tmp_path):
    def output(*arguments: str) -> str:
        return str(CliRunner().invoke(app, ["init", "--from-database", *arguments]).exception)

    assert (
        output("postgresql://u:planted@h/d")
        == "a password in the URL is stored in the shell's history: use --password-env"
    )
    assert "cannot be opened" in output(f"sqlite:///{tmp_path}/no.db")
    assert output("sqlite:///x", "--password-env", "NO_SUCH") == "the environment variable NO_SUCH is not set"
    assert "not a database URL" in output("erp.db")
