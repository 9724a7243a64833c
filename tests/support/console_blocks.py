"""The `console` blocks of a page: each `$ command` with what it prints, run in one shell and compared.

What a command prints (stdout and stderr together) must be what stands below it; `...` stands for anything.
"""

import doctest
import itertools
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 600
MARK = "----- end of a command -----"


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


def run(session: Sequence[Command], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What each command printed, all in one shell, so that what one exports the next one has; fewer if it broke off."""
    return [printed for printed, _ in timed(session, folder, environment)]


def timed(session: Sequence[Command], folder: Path, environment: Mapping[str, str]) -> list[tuple[str, float]]:
    """As `run`, each with the seconds that the command took."""
    script = "\n".join(f"{command.line}\necho '{MARK}' $EPOCHREALTIME" for command in session)
    begun = f"echo '{MARK}' $EPOCHREALTIME\n"
    done = subprocess.run(
        ["bash", "-c", begun + script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=SECONDS, env={**environment, "LC_NUMERIC": "C"}, check=False,
    )  # fmt: skip
    _, *parts = re.split(f"{MARK} ([0-9.]+)\n", done.stdout)
    times = [float(moment) for moment in parts[::2]]
    return list(zip(parts[1::2], (after - before for before, after in itertools.pairwise(times)), strict=False))


def differences(session: Sequence[Command], printed: Sequence[str], page: str) -> list[str]:
    """What the page says otherwise than it was printed, each with both sides."""
    found = [
        f"$ {command.line}\n--- {page} says:\n{tidy(command.output)}--- it printed:\n{tidy(got)}"
        for command, got in zip(session, printed, strict=False)
        if not agrees(command, got)
    ]
    if len(printed) < len(session):
        found.append(f"only {len(printed)} of {len(session)} commands came to their end")
    return found


def agrees(command: Command, printed: str) -> bool:
    """It printed what the page says, but for what is another thing each time and the width of columns."""
    return doctest.OutputChecker().check_output(settled(command.output), settled(printed), doctest.ELLIPSIS)


VARIES = {
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z": "2026-11-28T09:14:02.318Z",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ": "2026-11-28T09:14:02Z",
    r"\b([ai]-[A-Za-z0-9]+-[A-Za-z0-9]+?-)[a-z2-7]{16,}": r"\1q4m7x2kd5hzt3wnb",
    r"process \d+ on [\w-]+(\.[\w-]+)*( since \S+ \S+ UTC)?": "process 4711 on erp-1",
    r"(?m)^\d\d:\d\d:\d\d ": "09:14:02 ",
    r"\d+ MiB": "76012 MiB",
    r"127\.0\.0\.1:\d+": "127.0.0.1:8650",
}
"""What is another thing each time, and what a page shows in its place."""


def typical(text: str) -> str:
    """The text with what varies as a page shows it."""
    for pattern, instead in VARIES.items():
        text = re.sub(pattern, instead, text)
    return text


def settled(text: str) -> str:
    """The text as two of them are compared: what varies as a page shows it, columns two spaces apart."""
    return re.sub(r"(?<=\S) {2,}", "  ", typical(tidy(text)))


def tidy(text: str) -> str:
    """Without spaces at the ends of lines."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
