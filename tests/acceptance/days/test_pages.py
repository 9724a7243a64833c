"""The checklists: every console block is run at a merchant's, and B25's page."""

import os

import pytest

import console_blocks
from merchant import OnSql, order
from places import page_file
from warm_processes import command_for_shells


@pytest.mark.parametrize("page", ["month-end.md", "stock-taking.md"])
def test_every_line_of_a_checklist_matches_its_page(merchant, page):
    """An order in each stage: one waits for allocation, one has shipped."""
    if not isinstance(merchant.books, OnSql):
        merchant.settings["connector"] = '"counting_lists"'
    merchant.once(settle_for=0)
    merchant.sandbox.add(order("FO-1", first_id=10), stage="invoice")
    merchant.sandbox.add(order("FO-2", first_id=20))
    merchant.write()
    session = console_blocks.commands_of(page_file(page))
    assert len(session) >= 5
    path = f"{command_for_shells()}:{os.environ['PATH']}"
    printed = console_blocks.run(session, merchant.folder, {**merchant.process_environment(), "PATH": path})
    assert not (differs := console_blocks.differences(session, printed, page)), "\n".join(differs)
    assert len(merchant.books.invoices()) == 2
    if page == "stock-taking.md":
        output = merchant.command("orders", "--json", "--state", "done").stdout
        assert "FO-2" in output


@pytest.mark.case("B25")
def test_unsupported_features_are_documented_with_their_alternative():
    page = page_file("not-done.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("|")][2:]
    assert all(len(row) == 3 and all(cell.strip() for cell in row) for row in rows)
    for what in ("refuses", "returns", "Matching payments", "Cash rounding", "Fiscal printers", "VIES"):
        assert any(what in row[0] for row in rows), what
