"""The JSON schema of the file, for editors, with the settings of every installed connector and policy."""

from typing import Any

from shipperone_erp.config.settings import FIELD_NAMES, NOT_IN_TOML, RuntimeSettings, TenantSettings
from shipperone_erp.connector import discovery
from shipperone_erp.connector.api import ConnectorSettings, settings_type
from shipperone_erp.connector.installed import CONNECTORS, POLICIES, names
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import PluginRefused


def schema() -> dict[str, Any]:
    """A JSON schema (2020-12) of the whole file. The table of a connector that cannot be imported accepts any key."""
    tenant = TenantSettings.model_json_schema()
    definitions = tenant.pop("$defs", {})
    for key in NOT_IN_TOML:
        tenant["properties"].pop(key, None)
    places = {
        "type": "object",
        "propertyNames": {"enum": list(FIELD_NAMES)},
        "additionalProperties": {"type": "string"},
    }
    tenant["properties"]["fields"] = {
        "type": "object",
        "propertyNames": {"enum": [*FIELD_NAMES, *Stage]},
        "properties": dict.fromkeys(Stage, places),
        "additionalProperties": {"type": "string"},
    }
    for group, find in ((CONNECTORS, discovery.load_connector), (POLICIES, discovery.load_policy)):
        for name in names(group):
            try:
                table = _of(settings_type(find(name)), definitions)
            except PluginRefused as refused:
                table = {"type": "object", "description": str(refused)}
            tenant["properties"][name] = table
    tenant["required"] = []  # required settings of a tenant may be written in [defaults]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "shipperone-erp.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "runtime": _of(RuntimeSettings, definitions),
            "defaults": tenant,
            "tenants": {"type": "object", "additionalProperties": tenant},
        },
        "$defs": definitions,
    }


def _of(model: type[ConnectorSettings] | type[RuntimeSettings], definitions: dict[str, Any]) -> dict[str, Any]:
    found = model.model_json_schema()
    definitions.update(found.pop("$defs", {}))
    return found
