"""docs/reference/conformance.md and docs/how-to/policies.md: the blocks that are written there by hand."""

import re
import sys
import tomllib
from types import ModuleType

import pytest
import typer.main
from honest_harness import HonestHarness

from docs_blocks import shown
from places import TESTS
from shipperone_erp import Capability
from shipperone_erp.cli import connectors
from shipperone_erp.config import load
from shipperone_erp.connector.installed import HARNESSES, POLICIES
from shipperone_erp.testing import ConnectorHarness, report
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.runner import Result
from shipperone_erp_generic_sql import recipe

CORE = tomllib.loads((TESTS.parent / "core" / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def commands() -> list[str]:
    lines = "".join(shown("conformance.md", "sh")).splitlines()
    return [line.partition("#")[0].strip() for line in lines if line]


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_page_is_one(line):
    if line.startswith("pip install"):
        (extra,) = re.findall(r"\[(\w+)\]", line)
        assert extra in CORE["optional-dependencies"]
        return
    program, group, name, *words = line.split()
    assert (program, group) == (CORE["name"], "connectors")
    words = words[: words.index(">")] if ">" in words else words
    typer.main.get_command(connectors.app).commands[name].make_context(name, words).close()


def test_the_line_to_publish_is_written_as_the_page_shows_it():
    (line,) = shown("conformance.md", "text")
    missing = {"drafts", "units", "lots", "batch"}
    outcomes = ["skipped"] * 5 + ["passed"] * (len(CASES) - 5)
    results = [Result(case, outcome) for case, outcome in zip(CASES.values(), outcomes, strict=True)]
    made = report.published(results, frozenset(Capability) - {Capability(one) for one in missing}, ["U5"])
    passed = re.compile(r"suite [\d.]+, \d+ of \d+")
    assert passed.sub("", f"to publish: {made}") == passed.sub("", line.strip())
    assert f"{len(CASES) - 5} of {len(CASES)}, declares no" in str(made)
    assert report.published(results[1:], frozenset(), []) is None, "not every case was chosen"
    assert report.published([*results[1:], Result(CASES["R3"], "failed")], frozenset(), []) is None


def test_the_suite_of_the_page_has_every_case(monkeypatch):
    suite, departing = shown("conformance.md", "python")
    module = ModuleType("acme_harness")
    module.AcmeHarness = HonestHarness
    monkeypatch.setitem(sys.modules, "acme_harness", module)
    made: dict[str, object] = {"ConnectorHarness": ConnectorHarness}
    exec(suite, made)
    assert {name for name in dir(made["TestAcme"]) if name.startswith("test_")} == {f"test_{case}" for case in CASES}
    exec(departing, made)
    assert set(made["AcmeHarness"].departures) <= set(CASES)


def test_a_harness_is_declared_where_it_is_looked_for():
    (declared,) = shown("conformance.md", "toml")
    assert list(tomllib.loads(declared)["project"]["entry-points"]) == [HARNESSES]


def test_the_policies_of_the_page_load_unchanged(tmp_path):
    note, bind, cent, declared = shown("policies.md", "toml")
    tenant = ('base_url = "https://acme.example"\ntoken = { env = "ACME_TOKEN" }\nconnector = "generic_sql"\n'
              'currency = "EUR"\n')  # fmt: skip
    statements = recipe("guarded", "sqlite").toml
    file = tmp_path / "shipperone-erp.toml"
    for text in (note, cent):
        file.write_text(text.replace("[tenants.acme]\n", f"[tenants.acme]\n{tenant}", 1) + statements, encoding="utf-8")
        acme = load(file, environment={"ACME_TOKEN": "a-token"}).tenants["acme"]
        assert list(acme.policy_settings) == list(acme.policies)
    file.write_text(f"[tenants.acme]\n{tenant}{statements}\n{bind}", encoding="utf-8")
    acme = load(file, environment={"ACME_TOKEN": "a-token"}).tenants["acme"]
    assert acme.connector_settings.binds == {"note": "extra.invoice_note"}
    assert list(tomllib.loads(declared)["project"]["entry-points"]) == [POLICIES]
