"""docs/tutorials/tutorial.md as an author follows it: its files, its changes and its commands, by section; and how long it takes.

python tests/support/tutorial.py          types all of it, and prints the time of each section
"""

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import author
import console_blocks
from console_blocks import Command
from console_pages import as_shown
from places import page_file

PAGE = page_file("tutorial.md")
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROJECT = "shipperone-erp-acme"
TO_AUSTRIA = cycle(("FO-000003", "FO-000004", "FO-000008"))
VARIES: dict[str, str | Callable[[re.Match[str]], str]] = {
    r"\bFO-00000[348]\b": lambda _: next(TO_AUSTRIA),  # in which sequence they were held
    r"\bin \d+\.\d\ds( \(\d:\d\d:\d\d\))?": "in 4.87s",
    r"^\d+ passed, \d+ skipped in": "87 passed, 4 skipped in",
    r"\bI-\d+\b": "I-5",
    r"\bnumber \d+": "number 5",
}
"""What is another thing each time on this page."""

WORDS_A_MINUTE = 200
SIGNS_A_MINUTE = 100
"""How fast one reads prose, and types code and commands."""


@dataclass(frozen=True)
class Section:
    """A part of the page: its heading, its text, what is typed."""

    title: str
    text: str
    typed: tuple[Command, ...]

    @property
    def words(self) -> int:
        """Of the prose."""
        return len(BLOCK.sub("", self.text).split())

    @property
    def signs(self) -> int:
        """That an author types: commands, files, the changed lines of a change."""
        return sum(len(_typed(*block)) for block in BLOCK.findall(self.text))

    def minutes(self, seconds: float) -> float:
        """Of an author, for whom the machine works so many seconds."""
        return self.words / WORDS_A_MINUTE + self.signs / SIGNS_A_MINUTE + seconds / 60


def sections(project: Path) -> Iterator[Section]:
    """Those in which something is typed. A file or a change that the page shows is a command that makes it."""
    _, *parts = SECTION.split(PAGE.read_text(encoding="utf-8"))
    for number, (title, text) in enumerate(zip(parts[::2], parts[1::2], strict=True)):
        typed = [command for kind, block in BLOCK.findall(text) for command in _commands(kind, block, project, number)]
        if typed:
            yield Section(title, text, tuple(typed))


def _commands(kind: str, block: str, project: Path, section: int) -> list[Command]:
    if kind == "console":
        return console_blocks.commands(block)
    head, text = block.split("\n", 1)
    path = project / head.split()[1]
    made = project.parent / f"block-{section}-{abs(hash(block))}"
    made.write_text(text, encoding="utf-8")
    if kind == "python":
        return [Command(f"cp {made} {path}", "")]
    if kind == "diff":
        return [Command(f"python {Path(__file__).with_name('docs_patch.py')} {made} {path}", "")]
    raise AssertionError(f"a block of the kind {kind} is not run")


def _typed(kind: str, block: str) -> str:
    if kind == "console":
        return "\n".join(command.line for command in console_blocks.commands(block))
    lines = block.splitlines()[1:]
    return "\n".join(line[1:] for line in lines if line[0] in "+-") if kind == "diff" else "\n".join(lines)


def environment(commands: Path) -> dict[str, str]:
    """With the author's commands."""
    return {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}


def main() -> int:
    """Types the page; 1 if something else was printed than it says."""
    with tempfile.TemporaryDirectory(prefix="tutorial-") as place:
        folder = Path(place)
        parts = list(sections(folder / PROJECT))
        typed = [command for section in parts for command in section.typed]
        done = console_blocks.timed(typed, folder, environment(author.made(folder / "environment")))
        printed = [as_shown(printed, folder, VARIES) for printed, _ in done]
        wrong = console_blocks.differences(typed, printed, PAGE.name)
    seconds = [took for _, took in done] + [0.0] * (len(typed) - len(done))
    print("| section | commands | seconds of the machine | words | signs typed | minutes |\n|---|---|---|---|---|---|")
    lines, first = [], 0
    for section in parts:
        took = sum(seconds[first : first + len(section.typed)])
        first += len(section.typed)
        lines.append((len(section.typed), took, section.words, section.signs, section.minutes(took)))
        print(_line(section.title, *lines[-1]))
    print(_line("together", *(sum(column) for column in zip(*lines, strict=True))))
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


def _line(title: str, commands: float, seconds: float, words: float, signs: float, minutes: float) -> str:
    return f"| {title} | {commands} | {seconds:.1f} | {words} | {signs} | {minutes:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
