"""Determines the connector or policy that a module belongs to: the one with the nearest entry point."""

from itertools import takewhile

from shipperone_erp.connector import discovery

KINDS = {discovery.CONNECTORS: "connector", discovery.POLICIES: "policy"}


def plugin_of(module: str) -> str | None:
    """`connector acme (acme 1.0)`; all of several that share a package; None outside every plugin's package."""
    found: dict[int, list[str]] = {}
    for group, kind in KINDS.items():
        for entry in discovery.installed(group):
            pairs = zip(module.split("."), entry.value.partition(":")[0].split("."), strict=False)
            shared = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
            found.setdefault(shared, []).append(f"{kind} {entry.name} ({entry.distribution} {entry.version})")
    nearest = max(found, default=0)
    return " and ".join(found[nearest]) if nearest else None
