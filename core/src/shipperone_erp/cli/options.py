"""Options shared by many commands, and functions for their output."""

import json
import os
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shipperone_erp.kernel.errors import ConfigurationError, UsageError
from shipperone_erp.kernel.printable import json_document, one_line

if TYPE_CHECKING:
    from shipperone_erp.config import Configuration, TenantSettings
    from shipperone_erp.ledger.repository import Ledger

ConfigFile = Annotated[
    Path, typer.Option("-c", "--config", help="The configuration file.", show_default="./shipperone-erp.toml")
]
DEFAULT_FILE = Path("shipperone-erp.toml")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, amounts as text, times in UTC.")]


def configuration(
    file: Path, *, tenants_may_fail: bool = False, only: Collection[str] | None = None
) -> "Configuration":
    """The configuration, `only` with these tenants; ConfigurationError with all its problems (exit code 78)."""
    from shipperone_erp.cli.output_redaction import REDACTION
    from shipperone_erp.config import load

    loaded = load(file, environment=os.environ, tenants_may_fail=tenants_may_fail, served=_served, only=only)
    REDACTION.add(loaded.secrets)
    for warning in loaded.warnings:
        say(*f"warning: {warning}".split("\n"))
    return loaded


def _served(ledger: str) -> Collection[str]:
    from shipperone_erp.ledger.served_tenants import tenants_served

    return tenants_served(ledger)


def must_know(loaded: "Configuration", tenant: str, ledger: "Ledger | None" = None) -> None:
    """UsageError if the configuration has no such tenant; the message mentions a tenant with a configuration problem.

    With `ledger` a tenant that is no longer configured is accepted too, as long as the ledger has data about it.
    """
    known = {*loaded.tenants, *(problem.tenant for problem in loaded.problems if problem.tenant)}
    if tenant in known:
        return
    earlier = ledger.tenants() - known if ledger else set()
    if tenant not in earlier:
        also = f", the ledger also {', '.join(sorted(earlier))}" if earlier else ""
        raise UsageError(f"there is no tenant {tenant}; the configuration names {', '.join(sorted(known))}{also}")


def settings_of(loaded: "Configuration", tenant: str) -> "TenantSettings":
    """The tenant's settings. UsageError if there is no such tenant, ConfigurationError if it has a problem."""
    must_know(loaded, tenant)
    if tenant not in loaded.tenants:
        raise ConfigurationError(tuple(problem for problem in loaded.problems if problem.tenant == tenant))
    return loaded.tenants[tenant]


def ledger_to_read(loaded: "Configuration") -> "Ledger":
    """The ledger as it is: reading commands never migrate it. The error for a full disk is reported as such."""
    from shipperone_erp.ledger.database_errors import LedgerUnavailable
    from shipperone_erp.ledger.repository import Ledger
    from shipperone_erp.operations.disk_space import full_disk

    try:
        return Ledger.open(loaded.runtime.ledger, read_only=True)
    except LedgerUnavailable as error:
        full = full_disk(loaded.runtime.ledger)
        if full is None:
            raise
        raise LedgerUnavailable(f"{error}; {full}") from None


def say(*lines: str) -> None:
    """A message for operators, on stderr. Each argument is one line, whatever it contains."""
    from rich.console import Console

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
    console.print("\n".join(map(one_line, lines)))


def print_json(document: Any) -> None:
    """Print the JSON document on stdout, with control characters as JSON escapes."""
    print(json_document(json.dumps(document, indent=2, ensure_ascii=False, default=str)))  # noqa: T201


def print_json_rows(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print a list as one JSON document on stdout: row by row while they are read, each on a line of its own."""
    before = "["
    for row in rows:
        sys.stdout.write(f"{before}\n{json_document(json.dumps(row, ensure_ascii=False, default=str))}")
        before = ","
    sys.stdout.write("[]\n" if before == "[" else "\n]\n")


def print_text(*lines: str) -> None:
    """Text for operators on stdout. Each argument is one line, whatever it contains."""
    from rich.console import Console

    Console(soft_wrap=True, highlight=False, markup=False, emoji=False).print("\n".join(map(one_line, lines)))
