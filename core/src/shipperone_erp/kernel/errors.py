"""Errors outside a connector, one class each; fields in the exception, the sentence in `str()`.

ShipperOneErpError
 ├─ ConfigurationError   the configuration cannot be used: every problem of it at once   exit 78
 ├─ UsageError           a command cannot act on its arguments                           exit 2
 ├─ LedgerError          the ledger cannot be opened, is newer, or has another binding   exit 78 or 1
 │   └─ LedgerDamaged    a part of it cannot be read                                     exit 1
 ├─ LeaseHeldElsewhere   another process serves this tenant                              exit 1
 └─ LeaseLost            another process took over: this one records and starts nothing
"""

from dataclasses import dataclass
from typing import ClassVar

from shipperone_erp.kernel.printable import lines, one_line


class ShipperOneErpError(Exception):
    """The base of the runtime's own errors; `str()` is the sentence for operators, without secrets."""

    exit_code = 1
    has_lines: ClassVar[bool] = False
    """A line break in `str()` is intended: the sentence was composed of lines that are safe one by one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of the configuration: its place, its cause, and a suggestion.

    `tenant` is set where it concerns one tenant alone, so that a service can continue with the others.
    """

    file: str
    line: int | None
    key: str
    cause: str
    did_you_mean: str | None = None
    tenant: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        hint = f"; did you mean {self.did_you_mean}?" if self.did_you_mean else ""
        cause = lines(f"{self.cause}{hint}")
        # only a cause may have several lines: a quoted statement, with a mark under the place
        return "\n".join([one_line(f"{place}: {self.key}: ") + cause[0], *cause[1:]])


class ConfigurationError(ShipperOneErpError):
    """The configuration cannot be used; `problems` holds all problems found."""

    exit_code = 78
    has_lines = True

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        return "\n".join([f"{head} in the configuration; nothing was started:", *(f"  {p}" for p in self.problems)])


class UsageError(ShipperOneErpError):
    """A command cannot act on its arguments; nothing was done."""

    exit_code = 2
    has_lines = True


class PluginRefused(ShipperOneErpError):
    """A connector or a policy cannot be used as it is installed; the sentence names it, its package and the cure."""

    exit_code = 78


class ContractViolation(ShipperOneErpError):
    """A hook's answer violates its contract: that job is held, all others continue."""


class LedgerError(ShipperOneErpError):
    """The ledger cannot be used as it is."""

    def __init__(self, sentence: str, *, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class LedgerDamaged(LedgerError):
    """Stored data that this version cannot read; work that needs it stops, and nothing is guessed."""


class LeaseHeldElsewhere(ShipperOneErpError):
    """Another process serves the same tenant."""

    def __init__(self, name: str, holder: str) -> None:
        super().__init__(f"{name} is served by {holder}; this process did nothing")


class LeaseLost(ShipperOneErpError):
    """Another process took over while this one was paused; its writes were rejected."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was taken over by another process; this process records and starts nothing more")
        self.name = name
