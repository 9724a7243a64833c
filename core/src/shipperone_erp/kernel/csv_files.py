"""CSV files for spreadsheets: private, in UTF-8 with a byte order mark, and without cells that run as formulas."""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from shipperone_erp.kernel import private_files
from shipperone_erp.kernel.printable import one_line

_FORMULA = re.compile(r"(^|[;|])([\s\"]*)(?=[=+\-@\u2212\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b])")
"""The places where a formula may begin: a cell, or its equivalent for a spreadsheet with another separator.

Some spreadsheets read full-width and small signs as the plain ones.
"""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?\Z")


def cell(value: object) -> object:
    """A value as a cell: text in one line, with an apostrophe before everything that could begin a formula.

    A text that is a plain number, such as "-5.00", is unchanged.
    """
    if not isinstance(value, str) or _NUMBER.match(value):
        return value
    return _FORMULA.sub(r"\1\2'", one_line(value))


def write(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write the rows in order; an existing file is replaced. Raises OSError where it cannot be written."""
    with private_files.written(file, encoding="utf-8-sig", newline="") as opened:
        write_to(opened, columns, rows)


def write_to(opened: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write the rows to an open file."""
    writer = csv.writer(opened)
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
