"""Tryton passes the conformance kit on SQLite: the connector as it is installed, in the process of the test.

A process that is killed loads Tryton's models anew for each kill, and the whole list of faults is thirty orders: what
costs more than ten seconds of CPU runs only if it is asked for. A kill while an invoice is posted always runs.
"""

import os

import pytest

from shipperone_erp.testing import ConnectorSuite
from shipperone_erp_tryton.conformance import TrytonHarness

VARIABLE = "SHIPPERONE_ERP_TEST_TRYTON"
SLOW = frozenset({"test_K1", "test_K2", "test_K3", "test_K5", "test_K6", "test_E2"})


class TestTryton(ConnectorSuite):
    harness = TrytonHarness
    suite = "1.1"

    @pytest.fixture(autouse=True)
    def _in_time(self, request: pytest.FixtureRequest) -> None:
        if request.node.name in SLOW and not os.environ.get(VARIABLE):
            pytest.skip(f"it takes a minute; set {VARIABLE}=1 to run it")
