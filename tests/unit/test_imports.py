"""Imports keep to the floors of tests/support/import_contracts.py. What does not yet is in import_ratchet.txt, which may only shrink.

python tests/unit/test_imports.py     writes the ratchet anew; a change that makes it longer is refused in review
"""

import importlib.util
from functools import cache
from pathlib import Path

import pytest

import import_contracts as contracts
from import_contracts import Breach, Module
from places import SUPPORT

RATCHET_FILE = SUPPORT / "import_ratchet.txt"
RATCHET = {line for line in RATCHET_FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}


@cache
def modules() -> dict[str, Module]:
    """The modules of core, read once, and only where a test asks for them."""
    return contracts.core()


@cache
def circles() -> set[str]:
    return {" <-> ".join(circle) for circle in contracts.circles(modules())}


@cache
def breaches() -> dict[str, Breach]:
    return {
        found.line: found
        for found in [*contracts.breaches(modules()), *contracts.of_connectors(contracts.connectors())]
    }


def test_every_package_has_a_floor_and_every_floor_is_shown_once():
    assert {module.package for module in modules().values()} <= contracts.MAY_IMPORT.keys()
    assert sorted(name for floor in contracts.FLOORS for name in floor) == sorted(contracts.MAY_IMPORT)


def test_the_floors_have_no_circle():
    assert contracts.circles({
        name: Module(name, Path(), frozenset(f"{contracts.CORE}.{below}" for below in allowed))
        for name, allowed in contracts.MAY_IMPORT.items()
    }) == []  # fmt: skip


def test_a_module_imports_only_what_its_floor_allows():
    new = [str(found) for line, found in breaches().items() if line not in RATCHET]
    assert not new, "\n".join(new)


def test_no_modules_import_each_other():
    new = sorted(circles() - RATCHET)
    assert not new, "\n".join(f"Rule: no circle of imports. These import each other: {circle}" for circle in new)


def test_the_ratchet_lists_nothing_that_is_cured():
    cured = sorted(RATCHET - breaches().keys() - circles())
    assert not cured, "delete these lines from tests/support/import_ratchet.txt:\n" + "\n".join(cured)


@pytest.mark.parametrize(
    ("importing", "imported", "rule"),
    [
        ("domain.x", "shipperone_erp.ledger.repository.Ledger", "domain imports kernel"),
        ("workflow.x", "httpx.Client", "workflow never imports"),
        ("operations.x", "shipperone_erp.engine.cycle", "operations imports"),
        ("engine.x", "stevedore", "only connector.discovery imports stevedore"),
        ("sandbox.x", "shipperone_erp.config.load", "sandbox imports domain, kernel"),
        ("engine.x", "shipperone_erp.Connector", "only connectors and policies"),
    ],
)
def test_a_breach_names_the_rule_and_both_modules(importing, imported, rule):
    planted = modules() | {importing: Module(importing, Path(), frozenset({imported}))}
    (found,) = [one for one in contracts.breaches(planted) if one.importing == importing]
    assert rule in str(found)
    assert str(found).startswith(f"{importing} imports {found.imported}")


@pytest.mark.parametrize(
    ("imported", "refused"),
    [
        ("shipperone_erp.Connector", False),
        ("shipperone_erp.testing.ConnectorHarness", False),
        ("shipperone_erp.testing.runner", True),
        ("shipperone_erp.kernel.errors.UsageError", True),
        ("shipperone_erp.config", True),
        ("shipperone_erp.Nothing", True),
    ],
)
def test_a_connector_imports_only_what_is_exported(imported, refused):
    module = Module("shipperone_erp_acme.connector", Path(), frozenset({imported}))
    assert [found.imported for found in contracts.of_connectors([module])] == [imported] * refused


def test_a_circle_is_found_through_other_modules():
    names = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    planted = {
        name: Module(name, Path(), frozenset(f"{contracts.CORE}.{other}" for other in others))
        for name, others in names.items()
    }
    assert contracts.circles(planted) == [("a", "b", "c")]


@pytest.mark.case("D3")
def test_a_connector_cannot_reach_shipperone():
    """No call to ShipperOne ever happens inside a connector: what it imports knows no HTTP."""
    for module in modules().values():
        if module.package in {"kernel", "domain", "connector"}:
            assert not {name for name in module.imports if name.split(".")[0] in {"httpx", "http"}}, module.name


def _written() -> str:
    head = "# What still breaks the rules of tests/support/import_contracts.py. This list may only shrink; unit/test_imports.py reads it.\n"
    return head + "".join(f"{line}\n" for line in sorted({*breaches(), *circles()}))


if __name__ == "__main__":
    assert importlib.util.find_spec(contracts.CORE)
    RATCHET_FILE.write_text(_written(), encoding="utf-8")
