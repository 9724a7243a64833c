"""What every package brings beside its code: its licence, and a changelog that knows its version."""

from importlib.metadata import distribution

import pytest

from places import ROOT

PACKAGES = {
    "shipperone-erp": ROOT / "core",
    "shipperone-erp-generic-sql": ROOT / "connectors" / "generic_sql",
    "shipperone-erp-odoo": ROOT / "connectors" / "odoo",
    "shipperone-erp-tryton": ROOT / "connectors" / "tryton",
}
LICENCES = {"shipperone-erp-tryton": ("GPL-3.0-or-later", "GNU GENERAL PUBLIC LICENSE")}
"""What is not under the project's own: the connector that extends Tryton's classes has Tryton's."""


@pytest.mark.parametrize("name", PACKAGES)
def test_the_licence_text_is_installed_with_every_package(name):
    package = distribution(name)
    (licence,) = [file for file in package.files or () if file.name == "LICENSE"]
    expression, words = LICENCES.get(name, ("Apache-2.0", "Apache License"))
    assert words in licence.read_text()
    assert package.metadata["License-Expression"] == expression


@pytest.mark.parametrize("name", PACKAGES)
def test_the_changelog_has_the_version_that_is_installed(name):
    text = (PACKAGES[name] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{distribution(name).version}]" in text
    assert "## [Unreleased]" in text
