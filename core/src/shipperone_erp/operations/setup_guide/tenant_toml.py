"""The TOML of a new tenant, from the answers. Pure."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from shipperone_erp.config import TenantSettings
from shipperone_erp.config.editing import as_toml
from shipperone_erp.connector.secret import Secret
from shipperone_erp.connector.setup import SetupDone
from shipperone_erp.kernel.store_addresses import usual_spelling
from shipperone_erp.operations.inspect.results import Proposal

OWN = "own."
"""The prefix of the names of a connector's questions, among the answers."""

RUNTIME = '[runtime]\nledger = "sqlite:///shipperone-erp.db"   # or postgresql+psycopg://user@host/database\n\n'


def local_zone() -> str:
    """The name of this machine's time zone, if it has one."""
    place = Path("/etc/localtime")
    if zone := os.environ.get("TZ", "").lstrip(":"):
        return zone
    target = str(place.resolve()) if place.is_symlink() else ""
    return target.partition("zoneinfo/")[2].removeprefix("Etc/") or "UTC"


def document(
    settings: TenantSettings,
    go_live: str,
    proposal: Proposal,
    done: SetupDone,
    references: Mapping[str, Mapping[str, str]],
    answers: Mapping[str, Secret | str],
) -> str:
    """The tenant's tables; the connector's are the last."""
    by_value = {
        answer.get_secret_value(): references[short]
        for name, answer in answers.items()
        if isinstance(answer, Secret) and (short := name.removeprefix(OWN)) in references
    }
    table: dict[str, Any] = {"base_url": usual_spelling(settings.base_url)}
    if settings.allow_http:
        table["allow_http"] = True
    table |= {
        "store_code": settings.store_code,
        "token": _inline(references["token"]),
        "connector": settings.connector,
        **({"stages": [stage.value for stage in settings.stages]} if len(settings.stages) == 1 else {}),
        "timezone": settings.timezone,
        "go_live": go_live,
    }
    table |= {key: value for key, value in proposal.settings().items() if key != "timezone"}
    if not done.toml:
        table[settings.connector] = without_secrets(done.settings, by_value)
    text = _commented(as_toml(settings.name, table))
    return f"{text}\n\n{_at_secrets(done.toml, references)}" if done.toml else f"{text}\n"


def without_secrets(value: Any, references: Mapping[str, Mapping[str, str]]) -> Any:
    """The settings with each secret replaced by the reference to its place."""
    if isinstance(value, Secret):
        return _inline(references[value.get_secret_value()])
    if isinstance(value, Mapping):
        return {key: without_secrets(entry, references) for key, entry in value.items()}
    return [without_secrets(entry, references) for entry in value] if isinstance(value, list | tuple) else value


def _at_secrets(toml: str, references: Mapping[str, Mapping[str, str]]) -> str:
    """Replaces `secret:NAME` in a connector's own text by the reference to the secret NAME."""
    for name, reference in references.items():
        toml = toml.replace(f'"secret:{name}"', _inline(reference).as_string())
    return toml if toml.endswith("\n") else f"{toml}\n"


def _inline(reference: Mapping[str, str]) -> Any:
    ((kind, name),) = reference.items()
    return tomlkit.value(f"{{ {kind} = {tomlkit.item(name).as_string()} }}")


COMMENTED = ("store_code", "timezone", "go_live", "stages")


def _commented(text: str) -> str:
    """The tenant's own settings with comments."""
    lines = []
    table = ""
    for line in text.split("\n"):
        table = line if line.startswith("[") else table
        key = line.partition(" = ")[0]
        comment = TenantSettings.model_fields[key].description if key in COMMENTED and table.count(".") == 1 else None
        lines.append(f"{line}   # {comment}" if comment else line)
    return "\n".join(lines)
