"""Finds secrets written in the TOML itself, where every reader of the file can see them."""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from shipperone_erp.config.interpolation import Path
from shipperone_erp.connector.secret import Secret
from shipperone_erp.kernel.redaction import passwords_in

REFERENCE = '{ env = "NAME" }, { file = "path" } or { credential = "name" }'
AS_SECRET = f"a secret in plain text; use {REFERENCE}"
IN_ADDRESS = "a password in plain text inside an address; use ${NAME} in its place, from the environment"


def plain_secrets(model: type[BaseModel], table: Any) -> Iterator[tuple[Path, str]]:
    """The places in a table of this model that hold a text instead of a reference to a secret, with the text."""
    if not isinstance(table, dict):
        return
    for key, kind in _places(model):
        if key not in table:
            continue
        if issubclass(kind, Secret):
            yield from _texts((key,), table[key])
        else:
            for path, inner in _tables((key,), table[key]):
                yield from (((*path, *below), text) for below, text in plain_secrets(kind, inner))


def plain_passwords(table: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """The places, at any depth of a table, that hold an address with a password, with the password."""
    if isinstance(table, dict | list):
        for key, entry in table.items() if isinstance(table, dict) else enumerate(table):
            yield from plain_passwords(entry, (*path, key))
    elif isinstance(table, str):
        yield from ((path, password) for password in passwords_in(table))


@cache
def _places(model: type[BaseModel]) -> tuple[tuple[str, type[BaseModel] | type[Secret]], ...]:
    """The model's keys that hold a secret, or a model that may contain one. Computed once for all tenants."""
    return tuple(
        (key, kind)
        for key, field in model.model_fields.items()
        for kind in _kinds(field.annotation)
        if issubclass(kind, Secret | BaseModel)
    )


def _kinds(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for argument in get_args(annotation):
        yield from _kinds(argument)


def _texts(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _texts((*path, number), entry)


def _tables(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """The table at that path, or each table of a list or of a table of tables."""
    yield path, value
    if isinstance(value, dict | list):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key), entry
