"""docs/how-to/generic-sql.md: its statements and settings are those that the tests run."""

import re
import tomllib

import pytest
from typer.testing import CliRunner

from places import page_file
from shipperone_erp.config import load
from shipperone_erp_generic_sql.cli import app
from shipperone_erp_generic_sql.dialects import DIALECTS
from shipperone_erp_generic_sql.query_results import DELIVERY_STATES, INVOICE_STATES, RESERVATION_STATES
from shipperone_erp_generic_sql.recipe import available, recipe
from sql_command import TENANT

PAGE = page_file("generic-sql.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def printed() -> set[str]:
    """Every text of every recipe: what the tests of the recipes run."""
    recipes = [recipe(way, dialect) for way, dialect in available()]
    return {getattr(made, part).rstrip() for made in recipes for part in ("toml", "ddl", "setup", "grants", "answer")}


def test_every_recipe_on_the_page_is_run_by_the_tests_unchanged():
    shown = [text.rstrip() for kind, text in BLOCKS if kind in ("sql", "toml")]
    others = [text for text in shown if not any(text in whole for whole in printed())]
    assert len(shown) >= 6
    assert [text.splitlines()[0] for text in others] == [
        "[[tenants.acme.generic_sql.refused_dates]]", "[tenants.acme.generic_sql]",
    ], "the ones that are loaded below"  # fmt: skip


def test_the_further_settings_load_unchanged(tmp_path):
    own = [text for kind, text in BLOCKS if kind == "toml" and not any(text.rstrip() in whole for whole in printed())]
    refused_dates, further = own
    file = tmp_path / "shipperone-erp.toml"
    statements = tomllib.loads(recipe("inbox", "postgresql").toml)["tenants"]["acme"]["generic_sql"]
    more = "".join(
        f"[[tenants.acme.generic_sql.{step}]]\n"
        + "".join(f"{key} = {value!r}\n" if key != "sql" else f'sql = """{value}"""\n' for key, value in one.items())
        for step, found in statements.items()
        if isinstance(found, list)
        for one in found
    )
    file.write_text(TENANT + further + refused_dates + more, encoding="utf-8")
    read = load(file, environment={"ACME_TOKEN": "0815-4711", "ACME_ERP_PASSWORD": "0815-4712"})
    settings = read.tenants["acme"].connector_settings
    assert settings.isolation == "READ COMMITTED"
    assert len(settings.refused_dates) == 1
    assert settings.maps["warehouse"] == {"vienna": "main"}
    assert settings.binds == {"gift_note": "gift.note", "country": "shipping.country"}
    assert settings.errors["23514"].reason == "erp_stock_inconsistent"


def test_every_state_and_every_database_is_on_the_page():
    for states in (RESERVATION_STATES, INVOICE_STATES, DELIVERY_STATES):
        assert [state for state in states if f"`{state}`" not in PAGE] == []
    for dialect in DIALECTS.values():
        row = next(line for line in PAGE.splitlines() if line.startswith("|") and f"`{dialect.url}://" in line)
        assert dialect.extra is None or dialect.install in row
        assert ("**not run against a" in row) is (not dialect.proven)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^   (shipperone-erp sql .*)$", PAGE, re.MULTILINE))))
def test_every_command_of_the_page_is_one(command):
    words = command.split()[2:]
    invoked = CliRunner().invoke(app, words)
    assert "No such option" not in invoked.output
    assert "No such command" not in invoked.output
    assert invoked.exit_code == 0 or words[0] == "check"
