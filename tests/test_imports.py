"""Imports go one way: a module knows only what lies below it. The command line knows all, values know nothing."""

import ast
import importlib.util
from pathlib import Path

import pytest

LAYERS = [
    {"sanitizer", "private_files"},
    {"reasons", "secrets", "redaction", "errors", "deprecations", "csv_files", "aside"},
    {"model", "explanations"},
    {"capabilities"},
    {"hooks", "discretion"},
    {"policies"},
    {"discovery"},
    {"config", "origins"},
    {"shipperone", "ledger", "sandbox"},
    {"plugins", "stages"},
    {"runtime"},
    {"operations", "scaffold"},
    {"demo"},
    {"testing"},
    {"web"},
    {"cli"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
SPEC = importlib.util.find_spec("shipperone_erp")
assert SPEC is not None
assert SPEC.origin is not None
ROOT = Path(SPEC.origin).parent
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def layer_of(dotted: str) -> str:
    return dotted.split(".")[1]


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_its_own_layer_or_below(path):
    mine = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for name in imported(path):
        if not name.startswith("shipperone_erp."):
            continue
        theirs = layer_of(name)
        if theirs in RANK:
            assert theirs == mine or RANK[theirs] < RANK[mine], f"{path} imports {name}, which lies above it"


def test_every_module_has_a_layer():
    tops = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in MODULES}
    assert tops - {"__pycache__"} <= set(RANK)


def test_only_discovery_knows_entry_points_and_stevedore():
    for path in MODULES:
        knows = {name.split(".")[0] for name in imported(path)}
        metadata = imported(path) & {
            "importlib.metadata.entry_points",
            "importlib.metadata",
            "importlib.metadata.EntryPoint",
        }
        if path.name != "discovery.py" and "discovery" not in path.parts:
            assert "stevedore" not in knows, path
            assert not metadata, path


def test_only_the_plugins_facade_calls_pluggy_and_only_the_hooks_specify():
    for path in MODULES:
        if "pluggy" in {name.split(".")[0] for name in imported(path)}:
            assert path.relative_to(ROOT).parts[0].removesuffix(".py") in {"hooks", "plugins", "discovery"}, path


def test_d3_a_connector_cannot_reach_shipperone():
    """No call to ShipperOne ever happens inside a connector: what it imports knows no HTTP."""
    for top in ("hooks", "model", "reasons", "secrets"):
        for path in MODULES:
            if path.relative_to(ROOT).parts[0].removesuffix(".py") == top:
                assert not {name for name in imported(path) if name.split(".")[0] in {"httpx", "http", "urllib"}}, path
