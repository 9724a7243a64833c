"""Checks the class of a connector or a policy, each fault with its own sentence.

pluggy accepts most faulty hooks and calls them wrongly, or never.
"""

import difflib
import inspect
import os
import warnings
from collections.abc import Callable
from typing import Any, cast

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from shipperone_erp.connector import capabilities, deprecations
from shipperone_erp.connector.api import API_VERSION, PROJECT, Connector, Plugin, Policy
from shipperone_erp.kernel.errors import PluginRefused

MARK = f"{PROJECT}_impl"


SPECIFIED = f"{PROJECT}_spec"


IGNORE_API = "SHIPPERONE_ERP_IGNORE_API"
"""The environment variable with the names of plugins that may be of another API version, separated by commas."""


def checked(found: Any) -> type[Connector[Any]]:
    """The class of a connector that is imported already, checked as `load_connector` does."""
    value = f"{getattr(found, '__module__', '?')}:{getattr(found, '__qualname__', found)}"
    check(found, Connector, f"connector {value}", value)
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


def check(found: Any, base: type[Plugin[Any]], where: str, value: str) -> None:
    """PluginRefused for the first fault of the class. `value`: its entry point; `where` identifies it in messages."""

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
            raise refuse(f"{name} is marked @hookimpl, but is not a hook{hint}")
    try:
        inspect.signature(found).bind(None, tenant="", log=None)
    except TypeError:
        raise refuse(
            "its __init__ must take (settings, *, tenant, log); better leave it out and use self.settings, "
            "self.tenant, self.log"
        ) from None


def _check_version(found: type[Plugin[Any]], where: str, refuse: Callable[[str], PluginRefused]) -> None:
    try:
        fits = API_VERSION in SpecifierSet(found.api)
    except (InvalidSpecifier, TypeError, AttributeError):  # the last one from packaging before 25
        raise refuse(f"api = {found.api!r} is not a range of versions, such as '>=1,<2'") from None
    if fits:
        return
    mismatch = f"it was written for the connector API {found.api}, and this core has {API_VERSION}; upgrade one of them"
    name = where.split()[1]
    if name not in api_ignored():
        raise refuse(f"{mismatch}, or set {IGNORE_API}={name} to run it anyway")
    warning = f"{where}: {mismatch}; it is run anyway, since {IGNORE_API} names it"
    warnings.warn(warning, deprecations.ApiIgnored, stacklevel=2)


def _check_capabilities(found: type[Connector[Any]], refuse: Callable[[str], PluginRefused]) -> None:
    try:
        declared = capabilities.read(found.capabilities)
    except ValueError as error:
        raise refuse(f"capabilities: {error}") from None
    forms = sorted(hook for hook in overridden(found) if hook.endswith("_batch"))
    if forms and capabilities.Capability.BATCH not in declared:
        raise refuse(f"it overrides {', '.join(forms)}, and its capabilities do not list batch; add Capability.BATCH")


def api_ignored() -> frozenset[str]:
    """The connectors and policies whose range of API versions is not checked: at the operator's own risk, by name."""
    return frozenset(name.strip() for name in os.environ.get(IGNORE_API, "").split(",") if name.strip())


def _check_hook(found: type[Any], base: type[Any], name: str, own: Any, refuse: Callable[[str], PluginRefused]) -> None:
    if isinstance(own, staticmethod | classmethod | property) or not inspect.isfunction(own):
        raise refuse(f"{name} is a {type(own).__name__}; a hook is an ordinary method: def {name}(self, …)")
    if inspect.iscoroutinefunction(own) or inspect.isasyncgenfunction(own):
        raise refuse(f"{name} is `async def`; hooks are ordinary blocking functions that run in threads")
    if inspect.isgeneratorfunction(own):
        raise refuse(f"{name} has a `yield`; a hook returns its answer")
    if not hasattr(own, MARK):
        raise refuse(f"{name} overrides a hook without @hookimpl and would never be called; add @hookimpl")
    if getattr(own, MARK).get("wrapper") or getattr(own, MARK).get("hookwrapper"):
        raise refuse(f"{name} is a hook wrapper; a {base.__name__.lower()} only implements hooks")
    argument = list(inspect.signature(getattr(base, name)).parameters)[1]
    parameters = list(inspect.signature(own).parameters.values())[1:]
    if [parameter.name for parameter in parameters] != [argument]:
        given = ", ".join(str(parameter) for parameter in parameters) or "nothing"
        raise refuse(f"{name} takes ({given}); its one argument is named {argument}: def {name}(self, {argument})")
    if parameters[0].kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
        raise refuse(
            f"{name} takes {argument} as {parameters[0].kind.description}; declare it as an ordinary parameter"
        )
    if parameters[0].default is not inspect.Parameter.empty:
        raise refuse(f"{name} gives {argument} a default; pluggy would never pass the request: leave the default out")
