"""The installed entry points. Imports none of them, and nothing slow: `--help` uses this too."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

CONNECTORS = "shipperone_erp.connectors"
POLICIES = "shipperone_erp.policies"
COMMANDS = "shipperone_erp.commands"
HARNESSES = "shipperone_erp.harnesses"


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry point as a package declares it."""

    name: str
    value: str
    distribution: str
    version: str


def installed(group: str) -> tuple[Installed, ...]:
    """Every entry point of the group, duplicates included, by name. Imports nothing."""
    found = [described(point) for point in entry_points(group=group)]
    return tuple(sorted(set(found), key=lambda entry: (entry.name, entry.distribution, entry.value)))


def described(point: EntryPoint) -> Installed:
    """The entry point as its package declares it."""
    distribution = point.dist
    return Installed(
        point.name,
        point.value,
        distribution.metadata["Name"] if distribution else "an unnamed package",
        distribution.version if distribution else "?",
    )
