"""docs/reference/guide.md names existing modules and tests in every row, the architecture's table existing modules."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import shipperone_erp
from places import TESTS, page_file

PACKAGE = Path(shipperone_erp.__file__).parent
PAGE = page_file("guide.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| rule of the guide")
]


@cache
def collected() -> Counter[str]:
    """The name of every test that pytest would collect here."""
    found: Counter[str] = Counter()
    for file in TESTS.rglob("test_*.py"):
        found.update(re.findall(r"^def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE))
    return found


def exists(module: str) -> bool:
    file = PACKAGE.joinpath(*module.split("."))
    return file.with_suffix(".py").exists() or (file / "__init__.py").exists()


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:50] for row in ROWS])
def test_a_row_names_modules_and_tests_that_exist(row):
    statement, where, proof = row
    assert statement[0].isupper() or statement[0].isdigit()
    for module in re.findall(r"`([^`]+)`", where):
        assert exists(module), module
    named = re.findall(r"`([^`]+)`", proof)
    assert named, "a row without a proof"
    there = collected()
    assert {name: there[name] for name in named} == dict.fromkeys(named, 1)


def test_the_page_goes_through_the_whole_guide():
    assert len(ROWS) >= 30
    bare = [row[0] for row in ROWS if not row[1]]
    assert bare == ["Returns have no endpoint"]


def test_the_table_of_decisions_names_modules_that_exist():
    page = page_file("architecture.md").read_text(encoding="utf-8")
    table = page.split("## Where it is decided")[1].split("## ")[0]
    modules = re.findall(r"`([a-z_.]+)`", table)
    assert len(modules) >= 20
    assert [module for module in modules if not exists(module)] == []
