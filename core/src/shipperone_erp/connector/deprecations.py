"""Deprecations of the connector API: reported when a connector that uses one is loaded, long before its removal.

A deprecated hook is marked where it is specified. A deprecated exported name is listed in `GOING`, and taken out of
`__all__`. Each names its replacement, and the API version that removes it.
"""

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

MARK = "__shipperone_erp_deprecation__"


class ConnectorDeprecation(FutureWarning):
    """A connector or a policy uses a name or a hook that a coming API version removes. Shown by default, to operators
    too.
    """


class ApiIgnored(UserWarning):
    """A connector or a policy of another version of the API is run all the same, by an operator's setting."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """`instead`: the replacement. `removed_in`: the version of the API without it."""

    instead: str
    removed_in: str

    def sentence(self, who: str, what: str) -> str:
        """The sentence for the log, and for the author."""
        return f"{who} uses {what}, which connector API {self.removed_in} removes; use {self.instead}"


GOING: Mapping[str, tuple[Deprecation, str, str]] = {}
"""Exported name → its deprecation, and the module and name where it still is."""


def deprecated(instead: str, removed_in: str) -> Callable[[FunctionT], FunctionT]:
    """Marks a hook's specification, or an ordinary method of `Connector`, as deprecated."""

    def mark(function: FunctionT) -> FunctionT:
        setattr(function, MARK, Deprecation(instead, removed_in))
        return function

    return mark


def used_by(found: type[Any], base: type[Any]) -> Mapping[str, Deprecation]:
    """The deprecated methods of `base` that the class overrides."""
    return {
        name: getattr(member, MARK)
        for name, member in vars(base).items()
        if hasattr(member, MARK) and getattr(found, name) is not member
    }


def report(who: str, uses: Mapping[str, Deprecation]) -> None:
    """Emit a warning for each; `who` is the connector's name, and its package's."""
    for name, deprecation in uses.items():
        warnings.warn(deprecation.sentence(who, name), ConnectorDeprecation, stacklevel=2)


def going(
    name: str, going: Mapping[str, tuple[Deprecation, str, str]], whose: Callable[[str], str | None] = lambda _: None
) -> Any:
    """A deprecated name that can still be imported, with a warning that names the importer. Else AttributeError.

    `whose` returns the connector that a module belongs to.
    """
    if name not in going:
        raise AttributeError(f"module 'shipperone_erp' has no attribute {name!r}")
    deprecation, module, attribute = going[name]
    importer = sys._getframe(2)
    while importer.f_back is not None and str(importer.f_globals.get("__name__")).startswith("importlib"):
        importer = importer.f_back
    place = str(importer.f_globals.get("__name__"))
    owner = whose(place)
    who = f"{owner}, in {place}," if owner else place
    warnings.warn(deprecation.sentence(who, f"shipperone_erp.{name}"), ConnectorDeprecation, stacklevel=3)
    __import__(module)
    return getattr(sys.modules[module], attribute)
