"""Tests are in the folder of their kind, and share code through tests/support."""

import re

from places import TESTS

KINDS = {"unit", "integration", "acceptance", "crash", "docs", "month"}
TEST_MODULES = sorted(TESTS.rglob("test_*.py"))


def test_every_test_is_in_the_folder_of_its_kind():
    assert {file.relative_to(TESTS).parts[0] for file in TEST_MODULES} <= KINDS


IMPORTED = re.compile(r"^\s*(?:from (\S+) import|import (.+)$)", re.MULTILINE)


def imported(source: str) -> set[str]:
    """The modules that a source imports, wherever in it."""
    names = [name for one, several in IMPORTED.findall(source) for name in (one, *several.split(","))]
    return {name.split()[0] for name in names if name.strip()}


def test_imports_are_found_at_any_place():
    source = "import os, test_a as b\nfrom test_c import (\n    d,\n)\ndef f():\n    import test_e\n"
    assert imported(source) == {"os", "test_a", "test_c", "test_e"}


def test_no_module_imports_a_test():
    names = {module.stem for module in TEST_MODULES}
    files = {file: imported(file.read_text(encoding="utf-8")) & names for file in TESTS.rglob("*.py")}
    found = {str(file.relative_to(TESTS)): tests for file, tests in files.items() if tests}
    assert found == {}, "move what is shared to tests/support"
