"""Tests lie where their kind is kept, and share what they share through tests/support."""

import ast

import pytest

from places import TESTS

KINDS = {"unit", "integration", "acceptance", "crash", "docs", "month"}
TEST_MODULES = sorted(TESTS.rglob("test_*.py"))


def test_every_test_lies_in_the_folder_of_its_kind():
    assert {file.relative_to(TESTS).parts[0] for file in TEST_MODULES} <= KINDS


@pytest.mark.parametrize("file", sorted(TESTS.rglob("*.py")), ids=lambda file: str(file.relative_to(TESTS)))
def test_no_module_imports_a_test(file):
    names = {module.stem for module in TEST_MODULES}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.module not in names, f"move what is shared with {node.module} to tests/support"
        elif isinstance(node, ast.Import):
            assert not names & {alias.name for alias in node.names}
