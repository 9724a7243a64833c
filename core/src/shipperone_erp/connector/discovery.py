"""Finds and imports connectors, policies and commands: the only module that uses entry points and stevedore.

The standard library lists the installed entry points, so that duplicates are visible and nothing is imported; stevedore
imports the one that a tenant names, and receives exactly that entry point (its own listing is cached on disk, and picks
one of two packages silently). Then the class is checked, each fault with its own sentence: pluggy accepts most faulty
hooks and calls them wrongly, or never.
"""

import contextlib
import difflib
import importlib
import inspect
import itertools
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar, cast

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic.fields import FieldInfo
from stevedore.named import NamedExtensionManager

from shipperone_erp.connector import capabilities, deprecations
from shipperone_erp.connector.api import API_VERSION, PROJECT, Connector, Plugin, Policy, settings_type
from shipperone_erp.connector.installed import COMMANDS as COMMANDS
from shipperone_erp.connector.installed import CONNECTORS as CONNECTORS
from shipperone_erp.connector.installed import HARNESSES as HARNESSES
from shipperone_erp.connector.installed import POLICIES as POLICIES
from shipperone_erp.connector.installed import Installed as Installed
from shipperone_erp.connector.installed import described
from shipperone_erp.connector.installed import installed as installed
from shipperone_erp.kernel.errors import PluginRefused

MARK = f"{PROJECT}_impl"
SPECIFIED = f"{PROJECT}_spec"

IGNORE_API = "SHIPPERONE_ERP_IGNORE_API"
"""The environment variable with the names of plugins that may be of another API version, separated by commas."""

PluginT = TypeVar("PluginT", bound=Plugin[Any])

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


def checked(found: Any) -> type[Connector[Any]]:
    """The class of a connector that is imported already, checked as `load_connector` does."""
    value = f"{getattr(found, '__module__', '?')}:{getattr(found, '__qualname__', found)}"
    _check(found, Connector, f"connector {value}", value)
    return cast(type[Connector[Any]], found)


def overridden(plugin: type[Plugin[Any]]) -> frozenset[str]:
    """The hooks that the class implements."""
    base = Policy if issubclass(plugin, Policy) else Connector
    return frozenset(name for name in hooks_of(base) if hasattr(getattr(plugin, name), MARK))


def hooks_of(base: type[Plugin[Any]]) -> frozenset[str]:
    """The names of the hooks that a connector or a policy may implement."""
    if issubclass(base, Policy):
        return frozenset({"handle_mismatch", "before_build"})
    return frozenset(name for name, member in vars(Connector).items() if hasattr(member, SPECIFIED))


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
    """`_load`, once for all tenants that name it: each call would read the declarations of every installed package.

    An imported class is kept for the life of the process, unless the `situation` changes: the import paths, and the
    plugins that may be of another API version.
    """
    return _load(group, name, base, kind)


def _situation() -> tuple[object, ...]:
    return (*sys.path, _api_ignored())


