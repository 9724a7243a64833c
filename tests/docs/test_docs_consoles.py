"""What a console of the documentation looks like: it fits the column, and shows values as they really look."""

import textwrap
from pathlib import Path

import pytest

from console_blocks import Command, agrees, blocks_of, commands, differences, rewrite
from console_pages import COLUMNS, as_shown
from docs_blocks import FENCE
from places import PAGES, ROOT

SHOWN = [*PAGES, ROOT / "README.md"]
HOME = Path("/tmp/somewhere")


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_a_console_fits_its_column_and_holds_no_placeholder(page):
    blocks = [(kind, textwrap.dedent(inner)) for _, kind, inner in FENCE.findall(page.read_text(encoding="utf-8"))]
    printed = [line for kind, block in blocks if kind in ("console", "text") for line in block.splitlines()]
    assert [line for line in printed if len(line) > COLUMNS] == []
    assert [block for kind, block in blocks if kind == "console" and "..." in block] == []


TABLE = """\
tenant  stage    order_id  state  reason         owner       next_attempt_at  sentence
acme    invoice  FO-1      held   total_differs  accountant                   the invoice is not what shipped: total_incl_tax: ERP 35.00, ShipperOne 34.99
acme    invoice  FO-2      done
acme/invoice: paused by nobody
"""


def test_a_table_is_laid_out_as_on_a_terminal_of_a_hundred_columns():
    assert as_shown(TABLE, HOME) == (
        "tenant  stage    order_id  state  reason         owner       next_attempt_at\n"
        "acme    invoice  FO-1      held   total_differs  accountant\n"
        "  the invoice is not what shipped: total_incl_tax: ERP 35.00, ShipperOne 34.99\n"
        "acme    invoice  FO-2      done\n"
        "acme/invoice: paused by nobody\n"
    )


PRINTED = """\
tenant  served_by                               erp
acme    process 123456 on runner-77.example     sqlite:/tmp/somewhere/erp.db
"""
SHOWN = """\
tenant  served_by              erp
acme    process 4711 on erp-1  sqlite:/srv/acme/erp.db
"""


def test_varying_values_are_replaced_before_the_console_is_laid_out():
    assert as_shown(PRINTED, HOME) == SHOWN
    assert as_shown("dated 2031-01-01: I-7\n", HOME, {r"\d{4}-\d\d-\d\d": "2026-11-28"}) == "dated 2026-11-28: I-7\n"


def test_a_long_sentence_is_wrapped_with_a_hanging_indent():
    (first, second) = as_shown(f"  note: {'word ' * 30}", HOME).splitlines()
    assert (len(first) <= COLUMNS, first[:8], second[:8]) == (True, "  note: ", "    word")


def test_a_console_is_compared_exactly_and_three_dots_match_whole_lines():
    assert agrees(Command("ls", "a\n...\nd\n"), "a\nb\nc\nd\n")
    assert agrees(Command("ls", "a\n...\n"), "a\n")
    assert not agrees(Command("ls", "a...\n"), "abc\n")
    assert not agrees(Command("ls", "a\n"), "a\nb\n")
    assert len(differences([Command("ls", "a\n"), Command("pwd", "")], ["b\n"], "tour.md")) == 2


def test_a_page_is_written_anew_where_something_else_was_printed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n```console\n$ ls\nold\n```\n# Two\n1. so:\n\n   ```console\n   $ ls\n   old\n   $ pwd\n   ```\n"
    )
    session = [Command("ls", "old\n"), Command("pwd", "")]
    rewrite(page, [Command("cp a b", ""), *session], ["", "new\n", "/srv\n"], below="# Two")
    assert page.read_text() == (
        "# One\n```console\n$ ls\nold\n```\n# Two\n1. so:\n\n   ```console\n   $ ls\n   new\n   $ pwd\n   /srv\n   ```\n"
    )
    first, second = blocks_of(page.read_text())
    assert [commands(first), commands(second)] == [session[:1], [Command("ls", "new\n"), Command("pwd", "/srv\n")]]
