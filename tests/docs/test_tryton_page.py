"""docs/how-to/tryton.md and the package's README: printed settings load, and every name in them exists."""

import re
import shlex
from importlib.metadata import entry_points
from pathlib import Path

from places import ROOT, page_file
from shipperone_erp import Reason
from shipperone_erp.config import load
from shipperone_erp_tryton import TrytonSettings

PAGE = page_file("tryton.md").read_text(encoding="utf-8")
README = (ROOT / "connectors" / "tryton" / "README.md").read_text(encoding="utf-8")
SECRETS = {"ACME_TOKEN": "0815-4711", "ACME_TRYTON_DB": "0815-4712"}


def block(kind: str) -> str:
    (text,) = re.findall(rf"^ *```{kind}\n(.*?)^ *```$", PAGE, re.M | re.S)
    return re.sub(r"^   ", "", text, flags=re.MULTILINE)


def test_the_tenant_on_the_page_loads_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "shipperone-erp.toml"
    file.write_text(block("toml"), encoding="utf-8")
    settings = load(file, environment=SECRETS).tenants["acme"].connector_settings
    assert isinstance(settings, TrytonSettings)
    assert settings.warehouses == {"ba-main": "WH", "ke-store": "KE"}
    assert settings.password is not None
    assert "0815-4712" not in repr(settings)


def test_the_command_of_the_page_activates_the_module_that_is_installed() -> None:
    words = shlex.split(block("sh"))
    assert words[0] == "trytond-admin"
    names = {entry.name for entry in entry_points(group="trytond.modules")}
    assert words[words.index("-u") + 1] in names


def test_every_reason_on_the_pages_is_one() -> None:
    words = set(re.findall(r"`(erp_[a-z_]+|[a-z]+_locked)`", PAGE + README))
    assert words
    assert words - set(Reason) - {"erp_access"} == set()


def test_the_modules_named_in_the_readme_exist() -> None:
    source = ROOT / "connectors" / "tryton" / "src" / "shipperone_erp_tryton"
    assert [name for name in set(re.findall(r"`([a-z]+\.py)`", README)) if not (source / name).exists()] == []
