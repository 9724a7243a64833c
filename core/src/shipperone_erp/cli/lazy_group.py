"""A group of commands whose modules are imported when one of them is used; `--help` imports none."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Place:
    """The location of a command: a module of `cli`, a function or a group in it, and its text in `--help`."""

    module: str
    name: str
    help: str


class LazyGroup(TyperGroup):
    """The commands of `places`, in that sequence."""

    places: ClassVar[Mapping[str, Place]] = {}

    @property  # type: ignore[override]
    def commands(self) -> dict[str, Any]:
        """Every command, imported."""
        return {name: command(name, place) for name, place in self.places.items()}

    @commands.setter
    def commands(self, given: Any) -> None:
        """Typer sets the commands that it has registered, which are none."""

    def list_commands(self, ctx: Any) -> list[str]:
        """See `click.Group`."""
        return list(self.places)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command's name and first line for `--help`. A command that is used goes through `resolve_command`."""
        place = self.places.get(cmd_name)
        return TyperCommand(cmd_name, help=place.help) if place else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """See `click.Group`."""
        place = self.places.get(args[0]) if args else None
        if place is None:
            return super().resolve_command(ctx, args)
        return args[0], command(args[0], place), args[1:]


def group_of(places: Mapping[str, Place]) -> type[LazyGroup]:
    """A group class with these commands, for `typer.Typer(cls=…)`."""
    return type("LazyGroup", (LazyGroup,), {"places": dict(places)})


def command(name: str, place: Place) -> Any:
    """The command itself; imports its module."""
    found = getattr(import_module(f"shipperone_erp.cli.{place.module}"), place.name)
    parent = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name)
        group: Any = typer.main.get_command(parent)
        return group.commands[name]
    parent.command(name)(found)
    return typer.main.get_command(parent)
