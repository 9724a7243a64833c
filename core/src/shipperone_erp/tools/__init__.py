"""Tools for a connector's own commands, checks and tests, in addition to `shipperone_erp` and the kit.

    from shipperone_erp.tools import DEFAULT_FILE, ConfigFile, UsageError, load_tenant, print_text

A connector imports from `shipperone_erp`, `shipperone_erp.testing` and `shipperone_erp.tools`; every other module of
core may move. docs/reference/connectors.md lists the contents of this package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shipperone_erp.cli.options import DEFAULT_FILE, AsJson, ConfigFile, print_json, print_text, say
    from shipperone_erp.domain.money import rounded
    from shipperone_erp.kernel.errors import ConfigurationError, UsageError
    from shipperone_erp.kernel.printable import label
    from shipperone_erp.sandbox import Fault, Post, Sandbox, SandboxItem, SandboxOrder, generate, order_of
    from shipperone_erp.tools.rehearsal import RehearsedOrder, rehearse
    from shipperone_erp.tools.tenants import Tenant, listed_order, load_tenant

__all__ = [
    "AsJson",
    "ConfigFile",
    "ConfigurationError",
    "DEFAULT_FILE",
    "Fault",
    "Post",
    "RehearsedOrder",
    "Sandbox",
    "SandboxItem",
    "SandboxOrder",
    "Tenant",
    "UsageError",
    "generate",
    "label",
    "listed_order",
    "load_tenant",
    "order_of",
    "print_json",
    "print_text",
    "rehearse",
    "rounded",
    "say",
]

_MODULES = (
    "kernel.printable",
    "domain.money",
    "kernel.errors",
    "cli.options",
    "tools.tenants",
    "tools.rehearsal",
    "sandbox",
)
"""The modules of the tools, cheap ones first, so that a simple tool does not import the command line."""


def __getattr__(name: str) -> Any:
    """A tool, imported at its first use."""
    if name in __all__:
        modules = (import_module(f"shipperone_erp.{module}") for module in _MODULES)
        globals()[name] = next(getattr(module, name) for module in modules if hasattr(module, name))
        return globals()[name]
    raise AttributeError(f"module {__name__} has no attribute {name}")
