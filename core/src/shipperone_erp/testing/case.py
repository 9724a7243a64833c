"""What a case of the conformance kit is: one expensive mistake, how it is looked for, and what it would cost.

A case is data with a function. The same cases run under pytest (`suite`), from the command line (`running`) and are
printed into the documentation (`pages`), so that none of the three can say something else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from inspect import cleandoc
from types import MappingProxyType
from typing import TYPE_CHECKING

from shipperone_erp.connector.api import API_VERSION
from shipperone_erp.connector.capabilities import ALL, Capability, noun
from shipperone_erp.connector.deprecations import Deprecation
from shipperone_erp.domain.keys import plain

if TYPE_CHECKING:
    from shipperone_erp.testing.bench import Bench

SUITE = "1.1"
"""The newest version of the list of cases. What it finds beyond an older one that is named is a warning at first."""

VERSIONS = ("1.0", "1.1")
"""Every version of the list, oldest first."""

ENDS = MappingProxyType({"1.0": Deprecation("suite 1.1, whose changes docs/conformance-changes.md lists", "2.0")})
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


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `id` is stable: it is never given to another case, nor is a case that was dropped given back.

    `suffers`: what the mistake costs a merchant; `cure`: what authors usually forgot, in one sentence.

    `needs`: the hooks without which there is nothing to prove; a connector that does not override them skips it.
    `can`: what the ERP must be able to do; a connector that does not declare it skips the case.
    `probes`: what the harness must be able to do; one that cannot fails the case, unless it departs from it.
    """

    id: str
    line: str
    suffers: str
    check: "Callable[[Bench], None]"
    needs: frozenset[str]
    probes: tuple[str, ...]
    since: str
    static: bool
    can: frozenset[Capability] = frozenset()
    cure: str = ""

    @property
    def page(self) -> str:
        """What is done, step by step, and what must come of it."""
        return cleandoc(self.check.__doc__ or "")

    def lacking(self, offers: Iterable[str], declared: Iterable[Capability] = ALL) -> str | None:
        """Why it has nothing to prove for a connector with these hooks, which declares these capabilities."""
        missing = sorted(self.needs - set(offers))
        if missing:
            return f"the connector does not override {', '.join(missing)}"
        undeclared = sorted(map(noun, self.can - set(declared)))
        return f"the connector declares no {', '.join(undeclared)}" if undeclared else None


def case(
    id: str,
    line: str,
    *,
    suffers: str,
    cure: str,
    needs: str = "",
    can: str = "",
    probes: str = "",
    since: str = "1.0",
    static: bool = False,
) -> "Callable[[Callable[[Bench], None]], Case]":
    """Makes a case of a function; its docstring is the page. `needs`, `can`, `probes` are names with spaces between.

    `static`: it looks at the class alone, so that it needs no ERP.
    """

    def made(check: "Callable[[Bench], None]") -> Case:
        abilities = frozenset(map(Capability, can.split()))
        hooks, reads = frozenset(needs.split()), tuple(probes.split())
        return Case(id, line, suffers, check, hooks, reads, since, static, abilities, cure)

    return made


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
