"""Runs the README: its first `sh` block, then every command of its `console` blocks, in a copy of the checkout.

What a command prints (stdout and stderr together) must be what stands below it; `...` stands for anything.
"""

import doctest
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(sh|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SECONDS = 600


def commands(block: str) -> list[tuple[str, str]]:
    """Each `$ command` with the output that stands below it."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            command, output = found[-1]
            found[-1] = (command, f"{output}{line}\n")
    return found


def tidy(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def check(session: list[tuple[str, str]], folder: Path) -> list[str]:
    """The commands in one shell, so that what one exports the next one has; what differs."""
    mark = "----- readme -----"
    script = "\n".join(f"{command}\necho '{mark}'" for command, _ in session)
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=SECONDS, env={**os.environ, "COLUMNS": "160"}, check=False,
    )  # fmt: skip
    outputs = done.stdout.split(f"{mark}\n")
    checker = doctest.OutputChecker()
    failures = []
    for (command, wanted), got in zip(session, outputs, strict=False):
        print(f"$ {command}\n{got}", end="")
        if not checker.check_output(tidy(wanted), tidy(got), doctest.ELLIPSIS):
            failures.append(f"$ {command}\n--- README says:\n{tidy(wanted)}--- it printed:\n{tidy(got)}")
    if len(outputs) <= len(session):
        failures.append(f"only {len(outputs) - 1} of {len(session)} commands came to their end")
    return failures


def main() -> int:
    blocks = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    shell = [text for kind, text in blocks if kind == "sh"]
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "checkout"
        ignored = shutil.ignore_patterns(".git", ".venv*", ".nox", "__pycache__", ".*_cache", "shipperone-demo")
        shutil.copytree(ROOT, copy, ignore=ignored)
        print(f"+ {shell[0]}", end="", flush=True)
        subprocess.run(["bash", "-euo", "pipefail", "-c", shell[0]], cwd=copy, timeout=SECONDS, check=True)
        session = [entry for kind, text in blocks if kind == "console" for entry in commands(text)]
        failures = check(session, copy)
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{len(session) + 1 - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
