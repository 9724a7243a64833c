"""Tables and paragraphs for operators, laid out for the width of the terminal.

Words and ids are never broken: lines are wrapped only at spaces, and a longer word stays whole. Without a terminal
every row is one line of any length, so that `grep`, `awk` and a pager find it in one piece.
"""

import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice

from rich.cells import cell_len
from rich.console import Console

from shipperone_erp.kernel.printable import as_cell, one_line

GAP = "  "

LOOKED_AHEAD = 1_000
"""The number of rows from which the widths of the columns are computed: a longer list is written while it is read."""

LAST_AT_LEAST = 40
"""The smallest width for the last column beside the others; with less it is placed below them."""

SENTENCE = frozenset({"sentence"})


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    prose: Collection[str] = SENTENCE,
    unsaid: Collection[str] = (),
) -> None:
    """A table on stdout. `prose`: columns with sentences, which are clear without the column's name.

    `unsaid`: cells of prose that are left out where they have no place beside the others.
    """
    lines = laid_out(columns, rows, terminal_width(), prose, unsaid)
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    console.print(next(lines), style="bold")
    sys.stdout.writelines(f"{line}\n" for line in lines)


def print_paragraphs(*lines: str) -> None:
    """Text on stdout. Each argument is one line, whatever it contains, wrapped at words with a hanging indent."""
    width = terminal_width()
    for line in map(one_line, lines):
        indent = line[: len(line) - len(line.lstrip())]
        hanging = f"{indent}{GAP}" if indent else ""
        sys.stdout.writelines(f"{part}\n" for part in wrapped(line, width, hanging))


def terminal_width() -> int | None:
    """The width in cells; None without a terminal, where nothing is wrapped."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def laid_out(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    width: int | None,
    prose: Collection[str] = SENTENCE,
    unsaid: Collection[str] = (),
) -> Iterator[str]:
    """The lines of the table, the header first.

    As many columns as fit are placed beside one another, and the last one of them is wrapped in the remaining width if
    it is the last of all or prose; further columns follow below each row. If that lets more columns fit, a few cells
    that are much wider than the others exceed their column, and the rest of their row follows on the next line.
    """
    texts = ([_text(cell) for cell in row] for row in rows)
    first = list(islice(texts, LOOKED_AHEAD))
    cells = list(zip(columns, *first, strict=True))
    widths = [max(map(cell_len, column)) for column in cells]
    usual = [_usual(column) for column in cells[:-1]] + widths[-1:]
    beside = _beside(columns, usual, width, prose)
    for number in sorted(range(len(widths)), key=lambda number: usual[number] - widths[number]):
        if _beside(columns, widths, width, prose) < beside:  # the widest first: no more than is needed stick out
            widths[number] = usual[number]
    yield _line(columns[:beside], widths)
    for row in chain(first, texts):
        yield from _beside_lines(row[:beside], widths, width)
        if width is not None:
            below = list(zip(columns[beside:], row[beside:], strict=True))
            yield from _flowing([f"{column}: {cell}" for column, cell in below if cell and column not in prose], width)
            for sentence in (cell for column, cell in below if cell and column in prose and cell not in unsaid):
                yield from wrapped(f"{GAP}{sentence}", width, GAP)


def _beside(columns: Sequence[str], widths: Sequence[int], width: int | None, prose: Collection[str]) -> int:
    """The number of columns beside one another."""
    if width is None:
        return len(widths)
    for count in range(len(widths), 1, -1):
        wraps = count == len(widths) or columns[count - 1] in prose
        at_least = min(widths[count - 1], LAST_AT_LEAST) if wraps else widths[count - 1]
        if _joined([*widths[: count - 1], at_least]) <= width:
            return count
    return 1


def _usual(cells: Sequence[str]) -> int:
    """The width that holds the name and four cells of five."""
    name, *widths = map(cell_len, cells)
    return max(name, *sorted(widths)[: -(-len(widths) * 4 // 5)], 0)


def _beside_lines(cells: Sequence[str], widths: Sequence[int], width: int | None) -> Iterator[str]:
    """A row: one line, and another one after each cell that exceeds its column."""
    line, used, start = "", 0, 0
    for number, cell in enumerate(cells):
        if number and cell and used + len(GAP) > start:
            yield line
            line, used = "", 0
        if cell:
            line += " " * (start - used) + cell
            used = start + cell_len(cell)
        if number < len(widths):
            start += widths[number] + len(GAP)
    yield from wrapped(line, width, " " * (_joined(widths[: len(cells) - 1]) + len(GAP)))


def _joined(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=False))
    return GAP.join(padded).rstrip()


def _flowing(pieces: Iterable[str], width: int) -> Iterator[str]:
    """Lines below a row: piece after piece, with a new line if the next one does not fit."""
    line = ""
    for piece in pieces:
        if line and cell_len(line) + len(GAP) + cell_len(piece) > width:
            yield from wrapped(line, width, GAP * 2)
            line = ""
        line += f"{GAP}{piece}"
    if line:
        yield from wrapped(line, width, GAP * 2)


def wrapped(line: str, width: int | None, hanging: str) -> Iterator[str]:
    """The line, wrapped only at spaces if it is wider than `width`; further lines begin with `hanging`."""
    if width is None or cell_len(line) <= width:
        yield line
        return
    indent = line[: len(line) - len(line.lstrip())]
    current = ""
    for word in line[len(indent) :].split(" "):
        extended = f"{current} {word}" if current else f"{indent}{word}"
        if current and cell_len(extended) > width:
            yield current.rstrip()
            indent, extended = hanging, f"{hanging}{word}"
        current = extended
    yield current.rstrip()


def _text(cell: object) -> str:
    return "" if cell is None else as_cell(str(cell))
