"""Loads the configuration and reports all of its problems at once, each with file, line, key and cause."""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shipperone_erp.config.alerts import AlertSettings
from shipperone_erp.config.conflicts import shared_queues
from shipperone_erp.config.interpolation import interpolate
from shipperone_erp.config.load_report import LoadReport
from shipperone_erp.config.page import PageSettings, exposed
from shipperone_erp.config.plaintext_secrets import AS_SECRET, IN_ADDRESS, plain_passwords, plain_secrets
from shipperone_erp.config.secret_sources import SecretPlaces
from shipperone_erp.config.setting_types import in_plain_text
from shipperone_erp.config.settings import Configuration, RuntimeSettings, TenantSettings
from shipperone_erp.config.tenant_loading import TenantLoader
from shipperone_erp.config.toml_files import Document, included_files, parse
from shipperone_erp.config.validation_errors import faults, nearest
from shipperone_erp.kernel.errors import ConfigurationError
from shipperone_erp.kernel.printable import label
from shipperone_erp.kernel.store_addresses import usual_spelling

Below = TypeVar("Below", bound=BaseModel)

TOP = ("runtime", "defaults", "tenants")


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
        self._report = LoadReport(environment)
        self._tenants = TenantLoader(self.main, self._report)
        self.known = served
        self.included: list[Path] = []

    def load(self, tenants_may_fail: bool, only: Collection[str] | None) -> Configuration:
        for key, value in list(self.main.values.items()):
            if key not in TOP:
                self._report.problems.append(self.main.problem((key,), "unknown table", near=nearest(key, TOP)))
            elif not isinstance(value, dict):
                self._report.problems.append(self.main.problem((key,), f"write a table: [{key}]"))
                self.main.values[key] = {}
        runtime = self._runtime()
        tenants: dict[str, TenantSettings] = {}
        homes = self._homes(runtime)
        for name, document in homes.items():
            if only is not None and name not in only:
                continue
            before = len(self._report.problems) + len(self._report.of_tenants)
            settings = self._tenants.load(name, document)
            if settings is not None:
                self._encrypted(settings, document, runtime.ledger)
                self._usually_spelled(settings, document, runtime.ledger)
            if settings is not None and len(self._report.problems) + len(self._report.of_tenants) == before:
                tenants[name] = settings
        self._each_queue_once(homes)
        if not self.main.values.get("tenants") and not runtime.include:
            self._report.problems.append(
                self.main.problem(("tenants",), "no tenant is configured: write [tenants.NAME]")
            )
        fatal = self._report.problems if tenants_may_fail else [*self._report.problems, *self._report.of_tenants]
        if fatal:
            each_once = dict.fromkeys(fatal)
            raise ConfigurationError(tuple(sorted(each_once, key=lambda problem: (problem.file, problem.line or 0))))
        return Configuration(
            self.main.file,
            runtime,
            tenants,
            tuple(self._report.of_tenants),
            tuple(self._report.warnings),
            self._report.written,
            frozenset(self._tenants.secret_files),
            tuple(self.included),
            frozenset(self._report.put_in),
            {} if only is None else {name: digest(self._tenants.merged(name, home)) for name, home in homes.items()},
        )

    def _encrypted(self, settings: TenantSettings, home: Document, ledger: str) -> None:
        """Refuse to send the token over a network in plain text, unless an operator has allowed it."""
        if settings.allow_http or not in_plain_text(settings.base_url):
            return
        path = ("tenants", settings.name, "base_url")
        why = "http:// to another machine: the token and the customers' data can be read in transit. Write https://"
        if settings.name in self.known(ledger):
            self._report.warn(
                home, path, f"{why}, or allow_http = true: the next minor version refuses it", settings.name
            )
        else:
            cause = f"{why}; allow_http = true allows it in a trusted network"
            self._report.of_tenants.append(home.problem(path, cause, tenant=settings.name))

    def _usually_spelled(self, settings: TenantSettings, home: Document, ledger: str) -> None:
        """Refuse a new tenant whose address is not spelled as every installation spells it.

        The keys of its documents contain the address as written: a second installation that spells it otherwise would
        find none of them, and make each document again. A tenant that was served before keeps its keys.
        """
        usual = usual_spelling(settings.base_url)
        if settings.base_url != usual and settings.name not in self.known(ledger):
            path = ("tenants", settings.name, "base_url")
            cause = f"write it as {usual}: the keys of the ERP's documents contain the address as it is written"
            self._report.of_tenants.append(home.problem(path, cause, tenant=settings.name))

    def _each_queue_once(self, homes: Mapping[str, Document]) -> None:
        """Refuse a second tenant on the same queue, among all tenants of the files, requested or not."""
        environment = self._report.environment
        tables = {name: self._tenants.merged(name, home) for name, home in homes.items()}
        keys = ("base_url", "store_code", "stages")
        written = {name: {key: table[key] for key in keys if key in table} for name, table in tables.items()}
        filled = interpolate(written, environment, missing=lambda *_: None, used=lambda *_: None)
        for name, other, stages in shared_queues(filled):
            cause = (
                f"tenant {other} serves {' and '.join(stages)} of the same store already: every order would be "
                "processed twice"
            )
            self._report.problems.append(homes[name].problem(("tenants", name, "base_url"), cause))

    def _runtime(self) -> RuntimeSettings:
        written = self.main.values.get("runtime", {})
        for path, password in plain_passwords(written):
            if "${" not in password:
                self._report.warn(self.main, ("runtime", *path), IN_ADDRESS, None)
        raw = self._report.filled_in(self.main, ("runtime",), written, None)
        page = self._below("page", PageSettings, raw.pop("page", {}))
        alerts = self._below("alerts", AlertSettings, raw.pop("alerts", {}))
        try:
            runtime = RuntimeSettings.model_validate(raw)
        except ValidationError as error:
            for fault in faults(error, RuntimeSettings, list(RuntimeSettings.model_fields)):
                self._report.problems.append(self.main.problem(("runtime", *fault.path), fault.cause, near=fault.near))
            return RuntimeSettings()
        if runtime.http is not None and page is not None and (open_to_all := exposed(runtime.http, page)) is not None:
            self._report.problems.append(self.main.problem(("runtime", "http"), open_to_all))
        ledger = _beside(runtime.ledger, self.main.file.parent)
        below = {"page": page or PageSettings(), "alerts": alerts or AlertSettings()}
        return runtime.model_copy(update={"ledger": ledger, **below})

    def _below(self, name: str, model: type[Below], raw: Any) -> Below | None:
        """`[runtime.NAME]`; None if it has a problem. A missing secret is fatal: the page must not run without it."""
        here = ("runtime", name)
        secrets = SecretPlaces(self.main.file.parent, self._report.environment)
        for path, _ in plain_secrets(model, raw):
            self._report.warn(self.main, (*here, *path), AS_SECRET, None)
        try:
            settings = model.model_validate(raw, context={"secrets": secrets})
        except ValidationError as error:
            for fault in faults(error, model, list(model.model_fields)):
                self._report.problems.append(self.main.problem((*here, *fault.path), fault.cause, near=fault.near))
            return None
        for warning in secrets.warnings:
            self._report.warn(self.main, here, warning, None)
        return settings

    def _homes(self, runtime: RuntimeSettings) -> dict[str, Document]:
        """Each tenant and the file in which it is written."""
        documents = [self.main]
        for pattern in runtime.include:
            files = included_files(self.main.file.parent, pattern)
            if not files:
                cause = f"no file matches {label(pattern)}: no tenant is read from there"
                self._report.warn(self.main, ("runtime", "include"), cause, None)
            for file in files:
                document = parse(file)
                for key in document.values.keys() - {"tenants"}:
                    cause = "an included file contains [tenants.*] tables and nothing else"
                    self._report.problems.append(document.problem((key,), cause))
                documents.append(document)
                self.included.append(file)
        homes: dict[str, Document] = {}
        for document in documents:
            tables = document.values.get("tenants", {})
            if not isinstance(tables, dict):
                self._report.problems.append(document.problem(("tenants",), "write a table: [tenants.NAME]"))
                continue
            for name, table in tables.items():
                if name in homes:
                    cause = f"tenant {name} is in {homes[name].file} already"
                    self._report.problems.append(document.problem(("tenants", name), cause))
                elif not isinstance(table, dict):
                    self._report.problems.append(document.problem(("tenants", name), "write a table: [tenants.NAME]"))
                else:
                    homes[name] = document
        return homes


def digest(table: Mapping[str, Any]) -> str:
    """A digest of a tenant's table, as written, with `[defaults]` under it: workers detect by it that theirs differ.

    It covers references to secrets, not secrets. Values of environment variables are not part of it: two machines may
    keep their differences in their environment.
    """
    text = json.dumps(table, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _beside(url: str, folder: Path) -> str:
    """Resolves a relative SQLite address against the folder of the file that contains it."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url == prefix or url.startswith("sqlite:////"):
        return url
    return f"{prefix}{(folder / url.removeprefix(prefix)).absolute()}"
