"""Loads the configuration and reports all of its problems at once, each with file, line, key and cause."""

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shipperone_erp.config.alerts import AlertSettings
from shipperone_erp.config.capability_checks import unmet
from shipperone_erp.config.digests import digest
from shipperone_erp.config.interpolation import interpolate
from shipperone_erp.config.page import PageSettings, exposed
from shipperone_erp.config.plaintext_secrets import AS_SECRET, IN_ADDRESS, plain_passwords, plain_secrets
from shipperone_erp.config.secret_sources import SecretPlaces, named_variable
from shipperone_erp.config.settings import (
    FIELD_NAMES,
    TENANT_KEYS,
    Configuration,
    RuntimeSettings,
    TenantSettings,
    in_plain_text,
    told_twice,
)
from shipperone_erp.config.toml_files import Document, parse
from shipperone_erp.config.validation_errors import Fault, faults, nearest
from shipperone_erp.connector import capabilities, discovery, plugin_checks
from shipperone_erp.connector.api import ConnectorSettings, NoSettings, settings_type
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import ConfigurationError, PluginRefused, Problem
from shipperone_erp.kernel.printable import label
from shipperone_erp.kernel.redaction import Redaction

Below = TypeVar("Below", bound=BaseModel)

TOP = ("runtime", "defaults", "tenants")
NEEDED = {Stage.ALLOCATION: ("reserve_stock",), Stage.INVOICE: ("build_invoice",)}


Served = Callable[[str], Collection[str]]
"""Returns the tenants that the ledger at this URL has already served."""


def load(
    path: Path,
    *,
    environment: Mapping[str, str] = os.environ,
    tenants_may_fail: bool = False,
    served: Served = lambda ledger: (),
    only: Collection[str] | None = None,
) -> Configuration:
    """The configuration in that file and the files that it includes; `only` these tenants of it, if any are named.

    ConfigurationError holds every problem. With `tenants_may_fail`, an error of one tenant alone (its secret, its
    connector) only leaves out that tenant and is in `problems`; errors of the TOML itself always raise. `served` is
    called only for a tenant whose `base_url` would be refused: one that was served before gets a warning instead.
    """
    return _Loading(path, environment, served).load(tenants_may_fail, only)


