"""The installed entry points, by name and by module. Imports none of them, and nothing slow: `--help` uses this too."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from itertools import takewhile

CONNECTORS = "shipperone_erp.connectors"
POLICIES = "shipperone_erp.policies"
COMMANDS = "shipperone_erp.commands"
HARNESSES = "shipperone_erp.harnesses"

KINDS = {CONNECTORS: "connector", POLICIES: "policy"}


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


def names(group: str) -> list[str]:
    """The name of every entry point of the group, sorted."""
    return sorted({entry.name for entry in installed(group)})


def plugin_of(module: str) -> str | None:
    """The connector or policy that a module belongs to, by the nearest entry point: `connector acme (acme 1.0)`.

    All of several that share a package; None outside every plugin's package.
    """
    found: dict[int, list[str]] = {}
    for group, kind in KINDS.items():
        for entry in installed(group):
            pairs = zip(module.split("."), entry.value.partition(":")[0].split("."), strict=False)
            shared = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
            found.setdefault(shared, []).append(f"{kind} {entry.name} ({entry.distribution} {entry.version})")
    nearest = max(found, default=0)
    return " and ".join(found[nearest]) if nearest else None


def described(point: EntryPoint) -> Installed:
    """The entry point as its package declares it."""
    distribution = point.dist
    return Installed(
        point.name,
        point.value,
        distribution.metadata["Name"] if distribution else "an unnamed package",
        distribution.version if distribution else "?",
    )
