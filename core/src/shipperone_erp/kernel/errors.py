"""What can go wrong outside a connector, one class each; fields in the exception, the sentence in `str()`.

ShipperOneErpError
 ├─ ConfigurationError      the configuration cannot be used: every problem of it at once        exit 78
 ├─ UsageError              a command was given what it cannot act on                            exit 2
 ├─ LedgerError             the ledger cannot be opened, is newer, or is bound to something else  exit 78 or 1
 │   └─ LedgerDamaged       a part of it cannot be read                                          exit 1
 ├─ LeaseHeldElsewhere      another process serves this tenant                                   exit 1
 └─ LeaseLost               this process was replaced: it records nothing and starts nothing
"""

from dataclasses import dataclass
from typing import ClassVar

from shipperone_erp.kernel.printable import lines, one_line


class ShipperOneErpError(Exception):
    """The base of what the runtime itself raises; `str()` is the sentence for people, without secrets."""

    exit_code = 1
    has_lines: ClassVar[bool] = False
    """Whether a line break in `str()` is one: the sentence was composed of lines that are safe one by one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of the configuration: where it is, what it is, what may have been meant.

    `tenant` is set where the fault is of one tenant alone, so that a service can go on with the others.
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
        # only a cause may have lines: a statement that it is about, with a mark under the place
        return "\n".join([one_line(f"{place}: {self.key}: ") + cause[0], *cause[1:]])


class ConfigurationError(ShipperOneErpError):
    """The configuration cannot be used; `problems` holds all that was found."""

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
    """A command was given something that it cannot act on; nothing was done."""

    exit_code = 2
    has_lines = True


class PluginRefused(ShipperOneErpError):
    """A connector or a policy cannot be used as it is installed; the sentence names it, its package and the cure."""

    exit_code = 78


class ContractViolation(ShipperOneErpError):
    """A hook answered with what its contract does not allow: that job is held, all others go on."""


class LedgerError(ShipperOneErpError):
    """The ledger cannot be used as it is."""

    def __init__(self, sentence: str, *, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class LedgerDamaged(LedgerError):
    """Stored data that this version cannot read; what needs it stops, and nothing is guessed."""


class LeaseHeldElsewhere(ShipperOneErpError):
    """Another process serves what this one was asked to serve."""

    def __init__(self, name: str, holder: str) -> None:
        super().__init__(f"{name} is being served by {holder}; nothing was done here")
        self.name = name
        self.holder = holder


class LeaseLost(ShipperOneErpError):
    """This process was replaced while it stood still; what it wanted to record was not recorded."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was taken over by another process; nothing more is recorded or started here")
        self.name = name