class _Loading:
    """One load, with its results so far."""

    def __init__(self, path: Path, environment: Mapping[str, str], served: Served) -> None:
        self.main = parse(path)
        self.environment = environment
        self.known = served
        self.problems: list[Problem] = []
        self.of_tenants: list[Problem] = []
        self.warnings: list[Problem] = []
        self.written: dict[tuple[str, ...], str] = {}
        self.put_in: set[str] = set()
        self.included: list[Path] = []
        self.secret_files: set[Path] = set()
        self.served: dict[tuple[str, str, Stage], str] = {}
        """The tenant that serves that queue of that store."""

    def load(self, tenants_may_fail: bool, only: Collection[str] | None) -> Configuration:
        for key, value in list(self.main.values.items()):
            if key not in TOP:
                self.problems.append(self.main.problem((key,), "there is no such table", near=nearest(key, TOP)))
            elif not isinstance(value, dict):
                self.problems.append(self.main.problem((key,), f"write a table: [{key}]"))
                self.main.values[key] = {}
        runtime = self._runtime()
        tenants: dict[str, TenantSettings] = {}
        homes = self._homes(runtime)
        for name, document in homes.items():
            if only is not None and name not in only:
                continue
            before = len(self.problems) + len(self.of_tenants)
            settings = self._tenant(name, document)
            if settings is not None:
                self._encrypted(settings, document, runtime.ledger)
            if settings is not None and len(self.problems) + len(self.of_tenants) == before:
                self._alone(name, settings, document)
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
            tuple(self.included),
            frozenset(self.put_in),
            {} if only is None else {name: digest(self._merged(name, home)) for name, home in homes.items()},
        )

    def _merged(self, name: str, home: Document) -> dict[str, Any]:
        """The tenant's settings as written, with `[defaults]` under them."""
        return {**self.main.values.get("defaults", {}), **home.values["tenants"][name]}

    def _encrypted(self, settings: TenantSettings, home: Document, ledger: str) -> None:
        """Refuse to send the token over a network in plain text, unless an operator has allowed it."""
        if settings.allow_http or not in_plain_text(settings.base_url):
            return
        path = ("tenants", settings.name, "base_url")
        why = "http:// to another machine: the token and the customers' data can be read on the way. Write https://"
        if settings.name in self.known(ledger):
            self._warn(home, path, f"{why}, or allow_http = true: the next minor version refuses it", settings.name)
        else:
            cause = f"{why}; allow_http = true allows it in a network that is trusted"
            self.of_tenants.append(home.problem(path, cause, tenant=settings.name))

    def _alone(self, name: str, settings: TenantSettings, home: Document) -> None:
        """Refuse a second tenant on the same queue: every order would be reserved and invoiced twice."""
        shared: dict[str, list[Stage]] = {}
        for stage in settings.stages:
            first = self.served.setdefault((settings.base_url.rstrip("/"), settings.store_code, stage), name)
            if first != name:
                shared.setdefault(first, []).append(stage)
        for other, stages in shared.items():
            cause = (
                f"tenant {other} serves {' and '.join(stages)} of this very store already: every order would be worked "
                "on twice"
            )
            self.problems.append(home.problem(("tenants", name, "base_url"), cause))

    def _runtime(self) -> RuntimeSettings:
        written = self.main.values.get("runtime", {})
        for path, password in plain_passwords(written):
            if "${" not in password:
                self._warn(self.main, ("runtime", *path), IN_ADDRESS, None)
        raw = self._put_in(self.main, ("runtime",), written, None)
        page = self._below("page", PageSettings, raw.pop("page", {}))
        alerts = self._below("alerts", AlertSettings, raw.pop("alerts", {}))
        try:
            runtime = RuntimeSettings.model_validate(raw)
        except ValidationError as error:
            for fault in faults(error, RuntimeSettings, list(RuntimeSettings.model_fields)):
                self.problems.append(self.main.problem(("runtime", *fault.path), fault.cause, near=fault.near))
            return RuntimeSettings()
        if runtime.http is not None and page is not None and (open_to_all := exposed(runtime.http, page)) is not None:
            self.problems.append(self.main.problem(("runtime", "http"), open_to_all))
        ledger = _beside(runtime.ledger, self.main.file.parent)
        below = {"page": page or PageSettings(), "alerts": alerts or AlertSettings()}
        return runtime.model_copy(update={"ledger": ledger, **below})

    def _below(self, name: str, model: type[Below], raw: Any) -> Below | None:
        """`[runtime.NAME]`; None if it has a problem. A missing secret is fatal: the page must not run without it."""
        here = ("runtime", name)
        secrets = SecretPlaces(self.main.file.parent, self.environment)
        for path, _ in plain_secrets(model, raw):
            self._warn(self.main, (*here, *path), AS_SECRET, None)
        try:
            settings = model.model_validate(raw, context={"secrets": secrets})
        except ValidationError as error:
            for fault in faults(error, model, list(model.model_fields)):
                self.problems.append(self.main.problem((*here, *fault.path), fault.cause, near=fault.near))
            return None
        for warning in secrets.warnings:
            self._warn(self.main, here, warning, None)
        return settings

    def _homes(self, runtime: RuntimeSettings) -> dict[str, Document]:
        """Each tenant and the file in which it is written."""
        documents = [self.main]
        for pattern in runtime.include:
            files = sorted(self.main.file.parent.glob(pattern))
            for file in files:
                document = parse(file)
                for key in document.values.keys() - {"tenants"}:
                    cause = "an included file holds [tenants.*] tables and nothing else"
                    self.problems.append(document.problem((key,), cause))
                documents.append(document)
                self.included.append(file)
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
        merged = self._merged(name, home)

        def place(path: tuple[str | int, ...]) -> tuple[Document, tuple[str | int, ...]]:
            if path and path[0] not in own and path[0] in defaults:
                return self.main, ("defaults", *path)
            return home, (*here, *path)

        def fault(found: Fault, below: tuple[str | int, ...] = ()) -> None:
            document, path = place((*below, *found.path))
            redact.add(secrets.values)
            cause = redact(found.cause)  # the message of a plug-in's validator may contain a secret
            problem = document.problem(path, cause, tenant=name if found.secret else None, near=found.near)
            (self.of_tenants if found.secret else self.problems).append(problem)

        secrets = SecretPlaces(home.file.parent, self.environment)
        raw = self._put_in(home, here, merged, name)
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
        for index, key, value in told_twice(raw.get("charges")):
            cause = f"an earlier charge has the {key} {label(value)} already; it would be counted twice"
            fault(Fault(("charges", index, key), cause, None, False))

        connector_settings: ConnectorSettings = NoSettings()
        declared = capabilities.ALL
        if connector is not None:
            plugin = self._plugin(name, "connector", lambda: discovery.load_connector(connector), home, here)
            if plugin is not None:
                declared = capabilities.read(plugin.capabilities)
                self._offers(name, home, here, connector, plugin, raw)
                models[connector] = settings_type(plugin)
                redact.add(secret for _, secret in plain_secrets(models[connector], tables.get(connector)))
                connector_settings = self._settings(models[connector], tables, context, connector, fault)
        policy_settings: dict[str, ConnectorSettings] = {}
        for policy in policies:
            found = self._plugin(name, "policies", lambda policy=policy: discovery.load_policy(policy), home, here)
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
        for path, cause in unmet(settings, declared) if settings is not None else ():
            document, at = place(path)
            self.of_tenants.append(document.problem(at, cause, tenant=name))
        self.secret_files |= secrets.files
        for at, cause in _in_plain_text(merged, models).items():
            self._warn(*place(at), cause, name)
        for warning in secrets.warnings:
            self._warn(home, here, warning, name)
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
        """Check that the connector implements the hooks that the tenant's stages need."""
        offered = plugin_checks.overridden(plugin)
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
        self, model: type[ConnectorSettings], tables: dict[str, Any], context: dict[str, Any], key: str, fault: Any
    ) -> ConnectorSettings:
        try:
            return model.model_validate(tables.get(key, {}), context=context)
        except ValidationError as error:
            for found in faults(error, model, list(model.model_fields)):
                fault(found, (key,))
        except Exception as error:  # a plug-in's validator may raise anything: only its tenant must fail
            cause = f"the check of these settings raised {type(error).__name__}; ask the author of {key}"
            fault(Fault((), cause, None, True), (key,))
        return NoSettings()

    def _put_in(self, document: Document, here: tuple[str, ...], raw: Any, tenant: str | None) -> Any:
        def missing(path: tuple[str | int, ...], variable: str) -> None:
            cause = f"{named_variable(variable)} is not set"
            problem = document.problem((*here, *path), cause, tenant=tenant)
            (self.of_tenants if tenant else self.problems).append(problem)

        def used(path: tuple[str | int, ...], text: str, value: str) -> None:
            self.written[tuple(str(part) for part in (*here, *path))] = text
            self.put_in.add(value)

        return interpolate(raw, self.environment, missing=missing, used=used)

    def _warn(self, document: Document, path: tuple[str | int, ...], cause: str, tenant: str | None) -> None:
        warning = document.problem(path, cause, tenant=tenant)
        # a warning about [defaults] applies to every tenant, and is reported once
        if (warning.file, warning.key, warning.cause) not in {(w.file, w.key, w.cause) for w in self.warnings}:
            self.warnings.append(warning)


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


def _beside(url: str, folder: Path) -> str:
    """Resolves a relative SQLite address against the folder of the file that contains it."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url == prefix or url.startswith("sqlite:////"):
        return url
    return f"{prefix}{(folder / url.removeprefix(prefix)).absolute()}"
