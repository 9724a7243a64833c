"""Loads the settings of one tenant: its table, the defaults, its connector and its policies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shipperone_erp.config.conflicts import too_generous, unmet, without_effect
from shipperone_erp.config.load_report import LoadReport
from shipperone_erp.config.plaintext_secrets import AS_SECRET, IN_ADDRESS, plain_passwords, plain_secrets
from shipperone_erp.config.secret_sources import SecretPlaces
from shipperone_erp.config.settings import (
    FIELD_NAMES,
    NOT_IN_TOML,
    TENANT_KEYS,
    TenantSettings,
)
from shipperone_erp.config.toml_files import Document
from shipperone_erp.config.validation_errors import Fault, faults, nearest
from shipperone_erp.connector import capabilities, discovery, plugin_checks
from shipperone_erp.connector.api import ConnectorSettings, NoSettings, settings_type
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import PluginRefused
from shipperone_erp.kernel.printable import label
from shipperone_erp.kernel.redaction import Redaction

NEEDED = {Stage.ALLOCATION: ("reserve_stock",), Stage.INVOICE: ("build_invoice",)}


class TenantLoader:
    """Loads tenants of one configuration; every problem is added to the report."""

    def __init__(self, main: Document, report: LoadReport) -> None:
        self._main = main
        self._report = report
        self.secret_files: set[Path] = set()
        self._refused: dict[tuple[str, str], str] = {}

    def merged(self, name: str, home: Document) -> dict[str, Any]:
        """The tenant's settings as written, with `[defaults]` under them."""
        return {**self._main.values.get("defaults", {}), **home.values["tenants"][name]}

    def load(self, name: str, home: Document) -> TenantSettings | None:
        """The settings of the tenant that this file defines; None if a setting is invalid."""
        here = ("tenants", name)
        own = home.values["tenants"][name]
        defaults = self._main.values.get("defaults", {})
        merged = self.merged(name, home)

        def place(path: tuple[str | int, ...]) -> tuple[Document, tuple[str | int, ...]]:
            if path and path[0] not in own and path[0] in defaults:
                return self._main, ("defaults", *path)
            return home, (*here, *path)

        def fault(found: Fault, below: tuple[str | int, ...] = ()) -> None:
            document, path = place((*below, *found.path))
            redact.add(secrets.values)
            cause = redact(found.cause)  # the message of a plug-in's validator may contain a secret
            problem = document.problem(path, cause, tenant=name if found.secret else None, near=found.near)
            (self._report.of_tenants if found.secret else self._report.problems).append(problem)

        secrets = SecretPlaces(home.file.parent, self._report.environment)
        raw = self._report.filled_in(home, here, merged, name)
        redact = Redaction(secret for _, secret in (*plain_passwords(raw), *plain_secrets(TenantSettings, raw)))
        models: dict[str, type[ConnectorSettings]] = {}
        context = {"secrets": secrets, "base": home.file.parent}
        policies = [policy for policy in _listed(raw, "policies") if isinstance(policy, str)]
        connector = raw.get("connector") if isinstance(raw.get("connector"), str) else None
        tables = {key: raw.pop(key) for key in list(raw) if key in (connector, *policies) and key not in TENANT_KEYS}
        fields = raw.get("fields")
        queue_fields = {}
        if isinstance(fields, dict):
            queue_fields = {stage: fields[stage] for stage in Stage if isinstance(fields.get(stage), dict)}
            raw["fields"] = {key: place for key, place in fields.items() if key not in queue_fields}
            for stage, table in ((None, raw["fields"]), *queue_fields.items()):
                for key in [key for key in table if key not in FIELD_NAMES]:
                    where = ("fields", key) if stage is None else ("fields", stage.value, key)
                    fault(Fault(where, "there is no such field", nearest(key, FIELD_NAMES), False))
                for key, path in table.items():
                    if isinstance(path, str) and not all(path.split(".")):
                        where = ("fields", key) if stage is None else ("fields", stage.value, key)
                        fault(Fault(where, "write a key of the order, or a path such as totals.shipping", None, False))
        for key in [key for key in raw if key in NOT_IN_TOML]:
            fault(Fault((key,), "unknown setting", None, False))
        for index, key, value in _repeated_charges(raw.get("charges")):
            cause = f"an earlier charge has the {key} {label(value)} already; its amount would be counted twice"
            fault(Fault(("charges", index, key), cause, None, False))

        connector_settings: ConnectorSettings = NoSettings()
        declared = capabilities.ALL
        if connector is not None:
            plugin = self._plugin(name, "connector", connector, home, here)
            if plugin is not None:
                declared = capabilities.read(plugin.capabilities)
                self._offers(name, home, here, connector, plugin, raw)
                models[connector] = settings_type(plugin)
                redact.add(secret for _, secret in plain_secrets(models[connector], tables.get(connector)))
                connector_settings = self._settings(models[connector], tables, context, connector, fault)
        policy_settings: dict[str, ConnectorSettings] = {}
        for policy in policies:
            found = self._plugin(name, "policies", policy, home, here)
            if found is not None:
                models[policy] = settings_type(found)
                redact.add(secret for _, secret in plain_secrets(models[policy], tables.get(policy)))
                policy_settings[policy] = self._settings(models[policy], tables, context, policy, fault)

        settings = None
        known = [*TENANT_KEYS, *(key for key in (connector, *policies) if key)]
        values = {**raw, "name": name, "connector_settings": connector_settings, "policy_settings": policy_settings}
        values |= {"queue_fields": queue_fields} if queue_fields else {}
        try:
            settings = TenantSettings.model_validate(values, context=context)
        except ValidationError as error:
            for found_fault in faults(error, TenantSettings, known):
                first, *rest = found_fault.path or ("",)
                fault(found_fault._replace(path=("fields", *rest)) if first == "queue_fields" else found_fault)
        for path, cause in (*without_effect(settings, own), *too_generous(settings)) if settings is not None else ():
            self._report.warn(*place(path), cause, name)
        for path, cause in unmet(settings, declared) if settings is not None else ():
            document, at = place(path)
            self._report.of_tenants.append(document.problem(at, cause, tenant=name))
        self.secret_files |= secrets.files
        for at, cause in _in_plain_text(merged, models).items():
            self._report.warn(*place(at), cause, name)
        for warning in secrets.warnings:
            self._report.warn(home, here, warning, name)
        return settings

    def _plugin(self, name: str, key: str, plugin: str, home: Document, here: tuple[str, ...]) -> Any:
        """The class; a refusal counts for all tenants: it has read the declarations of every installed package."""
        refused = self._refused.get((key, plugin))
        if refused is None:
            try:
                return discovery.load_connector(plugin) if key == "connector" else discovery.load_policy(plugin)
            except PluginRefused as refusal:
                refused = self._refused[key, plugin] = str(refusal)
        self._report.of_tenants.append(home.problem((*here, key), refused, tenant=name))
        return None

    def _offers(
        self, name: str, home: Document, here: tuple[str, ...], connector: str, plugin: Any, raw: dict[str, Any]
    ) -> None:
        """Check that the connector implements the hooks that the tenant's stages need."""
        offered = plugin_checks.overridden(plugin)
        stages = _listed(raw, "stages") if "stages" in raw else list(Stage)
        needed = [hook for stage, hooks in NEEDED.items() if stage in stages for hook in hooks]
        if Stage.INVOICE in stages and raw.get("fiscal_first") is not True:
            needed.append("issue_invoice")
        if raw.get("fiscal_first") is True and _listed(raw, "approve"):
            cause = "with fiscal_first = true an invoice is issued before it can be approved; set only one of the two"
            self._report.of_tenants.append(home.problem((*here, "approve"), cause, tenant=name))
        for hook in needed:
            if hook not in offered:
                cause = f"connector {connector} does not implement {hook}, which this tenant's stages need"
                if hook == "issue_invoice":
                    cause += "; build_invoice issues the invoice itself only with fiscal_first = true"
                self._report.of_tenants.append(home.problem((*here, "connector"), cause, tenant=name))

    def _settings(
        self, model: type[ConnectorSettings], tables: dict[str, Any], context: dict[str, Any], key: str, fault: Any
    ) -> ConnectorSettings:
        try:
            return model.model_validate(tables.get(key, {}), context=context)
        except ValidationError as error:
            for found in faults(error, model, list(model.model_fields)):
                fault(found, (key,))
        except Exception as error:  # a plug-in's validator may raise anything: only its tenant must fail
            cause = f"the check of these settings raised {type(error).__name__}; report it to the author of {key}"
            fault(Fault((), cause, None, True), (key,))
        return NoSettings()


