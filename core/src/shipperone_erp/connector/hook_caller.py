"""One call of one plugin's hook by pluggy; the plugin's texts are sanitized on their way in.

A value that the plugin could not create is reported as `ContractViolation`, with the author's line.
"""

import sysconfig
import traceback
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

import pluggy
from pydantic import ValidationError

from shipperone_erp.connector import plugin_checks
from shipperone_erp.connector.api import PROJECT, Connector, Policy
from shipperone_erp.connector.sanitizer import AnswerSanitizer
from shipperone_erp.domain import hook_answers, order
from shipperone_erp.domain.hook_answers import ConnectorError
from shipperone_erp.domain.reasons import NotListed
from shipperone_erp.kernel.errors import ContractViolation

Plugin = Connector[Any] | Policy[Any]

STANDARD_LIBRARY = PurePath(sysconfig.get_path("stdlib"))


class HookCaller:
    """Calls the hooks of one tenant's plugins. Thread-safe."""

    def __init__(self, tenant: str, name: str, plugins: Mapping[str, Plugin], sanitizer: AnswerSanitizer) -> None:
        """`name`: the connector's; `plugins`: under the names by which pluggy registers them."""
        self._tenant = tenant
        self._name = name
        self._sanitizer = sanitizer
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(Connector)
        manager.add_hookspecs(Policy)
        for registered, plugin in plugins.items():
            manager.register(plugin, name=registered)
        manager.check_pending()
        self._callers = {
            (id(plugin), hook): manager.subset_hook_caller(
                hook, remove_plugins=[other for other in plugins.values() if other is not plugin]
            )
            for plugin in plugins.values()
            for hook in plugin_checks.overridden(type(plugin))
        }

    def call(self, plugin: Plugin, hook: str, **argument: Any) -> Any:
        """The plugin's answer. Raises its exception, or ContractViolation for a value that cannot be created."""
        caller = self._callers.get((id(plugin), hook))
        if caller is None:
            raise ContractViolation(f"{self._tenant}: {type(plugin).__name__} does not implement {hook}")
        (about,) = argument.values()
        try:
            return self._sanitizer.answer(caller(**argument), about)
        except ConnectorError as error:
            self._sanitizer.answer(error, about)
            raise
        except NotListed as error:
            wrong = f"{hook} of {self._name}: {self._sanitizer.text(str(error), about)}{_line(error)}"
            raise ContractViolation(f"{self._tenant}: {wrong}") from error
        except ValidationError as error:
            faults = error.errors(include_input=False)
            places = "; ".join(f"{_place(error.title, fault['loc'])}: {fault['msg']}" for fault in faults)
            words = f"{self._sanitizer.text(places, about)}{_line(error)}"
            wrong = f"{hook} of {self._name} made a wrong {error.title}: {words}"
            raise ContractViolation(f"{self._tenant}: {wrong}") from None


def _place(title: str, place: tuple[int | str, ...]) -> str:
    """The place of the error in a value of that class: a positional argument is named by its field."""
    made = getattr(hook_answers, title, None) or getattr(order, title, None)
    if place and isinstance(place[0], int) and is_dataclass(made):
        names = [field.name for field in fields(made) if field.init and not field.kw_only]
        if place[0] < len(names):
            place = (names[place[0]], *place[1:])
    return ".".join(map(str, place))


def _line(error: Exception) -> str:
    """The connector's own line that created the wrong value, for its author."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if not {"shipperone_erp", "pydantic", "pluggy"} & {*PurePath(frame.filename).parts}
        and PurePath(frame.filename).parent != STANDARD_LIBRARY  # dataclasses.replace creates values as well
    ]
    return f" ({PurePath(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
