"""shipperone_erp.tools: the imports of a connector's own commands exist, are documented, and are lazy."""

import re
import subprocess
import sys

import pytest

from places import page_file
from shipperone_erp import ConnectorSettings, tools

PAGE = page_file("connectors.md").read_text(encoding="utf-8")


def test_every_tool_can_be_imported_and_is_documented():
    (table,) = re.findall(r"^\| from `shipperone_erp.tools` .*?\n\n", PAGE, re.DOTALL | re.MULTILINE)
    documented = {name for row in table.strip().splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert documented == set(tools.__all__)
    assert all(getattr(tools, name) is not None for name in tools.__all__)


def test_an_unknown_tool_is_no_attribute():
    with pytest.raises(AttributeError, match=r"module shipperone_erp\.tools has no attribute Ledger"):
        _ = tools.Ledger


def test_a_connector_that_needs_a_label_imports_neither_the_command_line_nor_the_engine():
    code = """
import sys
from shipperone_erp.tools import label, rounded, UsageError
print(*[name for name in sys.modules if name.startswith(("shipperone_erp.cli", "shipperone_erp.engine", "typer"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


@pytest.fixture
def file(plugins, tmp_path):
    """The configuration of a tenant of the connector `acme_erp`, whose settings are the plain ones."""
    plugins.connector("acme_erp")
    written = tmp_path / "shipperone-erp.toml"
    written.write_text(
        '[tenants.acme]\nbase_url = "https://acme.example"\ntoken = "t"\nconnector = "acme_erp"\ncurrency = "EUR"\n',
        encoding="utf-8",
    )
    return written


def test_a_tenant_is_loaded_with_its_connectors_settings(file):
    tenant = tools.load_tenant(file, "acme", ConnectorSettings, connector="acme_erp")
    assert (tenant.name, tenant.currency) == ("acme", "EUR")
    assert isinstance(tenant.settings, ConnectorSettings)
    assert "acme.example" not in repr(tenant)


def test_a_tenant_of_another_connector_or_none_is_named(file):
    class Settings(ConnectorSettings):
        pass

    with pytest.raises(tools.UsageError, match="there is no tenant other; the configuration names acme"):
        tools.load_tenant(file, "other", Settings, connector="other_erp")
    with pytest.raises(tools.UsageError, match="tenant acme has the connector acme_erp; this command is for other_erp"):
        tools.load_tenant(file, "acme", Settings, connector="other_erp")


def test_a_fault_of_a_tenants_settings_is_raised(file):
    file.write_text(file.read_text(encoding="utf-8").replace('"acme_erp"', '"nowhere"'), encoding="utf-8")
    with pytest.raises(tools.ConfigurationError, match="nowhere"):
        tools.load_tenant(file, "acme", ConnectorSettings, connector="nowhere")
