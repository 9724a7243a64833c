"""Writes the package by copier, which is an extra of core, since only authors of connectors need it."""

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from shipperone_erp.kernel.errors import UsageError

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST = 30
"""The longest name for which the generated lines stay within the package's own limit."""


@dataclass(frozen=True, slots=True)
class Made:
    """A generated package: its folder, and its names."""

    folder: Path
    package: str
    connector: str


def make(name: str, folder: Path | None = None, answers: Mapping[str, Any] | None = None, *, ask: bool = False) -> Made:
    """Write the package of a connector of that name. UsageError, with nothing written, if that is not possible.

    `answers` are given answers to the template's questions; other questions are asked, or use their defaults.
    """
    if not NAME.fullmatch(name) or len(name) > LONGEST or keyword.iskeyword(name):
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_").lstrip("0123456789_")
        hint = f"; try {near}" if NAME.fullmatch(near) and len(near) <= LONGEST and near != name else ""
        rule = f"small letters, digits, single underscores, at most {LONGEST}"
        raise UsageError(f"{name} is no name for a connector: {rule}{hint}")
    folder = folder if folder is not None else Path(f"shipperone-erp-{name.replace('_', '-')}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already and is not empty; name another with --into")
    try:
        from copier import run_copy
        from copier.errors import CopierAnswersInterrupt
    except ImportError:
        raise UsageError("the scaffold needs copier: pip install 'shipperone-erp[scaffold]'") from None
    package = f"shipperone_erp_{name}"
    names = {
        "name": name,
        "package": package,
        "distribution": package.replace("_", "-"),
        "camel": "".join(word.capitalize() for word in name.split("_")),
        "year": datetime.now(UTC).year,
    }
    try:
        with as_file(files(__package__) / "template") as template:
            run_copy(str(template), folder, data={**names, **(answers or {})}, defaults=not ask, quiet=True)
    except CopierAnswersInterrupt:
        raise UsageError("the questions were not answered; nothing was written") from None
    return Made(folder, package, name)
