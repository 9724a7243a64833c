"""The commands of `shipperone-erp sql` in the process of the test."""

from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from shipperone_erp.kernel.errors import ShipperOneErpError
from shipperone_erp_generic_sql.cli import app
from shipperone_erp_generic_sql.recipe import recipe
from sql_erp import Erp

TENANT = """\
[runtime]
ledger = "sqlite:///ledger.db"

[tenants.acme]
base_url = "http://127.0.0.1:9"
token = { env = "ACME_TOKEN" }
connector = "generic_sql"
currency = "EUR"

"""


@pytest.fixture
def sql(tmp_path, monkeypatch):
    """`shipperone-erp sql …` on a file with this TOML, in this process."""

    def run(*arguments: str, toml: str = "", **environment: str) -> Done:
        file = tmp_path / "shipperone-erp.toml"
        file.write_text(TENANT + toml, encoding="utf-8")
        options = ["-c", str(file)] if arguments[0] in ("check", "show") else []
        for name, value in {"ACME_TOKEN": "0815-4712", "COLUMNS": "200", **environment}.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(app, [*arguments, *options], prog_name="shipperone-erp sql")
        if isinstance(result.exception, ShipperOneErpError):
            return Done(result.exception.exit_code, result.stdout, f"{result.exception}\n")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def toml(erp: Erp, way: str = "guarded", **replaced: str) -> str:
    text = recipe(way, erp.dialect).toml
    url = next(line for line in text.splitlines() if line.startswith("url = "))
    text = text.replace(url, f'url = "{erp.database.url}"')
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    return text
