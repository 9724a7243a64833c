"""What a case of the conformance kit is: one expensive mistake, how it is looked for, and what it would cost.

A case is data with a function. The same cases run under pytest (`suite`), from the command line (`running`) and are
printed into the documentation (`pages`), so that none of the three can say something else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import cleandoc
from typing import TYPE_CHECKING

from shipperone_erp.connector.capabilities import ALL, Capability, noun

if TYPE_CHECKING:
    from shipperone_erp.testing.bench import Bench


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
