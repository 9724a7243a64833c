"""`shipperone-erp sql`: each level reports its checks, finds its faults, and does not change the database."""

import json
import os
from decimal import Decimal as D

import pytest
from typer.testing import CliRunner

from shipperone_erp.cli.app import app as core
from shipperone_erp.cli.options import print_text, say
from shipperone_erp.kernel.errors import PluginRefused
from shipperone_erp_generic_sql.checking.rehearsal import Rehearsal
from shipperone_erp_generic_sql.checking.sample import Goods, sample
from shipperone_erp_generic_sql.recipe import available, recipe
from sql_command import TENANT, toml
from sql_erp import Erp, make_erps
from warm_processes import run_script


def everything(erp: Erp) -> dict[str, int]:
    return {table: erp.count(table) for table in sorted(erp.database.made)}


def verdicts(done) -> list[tuple[str, str, str]]:
    return [(row["level"], row["check"], row["verdict"]) for row in json.loads(done.stdout)]


def test_every_level_up_to_the_dry_run_is_clean_and_leaves_nothing(erp, sql):
    before = everything(erp)
    done = sql("check", "acme", "--sku", "MUG", toml=toml(erp), ACME_ERP_PASSWORD=str(erp.database.password))
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    heads = [line.split(":")[0] for line in lines if not line.startswith(" ")]
    assert heads == ["lint", "connect", "explain", "dry run"]
    assert "WARN" not in done.stdout
    assert "not undone by a rollback: numbers of sequences" in done.stdout
    assert "issuing is left out (--test-database adds it)" in done.stdout
    assert "OK     reserve again: the database refuses the same key the second time" in done.stdout
    assert "OK     build_invoice again: the database refuses the same key the second time" in done.stdout
    assert "OK     rollback: no effect remains" in done.stdout
    assert everything(erp) == before


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mariadb"])
@pytest.mark.parametrize("way", ["inbox", "procedures"])
def test_the_other_ways_are_clean_too(request, tmp_path, sql, way, dialect):
    if (way, dialect) not in available():
        pytest.skip(f"there is no recipe {way} on {dialect}")
    for make in make_erps(request, tmp_path, way, dialect):
        erp = make()
        before = everything(erp)
        done = sql(
            "check", "acme", "--sku", "MUG", "--json", toml=toml(erp, way), ACME_ERP_PASSWORD=str(erp.database.password)
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert [row for row in verdicts(done) if row[2] != "OK"] == []
        assert ("dry run", "reserve again", "OK") in verdicts(done)
        assert everything(erp) == before


def test_lint_stops_before_anything_is_opened_and_draws_a_caret(sql):
    text = recipe("guarded", "postgresql").toml.replace(":item_key, :key, :item_id", ":item_kye, :key, :item_id")
    text = text.replace("WHERE job_key = :key AND state = 'live'", "WHERE job_key = :key::text AND state = 'live'")
    done = sql("check", "acme", toml=text, ACME_ERP_PASSWORD="0815-4711")
    assert done.returncode == 78
    assert done.stdout.startswith("lint: checks the statements in the file; the database is not opened\n  FAIL")
    assert "unknown bind :item_kye, did you mean :item_key?" in done.stdout
    assert "\n                      ^^^^^^^^^" in done.stdout or "^^^^^^^^^" in done.stdout
    assert ":key:: hides the bind: write CAST(:key AS …)" in done.stdout
    assert "stopped at lint" in done.stderr
    assert "connect" not in done.stdout


def test_a_missing_driver_is_named_with_the_line_that_brings_it(sql):
    text = recipe("inbox", "oracle").toml
    done = sql("check", "acme", toml=text, ACME_ERP_PASSWORD="0815-4711")
    if "is not installed" not in done.stdout:
        pytest.skip("the driver of Oracle is installed here")
    assert done.returncode == 5
    assert "pip install 'shipperone-erp-generic-sql[oracle]'" in done.stdout


def test_a_server_that_is_not_there_ends_with_5(sql):
    text = recipe("inbox", "postgresql").toml.replace("localhost/erp", "127.0.0.1:1/erp")
    done = sql("check", "acme", "--json", toml=text, ACME_ERP_PASSWORD="planted-password")
    assert done.returncode == 5
    assert verdicts(done)[-1] == ("connect", "database", "FAIL")
    assert "planted-password" not in done.stdout + done.stderr


def test_explain_names_what_does_not_fit_the_tables(erp, sql):
    text = toml(erp, **{"INSERT INTO deliveries": "INSERT INTO delivered"})
    done = sql("check", "acme", "--json", toml=text, ACME_ERP_PASSWORD=str(erp.database.password))
    assert done.returncode == 1
    assert verdicts(done)[-1] == ("explain", "statement", "FAIL")
    assert "deliver, statement" in json.loads(done.stdout)[-1]["sentence"]


def test_the_dry_run_finds_a_key_that_nothing_makes_unique(sqlite_erp, sql):
    sqlite_erp.database.script(
        "ALTER TABLE reservations RENAME TO old; CREATE TABLE reservations "
        "(id INTEGER PRIMARY KEY, job_key TEXT, order_id TEXT, state TEXT, created_at TEXT); "
    .replace("; ", ";\n"))  # fmt: skip
    only = (
        '[tenants.acme.generic_sql]\nurl = "URL"\nfind_reservation = "SELECT id AS reference FROM reservations WHERE '
    )
    only += 'job_key = :key"\nreserve = "INSERT INTO reservations (job_key, order_id) VALUES (:key, :order_id)"\n'
    done = sql("check", "acme", "--json", toml=only.replace("URL", sqlite_erp.database.url))
    assert done.returncode == 1
    last = [row for row in json.loads(done.stdout) if row["verdict"] == "FAIL"][-1]
    assert (last["check"], last["sentence"]) == (
        "reserve again", "the same key ran twice: two concurrent calls would have two effects",
    )  # fmt: skip
    assert sqlite_erp.count("reservations") == 0


@pytest.mark.case("S5")
def test_a_table_without_transactions_is_found_twice(request, tmp_path, sql):
    for make in make_erps(request, tmp_path, "guarded", "mariadb"):
        erp = make()
        erp.ask("CREATE TABLE plain (k VARCHAR(64) PRIMARY KEY) ENGINE = MyISAM")
        erp.ask("GRANT SELECT, INSERT ON plain TO shipperone")
        text = f'[tenants.acme.generic_sql]\nurl = "{erp.database.url}"\npassword = {{ env = "P" }}\n'
        text += 'find_reservation = "SELECT k AS reference FROM plain WHERE k = :key"\nreserve = "INSERT INTO plain VALUES (:key)"\n'
        done = sql("check", "acme", "--json", toml=text, P=str(erp.database.password))
        assert done.returncode == 5
        failed = [row for row in json.loads(done.stdout) if row["verdict"] == "FAIL"]
        assert [row["sentence"] for row in failed] == [
            "no transactions in plain (MyISAM): a failed step leaves partial changes there"
        ]
        assert erp.count("plain") == 0


def test_rights_that_are_too_wide_are_warned_of(request, tmp_path, sql):
    for dialect in ("postgresql", "mariadb"):
        for make in make_erps(request, tmp_path, "guarded", dialect):
            erp = make()
            erp.database.create("payroll", "k VARCHAR(64) PRIMARY KEY")
            done = sql(
                "check", "acme", "--json", "--sku", "MUG", toml=toml(erp), ACME_ERP_PASSWORD=str(erp.database.password)
            )
            assert done.returncode == 0
            (rights,) = [row for row in json.loads(done.stdout) if row["check"] == "rights"]
            assert rights["verdict"] == "WARN"
            assert "may write to payroll, which no statement uses" in rights["sentence"]


def test_a_sample_without_stock_is_reported_with_the_option_to_choose_another(sqlite_erp, sql):
    done = sql("check", "acme", toml=toml(sqlite_erp))
    assert done.returncode == 0
    assert (
        "WARN   reserve: item 1 (SKU SAMPLE): there is not enough of it in stock; the step was not completed"
        in done.stdout
    )
    assert "choose an order (or --sku and --warehouse) that is in stock" in done.stdout


def test_a_whole_life_with_two_kills_ends_with_one_reservation_and_one_invoice_a_parcel(
    sqlite_erp, sql, warm_rehearsals
):
    erp = sqlite_erp
    erp.stock("MUG", 5, "outlet")
    goods = ("--sku", "MUG", "--sku", "TEA", "--elsewhere", "outlet")
    done = sql("check", "acme", *goods, "--test-database", toml=toml(erp), ACME_ERP_PASSWORD=str(erp.database.password))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OK     issue_invoice: issued" in done.stdout
    assert "OK     deliver: done" in done.stdout
    assert "OK     kill: killed while it confirmed the allocate" in done.stdout
    assert "OK     kill: killed while it confirmed the invoice" in done.stdout
    assert "OK     effects: 1 allocation(s) and 2 invoice(s) confirmed at ShipperOne, for 2 parcel(s)" in done.stdout
    assert "OK     last piece: 3 concurrent sessions" in done.stdout
    assert "OK     short: an order for 11 of MUG, one more than in stock, was not confirmed" in done.stdout
    assert "OK     stock, the cancelled order released: the available stock has changed by exactly" in done.stdout
    assert "FAIL" not in done.stdout
    live = "SELECT DISTINCT l.warehouse, l.sku FROM reservations r JOIN reservation_lines l ON l.reservation_key = r.job_key WHERE r.state = 'live'"
    assert sorted(erp.ask(live)) == [("main", "MUG"), ("main", "TEA"), ("outlet", "MUG")]
    # one for each parcel; the charge and shipping are on the first
    issued = erp.ask("SELECT state, number, total FROM invoices WHERE state = 'issued' ORDER BY number")
    assert [(number, D(str(total))) for _, number, total in issued] == [(1, D("7.69")), (2, D("43"))]
    assert erp.count("invoices") == len(issued)
    assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("TEA")) == ((7, 0), (7, 0))
    assert erp.on_hand_and_reserved("MUG", "outlet") == (4, 0)


