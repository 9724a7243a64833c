"""The problems and warnings of one load of the configuration."""

from collections.abc import Mapping
from typing import Any

from shipperone_erp.config.interpolation import interpolate
from shipperone_erp.config.secret_sources import named_variable
from shipperone_erp.config.toml_files import Document
from shipperone_erp.kernel.errors import Problem


class LoadReport:
    """Collects them, so that all are reported at once.

    `problems` concern the file as a whole, `of_tenants` one tenant alone. `written`: the text of each setting that has
    a variable, by its path; `put_in`: the values of these variables.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[Problem] = []
        self.of_tenants: list[Problem] = []
        self.warnings: list[Problem] = []
        self.written: dict[tuple[str, ...], str] = {}
        self.put_in: set[str] = set()

    def filled_in(self, document: Document, here: tuple[str, ...], raw: Any, tenant: str | None) -> Any:
        """The table with its variables replaced; a missing one is a problem of that tenant, or of all."""

        def missing(path: tuple[str | int, ...], variable: str) -> None:
            cause = f"{named_variable(variable)} is not set"
            problem = document.problem((*here, *path), cause, tenant=tenant)
            (self.of_tenants if tenant else self.problems).append(problem)

        def used(path: tuple[str | int, ...], text: str, value: str) -> None:
            self.written[tuple(str(part) for part in (*here, *path))] = text
            self.put_in.add(value)

        return interpolate(raw, self.environment, missing=missing, used=used)

    def warn(self, document: Document, path: tuple[str | int, ...], cause: str, tenant: str | None) -> None:
        """Add a warning about the setting at that path."""
        warning = document.problem(path, cause, tenant=tenant)
        # a warning about [defaults] applies to every tenant, and is reported once
        if (warning.file, warning.key, warning.cause) not in {(w.file, w.key, w.cause) for w in self.warnings}:
            self.warnings.append(warning)
