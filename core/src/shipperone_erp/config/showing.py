"""The configuration as it takes effect, defaults included, secrets and what variables put in masked."""

from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ByteSize, SecretStr

from shipperone_erp.config.durations import words
from shipperone_erp.config.interpolation import masked
from shipperone_erp.config.settings import NOT_IN_TOML, Configuration
from shipperone_erp.config.sizes import size_words
from shipperone_erp.redaction import MASK, without_passwords


def show(configuration: Configuration) -> str:
    """TOML text; what reads it sees every setting of every tenant, and no secret."""
    out = [f"# {configuration.file}", "[runtime]"]
    out += _lines(configuration.runtime, configuration, ("runtime",), frozenset())
    for name, tenant in configuration.tenants.items():
        out += ["", f"[tenants.{name}]"]
        out += _lines(
            tenant,
            configuration,
            ("tenants", name),
            NOT_IN_TOML | ({"fields", "charges"} if tenant.charges else {"fields"}),
        )
        if tenant.fields:
            out += ["", f"[tenants.{name}.fields]", *(f"{key} = {toml(place)}" for key, place in tenant.fields.items())]
        for index, charge in enumerate(tenant.charges):
            out += ["", f"[[tenants.{name}.charges]]"]
            out += _lines(charge, configuration, ("tenants", name, "charges", str(index)), frozenset())
        for table, settings in ((tenant.connector, tenant.connector_settings), *tenant.policy_settings.items()):
            out += ["", f"[tenants.{name}.{table}]"]
            out += _lines(settings, configuration, ("tenants", name, table), frozenset())
    return "\n".join(out)


def _lines(model: BaseModel, configuration: Configuration, here: tuple[str, ...], skip: frozenset[str]) -> list[str]:
    lines = []
    for key in type(model).model_fields:
        value = getattr(model, key)
        if key in skip or value is None:
            continue
        written = configuration.written.get((*here, key))
        lines.append(f"{key} = {toml(masked(written) if written is not None else value)}")
    return lines


def toml(value: Any) -> str:
    """The value as TOML writes it; a secret, and a password inside an address, as asterisks."""
    if isinstance(value, SecretStr):
        return f'"{MASK}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f'"{words(value)}"'
    if isinstance(value, ByteSize):
        return f'"{size_words(value)}"'
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(toml(entry) for entry in value)}]"
    if isinstance(value, BaseModel):
        return toml({key: getattr(value, key) for key in type(value).model_fields})
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml(entry)}' for key, entry in value.items() if entry is not None)} }}"
    text = without_passwords(str(value)).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
