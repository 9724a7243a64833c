"""A case of the conformance kit: one expensive mistake, the test for it, and its cost.

A case is data with a function. The same cases run under pytest (`suite`), from the command line (`runner`), and are
printed into the documentation (`case_pages`), so that the three cannot differ.
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
    """One case. `id` is stable: it is never assigned to another case, nor reused after a case is dropped.

    `suffers`: the cost of the mistake for a merchant; `cure`: the usual omission of authors, in one sentence.

    `needs`: the hooks that the case tests; a connector that does not override them skips it. `can`: the required
    capabilities of the ERP; a connector that does not declare them skips the case. `probes`: the required probes of the
    harness; a harness without them fails the case, unless it departs from it.
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
        """The steps of the case and the expected results."""
        return cleandoc(self.check.__doc__ or "")

    def lacking(self, offers: Iterable[str], declared: Iterable[Capability] = ALL) -> str | None:
        """Why the case does not apply to a connector with these hooks and declared capabilities; None if it applies."""
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
    """Makes a case of a function, whose docstring is the page. `needs`, `can`, `probes` are names separated by spaces.

    `static`: it inspects only the class, so that it needs no ERP.
    """

    def made(check: "Callable[[Bench], None]") -> Case:
        abilities = frozenset(map(Capability, can.split()))
        hooks, reads = frozenset(needs.split()), tuple(probes.split())
        return Case(id, line, suffers, check, hooks, reads, since, static, abilities, cure)

    return made
