"""How a run ended, and the exit code that says so: the first that fits of what its tenants ended with."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Ending(IntEnum):
    """Exit codes, in no order; `worst` knows which of them comes first."""

    FINISHED = 0
    FAILED = 1
    USAGE = 2
    HELD = 3
    PLATFORM = 4
    ERP = 5
    CONFIGURATION = 78


FIRST_THAT_FITS = (
    Ending.CONFIGURATION,
    Ending.USAGE,
    Ending.FAILED,
    Ending.PLATFORM,
    Ending.ERP,
    Ending.HELD,
    Ending.FINISHED,
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How one tenant ended, with a sentence for people."""

    ending: Ending
    sentence: str


def worst(endings: Iterable[Ended]) -> Ending:
    """The exit code of a run whose tenants ended like this."""
    found = {ended.ending for ended in endings}
    return next((ending for ending in FIRST_THAT_FITS if ending in found), Ending.FINISHED)
