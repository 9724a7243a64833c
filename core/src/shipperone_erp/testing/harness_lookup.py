"""Finds the harness: the class that a command names, or the one that the connector's package declares."""

import sys

from shipperone_erp.connector import discovery
from shipperone_erp.connector.installed import CONNECTORS, HARNESSES, names
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.testing.harness import ConnectorHarness


def harness_of(name: str, given: str | None) -> type[ConnectorHarness]:
    """The harness of the connector of that name; `given` is MODULE:CLASS, relative to the folder of the command."""
    if given is not None:
        if "" not in sys.path:
            sys.path.insert(0, "")  # a harness among an author's tests is not in an installed package
        found = discovery.load_object(given)
    elif name in names(HARNESSES):
        found = discovery.load_harness(name)
    else:
        if name not in names(CONNECTORS):
            raise UsageError(discovery.unknown(CONNECTORS, name, "connector"))
        raise UsageError(
            f"no package declares a harness for {name}: write a ConnectorHarness (docs/reference/conformance.md), name "
            f'it by --harness MODULE:CLASS, or in pyproject.toml under [project.entry-points."{HARNESSES}"]'
        )
    if not (isinstance(found, type) and issubclass(found, ConnectorHarness)):
        raise UsageError(
            f"the harness of {name} is {found!r}, not a subclass of shipperone_erp.testing.ConnectorHarness"
        )
    return found
