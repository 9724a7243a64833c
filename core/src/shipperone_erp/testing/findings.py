"""The findings of a case, and the version of the suite from which each is a failure."""

from decimal import Decimal
from types import MappingProxyType

from shipperone_erp.connector.api import API_VERSION
from shipperone_erp.connector.deprecations import Deprecation
from shipperone_erp.domain.keys import plain

SUITE = "1.1"
"""The newest version of the list of cases. For a suite of an older version its findings are warnings at first."""

VERSIONS = ("1.0", "1.1")
"""Every version of the list, oldest first."""

ENDS = MappingProxyType(
    {"1.0": Deprecation("suite 1.1, whose changes docs/reference/conformance-changes.md lists", "2.0")}
)
"""Version of the list → the end of its support: from that connector API on, findings of later versions are failures."""


class Finding(AssertionError):
    """A mistake found by a case, as a sentence for the connector's author."""


class ConformanceWarning(UserWarning):
    """A part that the harness leaves out of the comparison, or a finding of a later version of the suite."""


class NotApplicable(Exception):
    """The case does not apply to this connector; the sentence gives the reason. Not for mere inconvenience."""


def binding(since: str, named: str, api: str = API_VERSION) -> bool:
    """Whether a check of suite `since` fails a connector that names suite `named`; otherwise it only warns."""
    if VERSIONS.index(since) <= VERSIONS.index(named):
        return True
    ends = ENDS.get(named)
    return ends is not None and _numbers(api) >= _numbers(ends.removed_in)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def must(fact: object, otherwise: str) -> None:
    """Finding unless the condition is true."""
    if not fact:
        raise Finding(otherwise)


def same(found: object, wanted: object, what: str) -> None:
    """Finding unless the two are equal; the sentence shows both."""
    if found != wanted:
        raise Finding(f"{what}: {_shown(found)} instead of {_shown(wanted)}")


def _shown(value: object) -> str:
    """A value for operators: amounts in plain digits instead of Python's form."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_shown(key)}: {_shown(entry)}' for key, entry in value.items())}}}"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_shown, value)))}}}" if value else "none"
    return "none" if value == [] else str(value)
