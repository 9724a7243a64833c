"""What every package brings beside its code: its licence, and a changelog that knows its version."""

from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "shipperone-erp": ROOT / "core",
    "shipperone-erp-generic-sql": ROOT / "connectors" / "generic_sql",
    "shipperone-erp-odoo": ROOT / "connectors" / "odoo",
}


@pytest.mark.parametrize("name", PACKAGES)
def test_the_licence_text_is_installed_with_every_package(name):
    package = distribution(name)
    (licence,) = [file for file in package.files or () if file.name == "LICENSE"]
    assert "Apache License" in licence.read_text()
    assert package.metadata["License-Expression"] == "Apache-2.0"


@pytest.mark.parametrize("name", PACKAGES)
def test_the_changelog_has_the_version_that_is_installed(name):
    text = (PACKAGES[name] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{distribution(name).version}]" in text
    assert "## [Unreleased]" in text
