"""Makes a change that a page shows: python docs_patch.py CHANGE FILE. Lines begin with a blank, a minus or a plus."""

import sys
from pathlib import Path


def change(shown: str, text: str) -> str:
    """The text with what the change adds, and without what it takes away; its other lines must stand there once."""
    lines = shown.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    if text.count(before) != 1:
        raise SystemExit(f"these lines stand there {text.count(before)} times:\n{before}")
    return text.replace(before, after)


if __name__ == "__main__":
    file = Path(sys.argv[2])
    file.write_text(change(Path(sys.argv[1]).read_text(encoding="utf-8"), file.read_text(encoding="utf-8")))
