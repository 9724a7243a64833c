"""Writes the guide's results: the secrets, then the TOML, which is checked before it replaces the file."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from shipperone_erp.config import load
from shipperone_erp.config.toml_files import parse
from shipperone_erp.kernel import private_files
from shipperone_erp.kernel.errors import ConfigurationError, UsageError
from shipperone_erp.operations.setup_guide.questions import Finished
from shipperone_erp.operations.setup_guide.tenant_toml import RUNTIME


def tenants_in(file: Path) -> list[str]:
    """The tenants of an existing configuration; empty without a file. ConfigurationError if it is invalid."""
    return list(parse(file).values.get("tenants", {})) if file.exists() else []


def write(finished: Finished, file: Path, environment: Mapping[str, str]) -> list[Path]:
    """Write the secrets' files and the TOML; an existing file gets the tenant at its end. Returns the written files.

    ConfigurationError or UsageError, and nothing is written, if the whole would not load.
    """
    before = file.read_text(encoding="utf-8").rstrip("\n") + "\n\n" if file.exists() else RUNTIME
    mode = file.stat().st_mode & 0o777 if file.exists() else private_files.MODE
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        secrets = finished.kept.write()
    except ValueError as error:
        raise UsageError(f"{error}; nothing was written") from None
    descriptor, name = tempfile.mkstemp(dir=file.resolve().parent, prefix=f".{file.name}.")
    made = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(before + finished.text)
        _check(made, file, {**environment, **finished.kept.environment()})
        made.chmod(mode)
        made.replace(file.resolve())
    except BaseException:
        for one in (*secrets, made):
            one.unlink(missing_ok=True)
        raise
    return [*secrets, file]


def _check(made: Path, file: Path, environment: Mapping[str, str]) -> None:
    """Check that the text loads under the name of its final file."""
    try:
        load(made, environment=environment)
    except ConfigurationError as error:
        named = (replace(found, file=str(file)) if found.file == str(made) else found for found in error.problems)
        raise ConfigurationError(tuple(named)) from None
