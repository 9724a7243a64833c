"""Replaces `${VAR}` inside strings after the TOML is parsed; `$${` is a plain `${`."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from shipperone_erp.kernel.redaction import MASK

Path = tuple[str | int, ...]

_PLACE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def interpolate(
    value: Any,
    environment: Mapping[str, str],
    *,
    missing: Callable[[Path, str], None],
    used: Callable[[Path, str, str], None],
    path: Path = (),
) -> Any:
    """The value with its variables replaced.

    For each variable `used` receives the path, the original text and the variable's value. For one that is not set,
    `missing` receives the path and the name.
    """
    if isinstance(value, dict):
        return {
            key: interpolate(entry, environment, missing=missing, used=used, path=(*path, key))
            for key, entry in value.items()
        }
    if isinstance(value, list):
        return [
            interpolate(entry, environment, missing=missing, used=used, path=(*path, number))
            for number, entry in enumerate(value)
        ]
    if not isinstance(value, str):
        return value

    def put_in(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "${"
        if name not in environment:
            missing(path, name)
            return ""
        used(path, value, environment[name])
        return environment[name]

    return _PLACE.sub(put_in, value)


def masked(text: str) -> str:
    """The text as written, with asterisks in place of each variable."""
    return _PLACE.sub(lambda found: "${" if found[1] is None else MASK, text)
