"""What a page shows of what a command printed: a terminal of 100 columns, with typical values for what varies.

Off a terminal the commands print one line a row, whatever its length. Here its cells get their typical values, and are
laid out anew by the function that lays them out on a terminal, so that a page can be compared to the letter.
"""

import os
import pwd
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from shipperone_erp.cli.tables import laid_out, wrapped

COLUMNS = 100
"""Which the column of the site has place for, as its style has it."""

FOLDER = "/srv/acme"
"""What stands for the folder in which the commands are typed."""

VARIES = {
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z": "2026-11-28T09:14:02.318Z",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ": "2026-11-28T09:14:02Z",
    r"\b([ai]-[A-Za-z0-9]+-[A-Za-z0-9]+?-)[a-z2-7]{16,}": r"\1q4m7x2kd5hzt3wnb",
    r"process \d+ on [\w-]+(\.[\w-]+)*( since \S+ \S+ UTC)?": "process 4711 on erp-1",
    r"(?m)^\d\d:\d\d:\d\d ": "09:14:02 ",
    r"\d+ MiB": "76012 MiB",
    r"127\.0\.0\.1:\d+": "127.0.0.1:8650",
    rf"\b(by|operator   ) {pwd.getpwuid(os.getuid()).pw_name}\b": r"\1 eva",
    r"\bdated \d{4}-\d\d-\d\d": "dated 2026-11-28",
    r"this version knows \d{4}": "this version knows 0015",
    r", since \d{4}-\d\d-\d\d": ", since 2026-10-01",
    r"\bledger-\d{4}-\d\d-\d\d\.db": "ledger-2026-11-28.db",
}
"""What is another thing each time, and what every page shows in its place."""

Varies = Mapping[str, str | Callable[[re.Match[str]], str]]
"""Patterns, and what a page shows in their place."""

NONE_MORE: Varies = MappingProxyType({})

HEADER = re.compile(r"[a-z]\w*( [a-z]+)*( {2,}[a-z]\w*( [a-z]+)*)+")
PROSE = ("sentence", "what was found", "proof")
"""Columns of sentences, as the commands name them to `print_table`."""

NAME = re.compile(r"\S+( \S+)*")


def as_shown(printed: str, folder: Path, varies: Varies = NONE_MORE) -> str:
    """What the page shows. `varies`: what is another thing each time on this page alone."""
    everything = {re.escape(str(folder)): FOLDER, **VARIES, **varies}
    lines = [line.rstrip() for line in printed.splitlines()]
    return "".join(f"{line.rstrip()}\n" for line in _on_a_terminal(lines, everything))


def _on_a_terminal(lines: list[str], varies: Varies) -> Iterator[str]:
    while lines:
        line, *lines = lines
        starts = [name.start() for name in NAME.finditer(line)] if HEADER.fullmatch(line) else []
        rows: list[list[str]] = []
        while starts and lines and _is_row(lines[0], starts):
            rows.append([_typical(cell, varies) for cell in _cells(lines[0], starts)])
            lines = lines[1:]
        if rows:
            yield from laid_out(_cells(line, starts), rows, COLUMNS, PROSE)
        else:
            shown = _typical(line, varies)
            indent = shown[: len(shown) - len(shown.lstrip())]
            yield from wrapped(shown, COLUMNS, f"{indent}  ")


def _is_row(line: str, starts: list[int]) -> bool:
    return bool(line.strip()) and all(line[start - 2 : start].strip() == "" for start in starts[1:])


def _cells(line: str, starts: list[int]) -> list[str]:
    return [line[start:end].rstrip() for start, end in zip(starts, [*starts[1:], None], strict=True)]


def _typical(text: str, varies: Varies) -> str:
    for pattern, instead in varies.items():
        text = re.sub(pattern, instead, text)
    return text
