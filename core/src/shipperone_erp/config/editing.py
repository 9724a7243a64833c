"""Changes single settings of a tenant in its file; everything else stays unchanged, comments included."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.items import AoT, InlineTable, Table

from shipperone_erp.config.toml_files import parse
from shipperone_erp.kernel.errors import ConfigurationError, Problem

Changes = Mapping[str, Any]
"""New values by setting: a text, a table of tables, or a list of tables to append."""


def as_toml(tenant: str, changes: Changes) -> str:
    """The settings as TOML to paste into a file."""
    document = tomlkit.document()
    tenants = tomlkit.table(is_super_table=True)
    table = tomlkit.table()
    _put(table, changes)
    tenants.add(tenant, table)
    document.add("tenants", tenants)
    return tomlkit.dumps(document).strip()


def write_changes(files: Sequence[Path], tenant: str, changes: Changes) -> Path:
    """Write the settings into the file that contains the tenant; the file is replaced atomically.

    ConfigurationError if no file contains it, or if it is not a table.
    """
    for file in files:
        home = parse(file)
        if tenant in home.values.get("tenants", {}):
            document = tomlkit.parse(file.read_text(encoding="utf-8"))
            table = document["tenants"][tenant]
            if not isinstance(table, Table | Container | dict):
                problem = home.problem(("tenants", tenant), "write a table: [tenants.NAME]", tenant=tenant)
                raise ConfigurationError((problem,))
            _put(table, changes)
            _replace(file, tomlkit.dumps(document))
            return file
    raise ConfigurationError((Problem(str(files[0]), None, f"tenants.{tenant}", "no file contains this tenant"),))


def _put(table: Any, changes: Changes) -> None:
    for key, value in changes.items():
        if _plain(value):
            table[key] = _item(value)
    for key, value in changes.items():
        if _plain(value):
            continue
        if isinstance(value, Mapping):
            inner = table.get(key)
            if inner is None:
                # a table that contains only tables needs no header
                table[key] = tomlkit.table(is_super_table=all(isinstance(each, Mapping) for each in value.values()))
                inner = table[key]
            _put(inner, value)
        else:
            if not isinstance(table.get(key), AoT):
                before = list(table.get(key, ()))
                table[key] = tomlkit.aot()
                value = [*before, *value]
            for entry in value:
                added = tomlkit.table()
                _put(added, entry)
                table[key].append(added)


def _item(value: Any) -> Any:
    """The value as a TOML item: a decimal with its own digits, a list without its Nones."""
    if isinstance(value, Decimal):
        digits = f"{value.normalize():f}" if value == value.to_integral_value() else f"{value:f}"
        return tomlkit.value(digits)
    if isinstance(value, PurePath):
        return str(value)
    return [_item(entry) for entry in value if entry is not None] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> bool:
    """Whether it is written on the line of its key: neither a table nor a list of tables."""
    if isinstance(value, list | tuple):
        return not any(isinstance(entry, Mapping) for entry in value)
    return isinstance(value, InlineTable) or not isinstance(value, Mapping)


def _replace(file: Path, text: str) -> None:
    """Replace the file and keep its mode. A reader sees either the old text or the new one, never a part."""
    mode = file.stat().st_mode & 0o777
    descriptor, name = tempfile.mkstemp(dir=file.resolve().parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
        Path(name).chmod(mode)
        Path(name).replace(file.resolve())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
