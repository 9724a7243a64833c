"""Finds and imports connectors, policies and commands: the only module that uses stevedore.

The standard library lists the installed entry points (`installed`), so that duplicates are visible and nothing is
imported; stevedore imports the one that a tenant names, and receives exactly that entry point (its own listing is
cached on disk, and picks one of two packages silently). Then `plugin_checks` checks the class.
"""

import contextlib
import difflib
import importlib
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic.fields import FieldInfo
from stevedore.named import NamedExtensionManager

from shipperone_erp.connector import capabilities, deprecations
from shipperone_erp.connector.api import Connector, Policy, settings_type
from shipperone_erp.connector.installed import COMMANDS, CONNECTORS, HARNESSES, POLICIES, described, installed, names
from shipperone_erp.connector.plugin_checks import api_ignored, check, checked, overridden
from shipperone_erp.kernel.errors import PluginRefused

_NUMBERS = itertools.count(1)
_AT_HAND: dict[str, type[Connector[Any]]] = {}
"""Connectors that no package declares, by the temporary name of `at_hand`."""


def load_connector(name: str) -> type[Connector[Any]]:
    """The class of that name, imported and checked. PluginRefused names the problem and the cure."""
    if name in _AT_HAND:
        return checked(_AT_HAND[name])
    found: type[Connector[Any]] = _once(CONNECTORS, name, Connector, "connector", _situation())
    return found


@contextlib.contextmanager
def at_hand(found: type[Connector[Any]]) -> Iterator[str]:
    """A temporary name for this class, which no package declares; valid during the `with`."""
    name = f"{found.__name__.lower()}_{next(_NUMBERS)}"
    _AT_HAND[name] = found
    try:
        yield name
    finally:
        del _AT_HAND[name]


def load_policy(name: str) -> type[Policy[Any]]:
    """As `load_connector`, for a policy."""
    found: type[Policy[Any]] = _once(POLICIES, name, Policy, "policy", _situation())
    return found


def load_command(name: str) -> Any:
    """The imported object of that command's entry point; the caller checks that it is a command."""
    found, _, _ = _import(COMMANDS, name, "command")
    return found


def load_harness(name: str) -> Any:
    """The imported object of that connector's harness entry point; the caller checks that it is a harness."""
    found, _, _ = _import(HARNESSES, name, "harness")
    return found


def load_object(path: str) -> Any:
    """The object of `module:name`. PluginRefused if there is none."""
    module, colon, name = path.partition(":")
    if not colon:
        raise PluginRefused(f"{path!r} is not MODULE:CLASS, such as acme_erp.harness:AcmeHarness")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise PluginRefused(f"{path} cannot be imported: {_cause(error)}") from None
    return found


def describe(name: str) -> dict[str, Any]:
    """The description of a connector for `connectors list` and `show`: its package, its hooks, or its fault."""
    declared = [entry for entry in installed(CONNECTORS) if entry.name == name]
    row: dict[str, Any] = {
        "connector": name,
        "package": " and ".join(entry.distribution for entry in declared) or None,
        "version": " and ".join(entry.version for entry in declared) or None,
    }
    try:
        plugin = load_connector(name)
    except PluginRefused as refused:
        return {**row, "api": None, "state": str(refused), "hooks": [], "capabilities": [], "settings": {}}
    settings = settings_type(plugin)
    return {
        **row,
        "api": plugin.api,
        "state": "ok",
        "hooks": sorted(overridden(plugin)),
        "capabilities": sorted(capabilities.read(plugin.capabilities)),
        "settings": {
            key: {"required": field.is_required(), "default": _default(field), "says": field.description}
            for key, field in settings.model_fields.items()
        },
    }


def _default(field: FieldInfo) -> str | None:
    """A setting's default as text; None where it is required, or its default is None."""
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    return None if value is None else str(value)


class _OnlyThis(NamedExtensionManager[Any]):
    """stevedore's import of one entry point, which is passed in instead of searched for."""

    def __init__(self, group: str, point: EntryPoint, failed: Callable[..., None]) -> None:
        self._point = point
        super().__init__(group, [point.name], on_load_failure_callback=failed)

    def list_entry_points(self) -> list[EntryPoint]:
        return [self._point]


@lru_cache(maxsize=64)
def _once(group: str, name: str, base: Any, kind: str, situation: tuple[object, ...]) -> Any:
    """The class, checked once for all tenants that name it: this reads the declarations of every installed package.

    An imported class is kept for the life of the process, unless the `situation` changes: the import paths, and the
    plugins that may be of another API version.
    """
    found, where, value = _import(group, name, kind)
    check(found, base, where, value)
    deprecations.report(where, deprecations.used_by(found, base))
    return found


def _situation() -> tuple[object, ...]:
    return (*sys.path, api_ignored())


def _import(group: str, name: str, kind: str) -> tuple[Any, str, str]:
    """The object of the entry point, with a text that identifies it, and with its declared value."""
    points = [point for point in entry_points(group=group) if point.name == name]
    declared = {described(point) for point in points}
    if not declared:
        raise PluginRefused(unknown(group, name, kind))
    if len(declared) > 1:
        claims = " and ".join(f"{entry.distribution} {entry.version}" for entry in sorted(declared, key=repr))
        raise PluginRefused(f"two packages claim the {kind} {name}: {claims}; uninstall one of them")
    (entry,) = declared
    where = f"{kind} {name} ({entry.distribution} {entry.version})"
    failures: list[BaseException] = []
    try:
        manager = _OnlyThis(group, points[0], lambda manager, point, error: failures.append(error))
    except SystemExit as ended:  # a module that ends the process when it is imported must not end this one
        failures.append(ended)
    if failures:
        cause = _cause(failures[0])
        raise PluginRefused(f"{where} cannot be imported: {cause}; reinstall it, or ask its author") from None
    return manager.extensions[0].plugin, where, entry.value


def unknown(group: str, name: str, kind: str) -> str:
    """The sentence that no package declares it, with the nearest name and all declared ones."""
    declared = names(group)
    near = difflib.get_close_matches(name, declared, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    known = f"installed: {', '.join(declared)}" if declared else "none is installed"
    return f"there is no {kind} {name}{hint} ({known}); is its package installed in this environment?"


NOT_THERE = re.compile(r"cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'")
"""Python's message about a name that a module does not have; only the names are repeated."""


def _cause(error: BaseException) -> str:
    """The kind of an import error, the missing name, the place. Never its message, which may hold a secret."""
    name = getattr(error, "name", None)
    missing = ""
    if isinstance(error, ModuleNotFoundError):
        missing = f" (there is no module {name})" if name else ""
    elif isinstance(error, ImportError):
        found = NOT_THERE.match(str(error))
        missing = f" ({found[2]} has no {found[1]})" if found else ""
    elif isinstance(error, AttributeError) and name:
        missing = f" ({getattr(error.obj, '__name__', type(error.obj).__name__)} has no attribute {name})"
    elif isinstance(error, NameError) and name:
        missing = f" ({name} is not defined)"
    return f"{type(error).__name__}{missing}{_place(error)}"


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f" in {error.filename}, line {error.lineno}"
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f" in {trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
