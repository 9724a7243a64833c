"""The pages that a person follows: every console block of the checklists is typed at a merchant's, and B25's page."""

import doctest
import os
import re
import subprocess

import pytest

from merchant import OnSql, order
from places import page_file
from warm_processes import command_for_shells

BLOCK = re.compile(r"^( *)```console\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[tuple[str, str]]:
    """Each `$ command` of the page with the output that stands below it."""
    found: list[tuple[str, str]] = []
    for indent, block in BLOCK.findall(page_file(page).read_text(encoding="utf-8")):
        for line in block.splitlines():
            line = line.removeprefix(indent)
            if line.startswith("$ "):
                found.append((line[2:], ""))
            else:
                found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


@pytest.mark.parametrize("page", ["month-end.md", "stock-taking.md"])
def test_every_line_of_a_checklist_says_what_the_page_says(merchant, page):
    """An order in each stage: one waits for allocation, one has shipped."""
    if not isinstance(merchant.books, OnSql):
        merchant.settings["connector"] = '"counting_lists"'
    merchant.once(settle_for=0)
    merchant.sandbox.add(order("FO-1", first_id=10), stage="invoice")
    merchant.sandbox.add(order("FO-2", first_id=20))
    merchant.write()
    differs = []
    for command, wanted in commands(page):
        done = subprocess.run(
            ["bash", "-c", command], cwd=merchant.folder,
            env={**merchant.process_environment(), "PATH": f"{command_for_shells()}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
        )  # fmt: skip
        got = "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())
        fits = not wanted or doctest.OutputChecker().check_output(wanted, got, doctest.ELLIPSIS)
        if done.returncode or not fits:
            differs.append(f"$ {command} ({done.returncode})\n{got}--- the page says:\n{wanted}")
    assert not differs, "\n".join(differs)
    assert len(commands(page)) >= 5
    assert len(merchant.books.invoices()) == 2
    if page == "stock-taking.md":
        said = merchant.command("orders", "--json", "--state", "done").stdout
        assert "FO-2" in said


@pytest.mark.case("B25")
def test_what_it_does_not_do_is_said_with_what_does_it_instead():
    page = page_file("not-done.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("|")][2:]
    assert all(len(row) == 3 and all(cell.strip() for cell in row) for row in rows)
    for what in ("refuses", "returns", "Matching payments", "Cash rounding", "Fiscal printers", "VIES"):
        assert any(what in row[0] for row in rows), what
