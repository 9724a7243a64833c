"""docs/tutorial.md as an author follows it: its files, its changes and its commands, in their order."""

import os
import re
from pathlib import Path

import pytest

import console_blocks
from console_blocks import Command

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROJECT = "shipperone-erp-acme"


def session(project: Path) -> list[Command]:
    """Every command of the page; a file or a change that it shows is a command that makes it."""
    found: list[Command] = []
    for number, (kind, block) in enumerate(BLOCK.findall(PAGE.read_text(encoding="utf-8"))):
        if kind == "console":
            found += console_blocks.commands(block)
            continue
        head, text = block.split("\n", 1)
        path = project / head.split()[1]
        made = project.parent / f"block-{number}"
        if kind == "python":
            made.write_text(text, encoding="utf-8")
            found.append(Command(f"cp {made} {path}", ""))
        elif kind == "diff":
            made.write_text(text, encoding="utf-8")
            found.append(Command(f"python {Path(__file__).with_name('docs_patch.py')} {made} {path}", ""))
        else:
            raise AssertionError(f"a block of the kind {kind} is not run")
    return found


@pytest.mark.timeout(400)
def test_the_tutorial_works_line_by_line_as_it_is_printed(tmp_path, author_environment):
    path = f"{author_environment}{os.pathsep}{os.environ['PATH']}"
    typed = session(tmp_path / PROJECT)
    assert len(typed) > 25
    printed = console_blocks.run(typed, tmp_path, {**os.environ, "PATH": path, "COLUMNS": "160"})
    assert console_blocks.differences(typed, printed, PAGE.name) == []