@pytest.mark.parametrize(("patience", "ended"), [(0.2, False), (60, True)], ids=["out of time", "nothing can move"])
def test_a_rehearsal_that_cannot_finish_reports_it(sqlite_erp, sql, tmp_path, monkeypatch, patience, ended):
    monkeypatch.setenv("ACME_TOKEN", "t")
    monkeypatch.setattr("shipperone_erp_generic_sql.checking.rehearsal.PATIENCE", patience)
    file = tmp_path / "acme.toml"
    file.write_text(TENANT + toml(sqlite_erp), encoding="utf-8")
    goods = Goods(("NOT-THERE",), "main", "EUR")
    lines = list(Rehearsal(file, "acme", sample(goods), sqlite_erp.connector._database).run())
    expected = {"kill": None, "run": ended, "effects": False, "left behind": None}
    assert {line.name: line.ok for line in lines if line.name in expected} == expected
    assert [line for line in lines if line.ok is not True and not line.cure] == []
    if ended:
        (kill,) = [line for line in lines if line.name == "kill"]
        assert "product_unknown: the ERP has no such product" in kill.sentence


@pytest.mark.parametrize(("way", "dialect"), available(), ids=lambda value: value)
def test_setup_prints_what_the_recipe_needs_and_runs_nothing(sql, way, dialect):
    done = sql("setup", "--dialect", dialect, "--recipe", way)
    assert done.returncode == 0
    made = recipe(way, dialect)
    assert made.setup in done.stdout
    assert made.grants in done.stdout
    assert "shipperone-erp does not run any of this" in done.stdout
    assert ("Not tested against such a server" in done.stdout) is (dialect in ("mssql", "oracle"))


