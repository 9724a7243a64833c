"""The TOML files of a configuration: the main file and those that it includes, parsed, with the line of every key."""

import glob
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from shipperone_erp.kernel.errors import ConfigurationError, Problem

Position = tuple[str | int, ...]
"""The path of a key, such as ("tenants", "acme", "fields", "sku"), or of an element: ("charges", 0)."""


@dataclass(frozen=True)
class Document:
    """One parsed file. Numbers with a fraction are `Decimal`, from their text."""

    file: Path
    values: dict[str, Any]
    text: str = field(repr=False)

    @cached_property
    def lines(self) -> dict[Position, int]:
        """The line of every key. Computed when the first problem is reported, since most files have none."""
        from shipperone_erp.config import toml_positions

        return toml_positions.lines(self.text)

    def problem(self, path: Position, cause: str, *, tenant: str | None = None, near: str | None = None) -> Problem:
        """A problem at that path, with the line of the innermost part of the path that is in this file."""
        key = ".".join(str(part) for part in path) or "the file"
        return Problem(str(self.file), nearest(self.lines, path), key, cause, near, tenant)


def parse(file: Path) -> Document:
    """The parsed file. ConfigurationError if it cannot be read or is not TOML."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        cause = "the file does not exist; `shipperone-erp init NAME --connector C` writes one"
        raise ConfigurationError((Problem(str(file), None, "the file", cause),)) from None
    except (OSError, UnicodeDecodeError) as error:
        cause = f"it cannot be read: {error.strerror if isinstance(error, OSError) else 'it is not UTF-8'}"
        raise ConfigurationError((Problem(str(file), None, "the file", cause),)) from None
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError((_syntax(file, text, error),)) from None
    return Document(file, values, text)


def included_files(folder: Path, pattern: str) -> list[Path]:
    """The files that a pattern of `include` names, sorted; a relative one is relative to the folder.

    Directories do not count.
    """
    found = glob.glob(pattern, root_dir=folder, recursive=True, include_hidden=True)
    return sorted(file for name in found if (file := folder / name).is_file())


def nearest(lines: Mapping[Position, int], path: Position) -> int | None:
    """The line of that path, or of the innermost table that contains it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def _syntax(file: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    sentence, _, place = str(error).partition(" (at ")
    line = len(text.splitlines())
    if place.startswith("line "):
        line = int(place.removeprefix("line ").split(",")[0])
    return Problem(str(file), line, "the file", f"this is not TOML: {sentence}")
