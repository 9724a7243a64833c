"""Locates an error in the connector's own code, for the hint under a finding."""

import inspect
import traceback
from pathlib import PurePath
from typing import Any

from shipperone_erp.connector.api import Connector
from shipperone_erp.testing.kill_points import packages_of


def place_of(error: BaseException, found: type[Connector[Any]], hook: str | None) -> str | None:
    """The last line of the connector's code that raised it; else the line of the last hook called."""
    return raised_at(error, found) or (defined_at(found, hook) if hook else None)


def raised_at(error: BaseException, found: type[Connector[Any]]) -> str | None:
    """The last frame, in the traceback or those of its causes, within the connector's packages."""
    packages = packages_of(found)
    cause: BaseException | None = error
    seen: set[int] = set()
    place = None
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        for frame, line in traceback.walk_tb(cause.__traceback__):
            if str(frame.f_globals.get("__name__")).partition(".")[0] in packages:
                place = f"{_short(frame.f_code.co_filename, packages)}:{line}, in {frame.f_code.co_name}"
        cause = cause.__cause__ or cause.__context__
    return place


def defined_at(found: type[Connector[Any]], hook: str) -> str | None:
    """The first line of the hook in the connector's class."""
    member = inspect.unwrap(getattr(found, hook, None) or found)
    code = getattr(member, "__code__", None)
    if code is None or not isinstance(member.__module__, str) or member.__module__.startswith("shipperone_erp."):
        return None
    return f"{_short(code.co_filename, packages_of(found))}:{code.co_firstlineno}, in {hook}"


def _short(file: str, packages: frozenset[str]) -> str:
    """The path relative to the package."""
    parts = PurePath(file).parts
    for number, part in enumerate(parts[:-1]):
        if part in packages:
            return "/".join(parts[number:])
    return parts[-1]
