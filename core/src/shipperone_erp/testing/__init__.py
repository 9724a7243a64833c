"""The conformance kit for authors of connectors: describe your ERP once, and every expensive mistake is tested.

    from shipperone_erp.testing import ConnectorHarness, ConnectorSuite, ErpDocument, ErpLine

    class AcmeHarness(ConnectorHarness):
        connector = "acme"
        ...

    class TestAcme(ConnectorSuite):
        harness = AcmeHarness
        suite = "1.1"

`pip install "shipperone-erp[testing]"` installs pytest; `shipperone-erp connectors test NAME` runs without it.
"""

from typing import TYPE_CHECKING, Any

from shipperone_erp.testing.case import Case
from shipperone_erp.testing.findings import SUITE, ConformanceWarning, Finding, NotApplicable
from shipperone_erp.testing.harness import ConnectorHarness, ErpDocument, ErpLine

if TYPE_CHECKING:
    from shipperone_erp.testing.bench import Bench
    from shipperone_erp.testing.suite import ConnectorSuite

__all__ = [
    "SUITE", "Bench", "Case", "ConformanceWarning", "ConnectorHarness", "ConnectorSuite", "ErpDocument", "ErpLine",
    "Finding", "NotApplicable",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """`ConnectorSuite` needs pytest, and both need the runtime: imported at their first use."""
    if name == "ConnectorSuite":
        from shipperone_erp.testing.suite import ConnectorSuite

        return ConnectorSuite
    if name == "Bench":
        from shipperone_erp.testing.bench import Bench

        return Bench
    raise AttributeError(f"module {__name__} has no attribute {name}")
