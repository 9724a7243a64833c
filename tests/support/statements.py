"""Counts the statements of core's code: `python tests/support/statements.py [COMMIT]`, the working tree or a commit.

The conformance kit, the sandbox, the demo and the scaffold are left out. A docstring is no statement.
"""

import ast
import io
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "core/src/shipperone_erp"
ASIDE = {"testing", "sandbox", "demo", "scaffold"}


def count(text: str) -> int:
    """The statements of a module; docstrings, and those of attributes, are none."""
    return sum(
        isinstance(node, ast.stmt)
        and not (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
        for node in ast.walk(ast.parse(text))
    )


def modules(commit: str | None) -> Iterator[tuple[str, str]]:
    """The path of each counted module below the package, and its text."""
    if commit is None:
        for file in sorted((ROOT / SOURCE).rglob("*.py")):
            yield file.relative_to(ROOT / SOURCE).as_posix(), file.read_text(encoding="utf-8")
        return
    packed = subprocess.run(["git", "archive", commit, SOURCE], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".py"):
                content = archive.extractfile(member)
                assert content is not None
                yield member.name.removeprefix(f"{SOURCE}/"), content.read().decode()


def main() -> None:
    counts: Counter[str] = Counter()
    for path, text in modules(sys.argv[1] if len(sys.argv) > 1 else None):
        package = path.split("/")[0] if "/" in path else "(root)"
        if package not in ASIDE:
            counts[package] += count(text)
    for package, statements in counts.most_common():
        print(f"{statements:7,}  {package}")
    print(f"{counts.total():7,}  together")


if __name__ == "__main__":
    main()
