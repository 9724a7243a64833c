"""What a case found, and from which version of the suite on it is a failure."""

from decimal import Decimal
from types import MappingProxyType

from shipperone_erp.connector.api import API_VERSION
from shipperone_erp.connector.deprecations import Deprecation
from shipperone_erp.domain.keys import plain

SUITE = "1.1"
"""The newest version of the list of cases. What it finds beyond an older one that is named is a warning at first."""

VERSIONS = ("1.0", "1.1")
"""Every version of the list, oldest first."""

ENDS = MappingProxyType(
    {"1.0": Deprecation("suite 1.1, whose changes docs/reference/conformance-changes.md lists", "2.0")}
)
"""Version of the list → when it goes away: from that connector API on, what later versions find is a failure."""


class Finding(AssertionError):
    """What a case found wrong, in a sentence for the connector's author."""


class ConformanceWarning(UserWarning):
    """What a harness leaves out of the comparison, and what a later version of the suite finds."""


class NotApplicable(Exception):
    """The case has nothing to look at in this connector; the sentence says why. Not for what is merely inconvenient."""


def binding(since: str, named: str, api: str = API_VERSION) -> bool:
    """What came with suite `since` fails a connector that names suite `named`; else it only warns."""
    if VERSIONS.index(since) <= VERSIONS.index(named):
        return True
    ends = ENDS.get(named)
    return ends is not None and _numbers(api) >= _numbers(ends.removed_in)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def must(fact: object, otherwise: str) -> None:
    """Finding unless it is so."""
    if not fact:
        raise Finding(otherwise)


def same(found: object, wanted: object, what: str) -> None:
    """Finding unless the two are equal; the sentence shows both."""
    if found != wanted:
        raise Finding(f"{what}: {_shown(found)} instead of {_shown(wanted)}")


def _shown(value: object) -> str:
    """A value for people: amounts as they are written, not as Python makes them."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_shown(key)}: {_shown(entry)}' for key, entry in value.items())}}}"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_shown, value)))}}}" if value else "none"
    return "none" if value == [] else str(value)
