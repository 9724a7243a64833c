"""Runs the README's first `sh` block, then every command of docs/tutorials/tour.md, in a copy of the checkout.

The picture of the demo is compared with what that block has printed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import pictures  # noqa: E402
from console_blocks import SECONDS, commands_of, differences, run  # noqa: E402
from places import page_file  # noqa: E402

SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
VARIES = {
    r"\bI-\d+\b": "I-23",
    r"\bnumber \d+": "number 23",
}
"""What is another thing in each run of the demo: which of forty orders comes first to its invoice."""


def main() -> int:
    shell = SHELL.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "checkout"
        ignored = shutil.ignore_patterns(
            ".git", ".venv*", ".nox", "__pycache__", ".*_cache", ".hypothesis", "build", "shipperone-demo"
        )
        shutil.copytree(ROOT, copy, ignore=ignored)
        print(f"+ {shell[0]}", end="", flush=True)
        demo = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", shell[0]], cwd=copy, timeout=SECONDS, check=True, text=True,
            stdout=subprocess.PIPE, env={**os.environ, "COLUMNS": "400"},
        )  # fmt: skip
        print(demo.stdout)
        session = commands_of(page_file("tour.md"))
        printed = run(session, copy, os.environ, VARIES)
        for command, output in zip(session, printed, strict=False):
            print(f"$ {command.line}\n{output}", end="")
        failures = differences(session, printed, "tour.md")
    unlike = pictures.is_of(pictures.FILE.read_text(encoding="utf-8"), demo.stdout)
    failures += [f"docs/demo.svg shows a line that the demo does not print: {line}" for line in unlike]
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{len(session) + 1 - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
