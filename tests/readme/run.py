"""Runs the README: its first `sh` block, then every command of its `console` blocks, in a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from console_blocks import SECONDS, commands, differences, run  # noqa: E402

BLOCK = re.compile(r"^```(sh|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


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
        printed = run(session, copy, {**os.environ, "COLUMNS": "160"})
        for command, output in zip(session, printed, strict=False):
            print(f"$ {command.line}\n{output}", end="")
        failures = differences(session, printed, "README")
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{len(session) + 1 - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
