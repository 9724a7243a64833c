"""What of the connector API goes away: told when a connector that still uses it is loaded, long before it is removed.

A hook that is to go is marked where it is specified; an exported name that is to go is listed in `GOING`, and taken out
of `__all__`. Each says what to use instead, and the API version that removes it.
"""

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

MARK = "__shipperone_erp_deprecation__"


class ConnectorDeprecation(FutureWarning):
    """A connector or a policy uses what a coming version of the API removes. Shown by default, to operators too."""


class ApiIgnored(UserWarning):
    """A connector or a policy of another version of the API is run all the same, as a person said."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """`instead`: what to use. `removed_in`: the version of the API without it."""

    instead: str
    removed_in: str

    def sentence(self, who: str, what: str) -> str:
        """For the log, and for the author."""
        return f"{who} uses {what}, which connector API {self.removed_in} removes; instead: {self.instead}"


GOING: Mapping[str, tuple[Deprecation, str, str]] = {}
"""Exported name → its deprecation, and the module and name where it still is."""


def deprecated(instead: str, removed_in: str) -> Callable[[FunctionT], FunctionT]:
    """Marks a hook's specification, or an ordinary method of `Connector`, as going away."""

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


def tell(who: str, uses: Mapping[str, Deprecation]) -> None:
    """A warning for each; `who` is the connector's name, and its package's."""
    for name, deprecation in uses.items():
        warnings.warn(deprecation.sentence(who, name), ConnectorDeprecation, stacklevel=2)


def going(
    name: str, going: Mapping[str, tuple[Deprecation, str, str]], whose: Callable[[str], str | None] = lambda _: None
) -> Any:
    """A name that still can be imported, with a warning that says who does. AttributeError if it is none of these.

    `whose` says of a module which connector it is of.
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