def _load(group: str, name: str, base: type[PluginT], kind: str) -> type[PluginT]:
    found, where, value = _import(group, name, kind)
    _check(found, base, where, value)
    deprecations.tell(where, deprecations.used_by(found, base))
    return cast(type[PluginT], found)


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
    names = sorted({entry.name for entry in installed(group)})
    near = difflib.get_close_matches(name, names, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    known = f"installed: {', '.join(names)}" if names else "none is installed"
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


def _check(found: Any, base: type[Plugin[Any]], where: str, value: str) -> None:
    def refuse(sentence: str) -> PluginRefused:
        return PluginRefused(f"{where}: {sentence}")

    wanted = base.__name__
    if not inspect.isclass(found):
        of = f"an instance of {type(found).__name__}" if isinstance(found, Plugin) else f"a {type(found).__name__}"
        raise refuse(f"{value} is {of}; the entry point must name the class, a subclass of {wanted}")
    if not issubclass(found, base):
        raise refuse(f"{value} is not a subclass of shipperone_erp.{wanted}")
    _check_version(found, where, refuse)
    if issubclass(found, Connector):
        _check_capabilities(found, refuse)
    hooks = hooks_of(base)
    for name in dir(found):
        if name.startswith("__"):
            continue
        own = inspect.getattr_static(found, name)
        marked = hasattr(own, MARK) or hasattr(getattr(own, "__func__", None), MARK)
        if name in hooks and own is not inspect.getattr_static(base, name):
            _check_hook(found, base, name, own, refuse)
        elif marked and name not in hooks:
            near = difflib.get_close_matches(name, hooks, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; they are {', '.join(sorted(hooks))}"
            raise refuse(f"{name} is marked @hookimpl, and there is no such hook{hint}")
    try:
        inspect.signature(found).bind(None, tenant="", log=None)
    except TypeError:
        raise refuse(
            "its __init__ must take (settings, *, tenant, log); best leave it out, and use self.settings, self.tenant, "
            "self.log"
        ) from None


def _check_version(found: type[Plugin[Any]], where: str, refuse: Callable[[str], PluginRefused]) -> None:
    try:
        fits = API_VERSION in SpecifierSet(found.api)
    except (InvalidSpecifier, TypeError, AttributeError):  # the last one from packaging before 25
        raise refuse(f"api = {found.api!r} is no range of versions, such as '>=1,<2'") from None
    if fits:
        return
    mismatch = f"it was written for the connector API {found.api}, and this core has {API_VERSION}; upgrade one"
    name = where.split()[1]
    if name not in _api_ignored():
        raise refuse(f"{mismatch}, or set {IGNORE_API}={name} to run it all the same")
    warning = f"{where}: {mismatch}; it is run all the same, since {IGNORE_API} names it"
    warnings.warn(warning, deprecations.ApiIgnored, stacklevel=2)


def _check_capabilities(found: type[Connector[Any]], refuse: Callable[[str], PluginRefused]) -> None:
    try:
        declared = capabilities.read(found.capabilities)
    except ValueError as error:
        raise refuse(f"capabilities: {error}") from None
    forms = sorted(hook for hook in overridden(found) if hook.endswith("_batch"))
    if forms and capabilities.Capability.BATCH not in declared:
        raise refuse(f"it overrides {', '.join(forms)}, and its capabilities do not list batch; add Capability.BATCH")


def _api_ignored() -> frozenset[str]:
    """The connectors and policies whose range of API versions is not checked: at the operator's own risk, by name."""
    return frozenset(name.strip() for name in os.environ.get(IGNORE_API, "").split(",") if name.strip())


def _check_hook(found: type[Any], base: type[Any], name: str, own: Any, refuse: Callable[[str], PluginRefused]) -> None:
    if isinstance(own, staticmethod | classmethod | property) or not inspect.isfunction(own):
        raise refuse(f"{name} is a {type(own).__name__}; a hook is an ordinary method: def {name}(self, …)")
    if inspect.iscoroutinefunction(own) or inspect.isasyncgenfunction(own):
        raise refuse(f"{name} is `async def`; hooks are ordinary blocking functions, and run in threads")
    if inspect.isgeneratorfunction(own):
        raise refuse(f"{name} has a `yield`; a hook returns its answer")
    if not hasattr(own, MARK):
        raise refuse(f"{name} overrides a hook without @hookimpl, so that it would never be called; add the mark")
    if getattr(own, MARK).get("wrapper") or getattr(own, MARK).get("hookwrapper"):
        raise refuse(f"{name} is a hook wrapper; a {base.__name__.lower()} only implements hooks")
    argument = list(inspect.signature(getattr(base, name)).parameters)[1]
    parameters = list(inspect.signature(own).parameters.values())[1:]
    if [parameter.name for parameter in parameters] != [argument]:
        given = ", ".join(str(parameter) for parameter in parameters) or "nothing"
        raise refuse(f"{name} takes ({given}); its one argument is named {argument}: def {name}(self, {argument})")
    if parameters[0].kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
        raise refuse(f"{name} takes {argument} in a way of its own ({parameters[0].kind.description}); plain is right")
    if parameters[0].default is not inspect.Parameter.empty:
        raise refuse(f"{name} gives {argument} a default; pluggy would never pass the request: leave the default out")
