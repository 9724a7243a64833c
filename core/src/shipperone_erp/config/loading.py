"""Reading the configuration: every problem of it at once, each with file, line, key and cause."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from shipperone_erp import discovery
from shipperone_erp.config.faults import Fault, faults, mask, nearest
from shipperone_erp.config.files import Document, parse
from shipperone_erp.config.interpolation import interpolate
from shipperone_erp.config.settings import (
    FIELD_NAMES,
    TENANT_KEYS,
    Configuration,
    RuntimeSettings,
    TenantSettings,
    told_twice,
)
from shipperone_erp.config.sources import SecretPlaces
from shipperone_erp.errors import ConfigurationError, PluginRefused, Problem
from shipperone_erp.hooks import ConnectorSettings, NoSettings, settings_type
from shipperone_erp.model.work import Stage

TOP = ("runtime", "defaults", "tenants")
NEEDED = {Stage.ALLOCATION: ("reserve_stock",), Stage.INVOICE: ("build_invoice",)}


def load(path: Path, *, environment: Mapping[str, str] = os.environ, tenants_may_fail: bool = False) -> Configuration:
    """The configuration in that file and those that it includes.

    ConfigurationError holds every problem. With `tenants_may_fail` what is a fault of one tenant alone (its secret, its
    connector) leaves only that tenant out and stands in `problems`; faults of the TOML itself always raise.
    """
    return _Loading(path, environment).load(tenants_may_fail)


class _Loading:
    """One load: what was found so far."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.main = parse(path)
        self.environment = environment
        self.problems: list[Problem] = []
        self.of_tenants: list[Problem] = []
        self.warnings: list[Problem] = []
        self.written: dict[tuple[str, ...], str] = {}
        self.secret_files: set[Path] = set()

    def load(self, tenants_may_fail: bool) -> Configuration:
        for key, value in list(self.main.values.items()):
            if key not in TOP:
                self.problems.append(self.main.problem((key,), "there is no such table", near=nearest(key, TOP)))
            elif not isinstance(value, dict):
                self.problems.append(self.main.problem((key,), f"write a table: [{key}]"))
                self.main.values[key] = {}
        runtime = self._runtime()
        tenants = {}
        for name, document in self._homes(runtime).items():
            before = len(self.problems) + len(self.of_tenants)
            settings = self._tenant(name, document)
            if settings is not None and len(self.problems) + len(self.of_tenants) == before:
                tenants[name] = settings
        if not self.main.values.get("tenants") and not runtime.include:
            self.problems.append(self.main.problem(("tenants",), "no tenant is configured: write [tenants.NAME]"))
        fatal = self.problems if tenants_may_fail else [*self.problems, *self.of_tenants]
        if fatal:
            each_once = dict.fromkeys(fatal)
            raise ConfigurationError(tuple(sorted(each_once, key=lambda problem: (problem.file, problem.line or 0))))
        return Configuration(
            self.main.file,
            runtime,
            tenants,
            tuple(self.of_tenants),
            tuple(self.warnings),
            self.written,
            frozenset(self.secret_files),
        )

    def _runtime(self) -> RuntimeSettings:
        raw = self._put_in(self.main, ("runtime",), self.main.values.get("runtime", {}), None)
        if isinstance(raw, dict) and "http" in raw:
            cause = "the operations page comes with a later release; remove it"
            self.problems.append(self.main.problem(("runtime", "http"), cause))
            raw = {key: value for key, value in raw.items() if key != "http"}
        try:
            runtime = RuntimeSettings.model_validate(raw)
        except ValidationError as error:
            for fault in faults(error, RuntimeSettings, [*RuntimeSettings.model_fields, "http"]):
                self.problems.append(self.main.problem(("runtime", *fault.path), fault.cause, near=fault.near))
            return RuntimeSettings()
        return runtime.model_copy(update={"ledger": _beside(runtime.ledger, self.main.file.parent)})

    def _homes(self, runtime: RuntimeSettings) -> dict[str, Document]:
        """Each tenant and the file that it stands in."""
        documents = [self.main]
        for pattern in runtime.include:
            files = sorted(self.main.file.parent.glob(pattern))
            for file in files:
                document = parse(file)
                for key in document.values.keys() - {"tenants"}:
                    cause = "an included file holds [tenants.*] tables and nothing else"
                    self.problems.append(document.problem((key,), cause))
                documents.append(document)
        homes: dict[str, Document] = {}
        for document in documents:
            tables = document.values.get("tenants", {})
            if not isinstance(tables, dict):
                self.problems.append(document.problem(("tenants",), "write a table: [tenants.NAME]"))
                continue
            for name, table in tables.items():
                if name in homes:
                    cause = f"tenant {name} is in {homes[name].file} already"
                    self.problems.append(document.problem(("tenants", name), cause))
                elif not isinstance(table, dict):
                    self.problems.append(document.problem(("tenants", name), "write a table: [tenants.NAME]"))
                else:
                    homes[name] = document
        return homes

    def _tenant(self, name: str, home: Document) -> TenantSettings | None:
        here = ("tenants", name)
        own = home.values["tenants"][name]
        defaults = self.main.values.get("defaults", {})
        merged = {**defaults, **own}

        def place(path: tuple[str | int, ...]) -> tuple[Document, tuple[str | int, ...]]:
            if path and path[0] not in own and path[0] in defaults:
                return self.main, ("defaults", *path)
            return home, (*here, *path)

        def fault(found: Fault, below: tuple[str | int, ...] = ()) -> None:
            document, path = place((*below, *found.path))
            problem = document.problem(path, hide(found.cause), tenant=name if found.secret else None, near=found.near)
            (self.of_tenants if found.secret else self.problems).append(problem)

        secrets = SecretPlaces(home.file.parent, self.environment)
        hide = mask(secrets.values)
        raw = self._put_in(home, here, merged, name)
        context = {"secrets": secrets, "base": home.file.parent}
        policies = [policy for policy in _listed(raw, "policies") if isinstance(policy, str)]
        connector = raw.get("connector") if isinstance(raw.get("connector"), str) else None
        tables = {key: raw.pop(key) for key in list(raw) if key in (connector, *policies) and key not in TENANT_KEYS}
        fields = raw.get("fields")
        for key in [key for key in fields if key not in FIELD_NAMES] if isinstance(fields, dict) else []:
            fault(Fault(("fields", key), "there is no such field", nearest(key, FIELD_NAMES), False))
        for index, key, value in told_twice(raw.get("charges")):
            cause = f"an earlier charge has the {key} {value} already; it would be counted twice"
            fault(Fault(("charges", index, key), cause, None, False))

        connector_settings: ConnectorSettings = NoSettings()
        if connector is not None:
            plugin = self._plugin(name, "connector", lambda: discovery.load_connector(connector), home, here)
            if plugin is not None:
                self._offers(name, home, here, connector, plugin, raw)
                connector_settings = self._settings(
                    settings_type(plugin), tables.get(connector, {}), context, connector, fault
                )
        policy_settings: dict[str, ConnectorSettings] = {}
        for policy in policies:
            found = self._plugin(name, "policies", lambda policy=policy: discovery.load_policy(policy), home, here)
            if found is not None:
                policy_settings[policy] = self._settings(
                    settings_type(found), tables.get(policy, {}), context, policy, fault
                )

        settings = None
        known = [*TENANT_KEYS, *(key for key in (connector, *policies) if key)]
        values = {**raw, "name": name, "connector_settings": connector_settings, "policy_settings": policy_settings}
        try:
            settings = TenantSettings.model_validate(values, context=context)
        except ValidationError as error:
            for found_fault in faults(error, TenantSettings, known):
                fault(found_fault)
        self.secret_files |= secrets.files
        self._warn(name, home, here, own, settings, connector_settings, connector, secrets)
        return settings

    def _plugin(self, name: str, key: str, find: Any, home: Document, here: tuple[str, ...]) -> Any:
        try:
            return find()
        except PluginRefused as refused:
            self.of_tenants.append(home.problem((*here, key), str(refused), tenant=name))
            return None

    def _offers(
        self, name: str, home: Document, here: tuple[str, ...], connector: str, plugin: Any, raw: dict[str, Any]
    ) -> None:
        """The connector implements what the tenant's stages need."""
        offered = discovery.overridden(plugin)
        stages = _listed(raw, "stages") if "stages" in raw else list(Stage)
        needed = [hook for stage, hooks in NEEDED.items() if stage in stages for hook in hooks]
        if Stage.INVOICE in stages and raw.get("fiscal_first") is not True:
            needed.append("issue_invoice")
        if raw.get("fiscal_first") is True and _listed(raw, "approve"):
            cause = "with fiscal_first = true an invoice is issued before anybody could approve it; one of the two"
            self.of_tenants.append(home.problem((*here, "approve"), cause, tenant=name))
        for hook in needed:
            if hook not in offered:
                cause = f"connector {connector} does not implement {hook}, which this tenant's stages need"
                if hook == "issue_invoice":
                    cause += "; only with fiscal_first = true does build_invoice issue by itself"
                self.of_tenants.append(home.problem((*here, "connector"), cause, tenant=name))

    def _settings(
        self, model: type[ConnectorSettings], table: Any, context: dict[str, Any], key: str, fault: Any
    ) -> ConnectorSettings:
        try:
            return model.model_validate(table, context=context)
        except ValidationError as error:
            for found in faults(error, model, list(model.model_fields)):
                fault(found, (key,))
            return NoSettings()

    def _put_in(self, document: Document, here: tuple[str, ...], raw: Any, tenant: str | None) -> Any:
        def missing(path: tuple[str | int, ...], variable: str) -> None:
            cause = f"the environment variable {variable} is not set"
            problem = document.problem((*here, *path), cause, tenant=tenant)
            (self.of_tenants if tenant else self.problems).append(problem)

        def used(path: tuple[str | int, ...], text: str) -> None:
            self.written[tuple(str(part) for part in (*here, *path))] = text

        return interpolate(raw, self.environment, missing=missing, used=used)

    def _warn(
        self,
        name: str,
        home: Document,
        here: tuple[str, ...],
        own: dict[str, Any],
        settings: TenantSettings | None,
        connector_settings: ConnectorSettings,
        connector: str | None,
        secrets: SecretPlaces,
    ) -> None:
        plain: list[tuple[str, ...]] = (
            [("token",)] if isinstance(own.get("token"), str) and "${" not in own["token"] else []
        )
        table = own.get(connector, {}) if connector else {}
        for key in _secret_fields(connector_settings):
            if isinstance(table, dict) and isinstance(table.get(key), str) and "${" not in table[key]:
                plain.append((str(connector), key))
        for path in plain:
            cause = 'a secret in plain text; better { env = "NAME" }, { file = "path" } or { credential = "name" }'
            self.warnings.append(home.problem((*here, *path), cause, tenant=name))
        for warning in secrets.warnings:
            self.warnings.append(home.problem(here, warning, tenant=name))


def _listed(raw: Mapping[str, Any], key: str) -> list[Any]:
    """What stands in that list; nothing where it is none, which pydantic then names."""
    value = raw.get(key)
    return value if isinstance(value, list) else []


def _secret_fields(settings: BaseModel) -> list[str]:
    return [key for key, value in vars(settings).items() if isinstance(value, SecretStr)]


def _beside(url: str, folder: Path) -> str:
    """A relative SQLite address is relative to the file that names it."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url == prefix or url.startswith("sqlite:////"):
        return url
    return f"{prefix}{(folder / url.removeprefix(prefix)).absolute()}"