def test_setup_names_what_there_is(sql):
    done = sql("setup", "--dialect", "db2")
    assert (done.returncode, done.stderr) == (
        2, "--dialect db2 is not one of sqlite, postgresql, mariadb, mysql, mssql, oracle\n",
    )  # fmt: skip
    assert (
        "there is no recipe procedures on oracle"
        in sql("setup", "--dialect", "oracle", "--recipe", "procedures").stderr
    )


def test_the_wrong_tenant_and_the_wrong_connector_are_named(sql, sqlite_erp):
    done = sql("check", "acmee", toml=toml(sqlite_erp))
    assert (done.returncode, done.stderr) == (2, "there is no tenant acmee; the configuration names acme\n")


def test_help_lists_the_command_without_importing_its_package_and_typing_it_does(tmp_path):
    script = tmp_path / "typed.py"
    script.write_text(
        "import sys, atexit; from shipperone_erp.cli import main; "
        "print(['not imported', 'imported']['shipperone_erp_generic_sql' in sys.modules]); "
        "sys.stdout.flush(); "
        "atexit.register(lambda: print(['not imported', 'imported']['shipperone_erp_generic_sql' in sys.modules])); main()"
    )

    def typed(*arguments: str) -> str:
        return run_script(str(script), *arguments, env=os.environ).stdout

    help_ = typed("--help")
    assert help_.startswith("not imported\n")
    assert "Added by shipperone-erp-generic-sql" in help_
    assert help_.endswith("not imported\n")
    assert typed("sql", "setup", "--dialect", "sqlite").endswith("\nimported\n")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise RuntimeError('at import')", "command extra (added 1.0) cannot be imported: RuntimeError in "),
        ("Plugged = 7", "command extra (added 1.0): its entry point names a int; it must name a typer.Typer"),
    ],
)
def test_a_broken_command_is_listed_and_breaks_no_other(plugins, source, expected):
    plugins.install("added", source, group="shipperone_erp.commands", name="extra")
    helped = CliRunner().invoke(core, ["--help"])
    assert "Added by added 1.0." in helped.output
    assert CliRunner().invoke(core, ["explain", "erp_busy"]).exit_code == 0
    broken = CliRunner().invoke(core, ["extra", "anything"])
    assert isinstance(broken.exception, PluginRefused)
    assert str(broken.exception).startswith(expected)


def test_a_command_of_core_is_never_replaced_and_two_packages_that_claim_one_are_refused(plugins):
    plugins.install("greedy", "Plugged = 7", group="shipperone_erp.commands", name="explain")
    assert CliRunner().invoke(core, ["explain", "erp_busy"]).exit_code == 0
    for package in ("one", "two"):
        plugins.install(package, "import typer\nPlugged = typer.Typer()", group="shipperone_erp.commands", name="both")
    twice = CliRunner().invoke(core, ["both"])
    assert str(twice.exception) == "two packages claim the command both: one 1.0 and two 1.0; uninstall one of them"


def test_an_emoji_code_is_printed_unchanged(capsys):
    print_text("release, statement 2: :key: and :100:")
    say(":key:")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("release, statement 2: :key: and :100:\n", ":key:\n")
