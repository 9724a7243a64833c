"""How things are put together: few arguments, one composition, and time from a `TimeSource`."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import shipperone_erp
from places import ROOT

SOURCE = Path(shipperone_erp.__file__).parent
MOST = 6
ASIDE = {"testing", "sandbox", "demo", "scaffold"}
"""What tests and demonstrates has options instead."""

READS_CLOCKS = {
    "kernel/time_source.py": "implements TimeSource",
    "engine/shared_limits.py": "its clock is an argument; it sleeps for as long as a rate asks for",
    "ledger/database.py": "waits for another process's lock in a thread, within one call",
    "ledger/writer.py": "gathers a batch in a thread of its own",
    "cli/process_exit.py": "the process ends, with whatever time is left",
    "operations/alerts/watch.py": "its clocks are arguments",
    "operations/throughput.py": "counts in a thread, with pauses, from time to time",
    "operations/capture/allow_list.py": "the year, which a captured text may show",
    "web/access.py": "its clock is an argument",
    "web/metrics.py": "the time at which a page of metrics was made",
}
"""Modules that read a clock or sleep by themselves, and why. This list may only shrink."""

CLOCKS = {
    "time.monotonic", "time.time", "time.sleep", "time.perf_counter", "datetime.now", "datetime.utcnow", "date.today",
    "asyncio.sleep",
}  # fmt: skip


PARALLEL = ("cli/", "web/screens/", "web/texts/", "testing/cases/", "config/")
"""Named by a command, a page of the browser, a family of cases or a table of the TOML, each beside its subject."""

LONGEST = 320
"""Lines of a module. A longer one has a second idea, which gets a module whose name says it."""

LONGER: dict[str, int] = {"shipperone_erp_odoo/reserving.py": 375}
"""Modules that are still longer, and by how much. This list may only shrink."""

CONNECTORS = ROOT / "connectors"


def modules() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(SOURCE.rglob("*.py")):
        name = file.relative_to(SOURCE)
        if name.parts[0] not in ASIDE:
            yield name.as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def wide(tree: ast.Module) -> list[str]:
    """Classes whose own constructor takes more than `MOST` arguments; those of dataclasses are of values."""
    return [
        one.name
        for one in ast.walk(tree)
        if isinstance(one, ast.ClassDef)
        for method in one.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        if len(method.args.args) - 1 + len(method.args.kwonlyargs) > MOST
    ]


def clocks(tree: ast.Module) -> list[str]:
    """Clocks that are read or slept by; `asyncio.sleep(0)` only lets others run."""
    yields = {
        id(one.func) for one in ast.walk(tree) if isinstance(one, ast.Call) and ast.unparse(one) == "asyncio.sleep(0)"
    }
    read = [one for one in ast.walk(tree) if isinstance(one, ast.Attribute) and id(one) not in yields]
    imported = {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    names = [ast.unparse(one) for one in read if ast.unparse(one) in CLOCKS]
    return [name for name in names if not name.startswith("time.") or "time" in imported]  # else a TimeSource's


def test_no_constructor_takes_more_than_six_arguments():
    assert [name for _, tree in modules() for name in wide(tree)] == []


def test_time_is_read_and_slept_by_a_time_source_alone():
    found = {name: clocks(tree) for name, tree in modules()}
    assert {name for name, read in found.items() if read} == set(READS_CLOCKS)


def test_only_the_composition_names_the_stage_context():
    naming = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.alias) and getattr(node, "id", getattr(node, "name", "")) == "StageContext"
    }
    assert naming == {"engine/tenant.py"}


def named_alike(names: Iterable[str]) -> list[str]:
    """Modules that share their base name with another one, outside the folders of `PARALLEL`."""
    others = Counter(Path(name).name for name in names if not name.startswith(PARALLEL))
    return sorted(name for name, times in others.items() if times > 1 and name != "__init__.py")


def test_module_names_of_core_are_unique():
    assert named_alike(file.relative_to(SOURCE).as_posix() for file in SOURCE.rglob("*.py")) == []
    assert named_alike(["engine/a.py", "ledger/a.py", "cli/b.py", "operations/b.py"]) == ["a.py"]


def too_long(lengths: dict[str, int]) -> list[str]:
    return [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > LONGER.get(name, LONGEST)]


def test_no_module_is_longer_than_one_idea_needs():
    packages = [SOURCE, *(folder for folder in CONNECTORS.glob("*/src/*") if (folder / "__init__.py").exists())]
    lengths = {
        file.relative_to(package.parent).as_posix(): len(file.read_text(encoding="utf-8").splitlines())
        for package in packages
        for file in package.rglob("*.py")
    }
    assert "shipperone_erp/domain/planner.py" in lengths
    assert too_long(lengths) == []
    assert {name for name in LONGER if lengths[name] <= LONGEST} == set(), "delete these lines from LONGER"
    assert any(name.startswith("shipperone_erp_odoo/") for name in lengths)


def test_violations_of_these_rules_are_found():
    assert wide(ast.parse("class A:\n def __init__(self, a, b, c, d, e, *, f, g): ...")) == ["A"]
    assert wide(ast.parse("class A:\n def __init__(self, a, b, c, d, e, *, f): ...")) == []
    assert too_long({"a.py": LONGEST, "b.py": LONGEST + 1}) == [f"b.py: {LONGEST + 1} lines"]
    assert clocks(ast.parse("import time\nbegan = time.monotonic()")) == ["time.monotonic"]
    assert clocks(ast.parse("await asyncio.sleep(0)")) == []
    assert clocks(ast.parse("await asyncio.sleep(1)")) == ["asyncio.sleep"]
