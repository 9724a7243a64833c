"""Command groups of other packages, from the entry-point group `shipperone_erp.commands`.

`--help` lists them without an import; a package is imported when its command is used.
"""

from typing import Any

import typer
from typer.core import TyperCommand

from shipperone_erp.cli.lazy_group import LazyGroup
from shipperone_erp.connector.installed import COMMANDS, installed
from shipperone_erp.kernel.errors import PluginRefused


class WithPlugged(LazyGroup):
    """The commands of core, then those of installed packages. A command of core is never replaced."""

    def list_commands(self, ctx: Any) -> list[str]:
        own = super().list_commands(ctx)
        return [*own, *(name for name in _installed() if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        if own is None and cmd_name in _installed():
            return TyperCommand(cmd_name, help=f"Added by {_installed()[cmd_name]}.")
        return own

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name not in self.places and name in _installed():
            return name, _imported(name), args[1:]
        return super().resolve_command(ctx, args)


def _installed() -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for entry in installed(COMMANDS):
        found.setdefault(entry.name, []).append(f"{entry.distribution} {entry.version}")
    return {name: " and ".join(packages) for name, packages in found.items()}


def _imported(name: str) -> Any:
    from shipperone_erp.connector import discovery

    group = discovery.load_command(name)
    if not isinstance(group, typer.Typer):
        raise PluginRefused(
            f"command {name} ({_installed()[name]}): its entry point names a {type(group).__name__}; "
            "it must name a typer.Typer"
        )
    return typer.main.get_command(group)