def _in_plain_text(
    merged: Mapping[str, Any], models: Mapping[str, type[ConnectorSettings]]
) -> dict[tuple[str | int, ...], str]:
    """Secrets written as plain text in a tenant's tables, without a variable: their paths, and the warnings."""
    return {
        (*above, *path): cause
        for cause, secrets in (
            (IN_ADDRESS, [((key,), plain_passwords(merged.get(key))) for key in models]),
            (AS_SECRET, [((key,), plain_secrets(model, merged.get(key))) for key, model in models.items()]),
            (AS_SECRET, [((), plain_secrets(TenantSettings, merged))]),
        )
        for above, pairs in secrets
        for path, secret in pairs
        if "${" not in secret
    }


def _listed(raw: Mapping[str, Any], key: str) -> list[Any]:
    """The entries of that list; none if it is not a list, which pydantic then reports."""
    value = raw.get(key)
    return value if isinstance(value, list) else []


def _repeated_charges(charges: object) -> list[tuple[int, str, str]]:
    """Charges, as written, that repeat an earlier one's name or path: the index, the key, the repeated value."""
    found = []
    for key in ("name", "path"):
        seen: set[str] = set()
        for index, charge in enumerate(charges if isinstance(charges, list) else []):
            value = charge.get(key) if isinstance(charge, dict) else None
            if isinstance(value, str):
                if value in seen:
                    found.append((index, key, value))
                seen.add(value)
    return found
