"""Each failure mode on docs/explanation/failure-modes.md has a test that carries its number, and each number is on the page."""

import ast
import re
from collections.abc import Iterator

from places import TESTS, page_file

ROW = re.compile(r"^\| ([A-Z]\d+) \|", re.MULTILINE)


def marked() -> Iterator[str]:
    """The numbers of every `@pytest.mark.case(...)`."""
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.case":
                yield from (ast.literal_eval(number) for number in node.args)


def test_the_page_and_the_markers_name_the_same_numbers():
    page = ROW.findall(page_file("failure-modes.md").read_text(encoding="utf-8"))
    assert len(page) == len(set(page)) > 80
    assert set(page) == set(marked())


def test_no_test_carries_a_number_in_its_name():
    names = [name for file in TESTS.rglob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())]
    assert [name for name in names if re.match(r"test_[bdghmopqs]\d+_", name)] == []
