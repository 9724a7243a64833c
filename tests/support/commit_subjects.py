"""Refuse commit subjects that are longer than 72 characters.

python tests/support/commit_subjects.py --message FILE    the message of a commit that is being made
python tests/support/commit_subjects.py                   every commit after BASE, merges left out
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

LONGEST = 72
BASE = "e1e590c"
"""Subjects of this commit and of earlier ones are not checked."""


def too_long(subjects: Iterable[str]) -> list[str]:
    """Those that are longer than LONGEST characters."""
    return [subject for subject in subjects if len(subject) > LONGEST]


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--message"]:
        subjects = Path(arguments[1]).read_text(encoding="utf-8").splitlines()[:1]
    else:
        log = subprocess.run(
            ["git", "log", "--no-merges", "--format=%s", f"{BASE}..HEAD"], capture_output=True, text=True, check=False
        )
        if log.returncode:
            print(f"not checked: {log.stderr.strip()}")  # a copy without history
            return 0
        subjects = log.stdout.splitlines()
    for subject in (found := too_long(subjects)):
        print(f"{len(subject)} characters, at most {LONGEST}: {subject}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
