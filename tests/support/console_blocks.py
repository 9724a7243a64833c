"""The `console` blocks of a page: each `$ command` with what it prints, run in one shell and compared.

What a command prints (stdout and stderr together) must be what stands below it, as `console_pages` shows it; a line `...`
stands for any lines. With REWRITE_DOCS=1 in the environment what was printed is written into the page instead.
"""

import itertools
import os
import re
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from console_pages import NONE_MORE, Varies, as_shown
from places import page_file

SECONDS = 600
MARK = "----- end of a command -----"
BLOCK = re.compile(r"^( *)```console\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """A command as a page shows it, and what stands below it."""

    line: str
    output: str


def commands(block: str) -> list[Command]:
    """Those of one block, in their sequence. ValueError if it begins with something else."""
    found: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:], ""))
        elif found:
            found[-1] = Command(found[-1].line, f"{found[-1].output}{line}\n")
        else:
            raise ValueError(f"a console block begins with a command, not with {line!r}")
    return found


def commands_of(page: Path) -> list[Command]:
    """Those of all blocks of a page, also of blocks that are indented below an item of a list."""
    return [command for block in blocks_of(page.read_text(encoding="utf-8")) for command in commands(block)]


def blocks_of(text: str) -> list[str]:
    """The text of each block, without its indent."""
    return [_without(indent, block) for indent, block in BLOCK.findall(text)]


def run(
    session: Sequence[Command], folder: Path, environment: Mapping[str, str], varies: Varies = NONE_MORE
) -> list[str]:
    """What a page shows of what each command printed, all in one shell, so that what one exports the next one has.

    Fewer if the shell broke off.
    """
    return [as_shown(printed, folder, varies) for printed, _ in timed(session, folder, environment)]


def timed(session: Sequence[Command], folder: Path, environment: Mapping[str, str]) -> list[tuple[str, float]]:
    """What each command printed, to the letter, and the seconds that it took."""
    script = "\n".join(f"{command.line}\necho '{MARK}' $EPOCHREALTIME" for command in session)
    begun = f"echo '{MARK}' $EPOCHREALTIME\n"
    done = subprocess.run(
        ["bash", "-c", begun + script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=SECONDS, env={**environment, "LC_NUMERIC": "C"}, check=False,
    )  # fmt: skip
    _, *parts = re.split(f"{MARK} ([0-9.]+)\n", done.stdout)
    times = [float(moment) for moment in parts[::2]]
    return list(zip(parts[1::2], (after - before for before, after in itertools.pairwise(times)), strict=False))


def differences(session: Sequence[Command], printed: Sequence[str], page: str, below: str = "") -> list[str]:
    """What the page says otherwise than it was printed, each with both sides; none once it was rewritten."""
    if os.environ.get("REWRITE_DOCS"):
        rewrite(page_file(page), session, printed, below)
        session = [Command(command.line, got) for command, got in zip(session, printed, strict=False)]
    found = [
        f"$ {command.line}\n--- {page} says:\n{command.output}--- it printed:\n{got}"
        for command, got in zip(session, printed, strict=False)
        if not agrees(command, got)
    ]
    if len(printed) < len(session):
        found.append(f"only {len(printed)} of {len(session)} commands came to their end")
    return found


def agrees(command: Command, shown: str) -> bool:
    """It printed what the page says; `...` stands for whole lines alone."""
    parts = re.split(r"(?m)^\.\.\.\n", command.output)
    return re.fullmatch(r"(?:.*\n)*".join(map(re.escape, parts)), shown) is not None


def rewrite(page: Path, session: Sequence[Command], printed: Sequence[str], below: str = "") -> None:
    """Put what the commands of the session printed into its blocks, which stand below that line of the page."""
    before, line, after = (
        page.read_text(encoding="utf-8").partition(below) if below else ("", "", page.read_text("utf-8"))
    )
    left = list(zip(session, printed, strict=False))

    def anew(block: re.Match[str]) -> str:
        shown = commands(_without(block[1], block[2]))
        places = range(len(left) - len(shown) + 1)
        at = next((n for n in places if [command for command, _ in left[n : n + len(shown)]] == shown), None)
        if at is None:
            return block[0]
        pairs = left[at : at + len(shown)]
        text = "".join(f"$ {one.line}\n{one.output if agrees(one, got) else got}" for one, got in pairs)
        del left[: at + len(shown)]
        return f"{block[1]}```console\n{textwrap.indent(text, block[1])}{block[1]}```"

    page.write_text(f"{before}{line}{BLOCK.sub(anew, after)}", encoding="utf-8")


def _without(indent: str, block: str) -> str:
    return "".join(f"{line.removeprefix(indent)}\n" for line in block.splitlines())
