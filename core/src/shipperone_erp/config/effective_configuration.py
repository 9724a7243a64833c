"""The effective configuration, defaults included; secrets and values of environment variables are masked."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ByteSize, SecretStr

from shipperone_erp.config.interpolation import masked
from shipperone_erp.config.setting_types import size_words
from shipperone_erp.config.settings import NOT_IN_TOML, Configuration
from shipperone_erp.kernel.durations import words
from shipperone_erp.kernel.printable import json_document, one_line
from shipperone_erp.kernel.redaction import MASK, SHORTEST, without_passwords

Path = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def show(configuration: Configuration) -> str:
    """TOML text with every setting of every tenant, and no secret."""
    shown = _Shown(configuration.written, configuration.put_in)
    runtime = configuration.runtime
    out = [f"# {one_line(str(configuration.file))}", "[runtime]"]
    out += shown.lines(runtime, ("runtime",), {"page", "fleet", "alerts"})
    for part, is_shown in (
        ("page", runtime.http is not None),
        ("fleet", "fleet" in runtime.model_fields_set),
        ("alerts", runtime.alerts.wanted),
        ("limits", "limits" in runtime.model_fields_set),
    ):
        if is_shown:
            out += ["", f"[runtime.{part}]", *shown.lines(getattr(runtime, part), ("runtime", part))]
    for name, tenant in configuration.tenants.items():
        here = ("tenants", name)
        apart = {"fields", "charges"} if tenant.charges else {"fields"}
        out += ["", f"[{_dotted(here)}]", *shown.lines(tenant, here, NOT_IN_TOML | apart)]
        for below, table in (((), tenant.fields), *(((stage.value,), t) for stage, t in tenant.queue_fields.items())):
            if table:
                place = (*here, "fields", *below)
                out += ["", f"[{_dotted(place)}]", *shown.lines(table, place)]
        for index, charge in enumerate(tenant.charges):
            place = (*here, "charges")
            out += ["", f"[[{_dotted(place)}]]", *shown.lines(charge, (*place, str(index)))]
        for name_of_table, settings in ((tenant.connector, tenant.connector_settings), *tenant.policy_settings.items()):
            place = (*here, name_of_table)
            out += ["", f"[{_dotted(place)}]", *shown.lines(settings, place)]
    return "\n".join(out)


def toml(value: Any) -> str:
    """The value as TOML; a secret, and a password inside an address, are asterisks."""
    return _Shown().value(value, ())


@dataclass(frozen=True, slots=True)
class _Shown:
    """Renders values as TOML. A variable's value is masked by its path, and by its text at any other path."""

    written: Mapping[Path, str] = field(default_factory=dict)
    put_in: Collection[str] = ()

    def lines(self, table: BaseModel | Mapping[str, Any], here: Path, skip: Collection[str] = ()) -> list[str]:
        """A line for each setting of a table, except those to skip and those that are not set."""
        entries = _entries(table).items()
        return [
            f"{_key(key)} = {self.value(value, (*here, key))}"
            for key, value in entries
            if key not in skip and value is not None
        ]

    def value(self, value: Any, here: Path) -> str:
        """One value of any type, as TOML."""
        if isinstance(value, SecretStr):
            return f'"{MASK}"'
        if here in self.written and not isinstance(value, tuple | list | Mapping | BaseModel):
            return _text(masked(self.written[here]))
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, timedelta):
            return f'"{words(value)}"'
        if isinstance(value, ByteSize):
            return f'"{size_words(value)}"'
        if isinstance(value, int):
            return str(value)
        if isinstance(value, tuple | list):
            return f"[{', '.join(self.value(entry, (*here, str(n))) for n, entry in enumerate(value))}]"
        if isinstance(value, BaseModel | Mapping):
            return f"{{ {', '.join(self.lines(value, here))} }}"
        text = str(value)
        for secret in sorted(self.put_in, key=len, reverse=True):
            text = text.replace(secret, MASK) if len(secret) >= SHORTEST else text
        return _text(text)


def _entries(table: BaseModel | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(table, BaseModel):
        return {key: getattr(table, key) for key in type(table).model_fields}
    return {str(key): value for key, value in table.items()}


def _text(text: str) -> str:
    """A basic string. JSON's escapes are valid in TOML, except long code points and lone surrogates."""
    quoted = json.dumps(without_passwords(text).encode("utf-8", "replace").decode(), ensure_ascii=False)
    long = (f"\\U{ord(sign):08x}" if sign > "\uffff" and one_line(sign) != sign else sign for sign in quoted)
    return json_document("".join(long))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _dotted(path: Path) -> str:
    return ".".join(map(_key, path))
