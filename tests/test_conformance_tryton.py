"""Tryton passes the conformance kit, the connector in the process of the test as it is in a service.

Tryton has one kind of database for a process: SQLite, or PostgreSQL if that is asked for. A process that is killed loads
Tryton's models anew for each kill, and the whole list of faults is thirty orders: what costs more than ten seconds of CPU
runs only if it is asked for. A kill while an invoice is posted always runs.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ledger_databases import NoPostgresql, running_postgresql
from shipperone_erp.testing import ConnectorSuite
from shipperone_erp_tryton.conformance import TrytonHarness
from tryton_postgresql import PostgresqlTryton

VARIABLE = "SHIPPERONE_ERP_TEST_TRYTON"
"""`all`: on SQLite whatever it takes; `postgresql`: on PostgreSQL instead, in this process."""

ASKED = os.environ.get(VARIABLE)
SLOW = frozenset({"test_K1", "test_K2", "test_K3", "test_K5", "test_K6", "test_K7", "test_E2"})


@pytest.fixture(autouse=True, scope="module")
def server() -> Iterator[None]:
    """The PostgreSQL of these tests, where it is asked for."""
    with ExitStack() as stack:
        if ASKED == "postgresql":
            try:
                PostgresqlTryton.server = stack.enter_context(running_postgresql())
            except NoPostgresql as reason:
                pytest.skip(str(reason))
        yield


class TestTryton(ConnectorSuite):
    harness = PostgresqlTryton if ASKED == "postgresql" else TrytonHarness
    suite = "1.1"

    @pytest.fixture(autouse=True)
    def _in_time(self, request: pytest.FixtureRequest) -> None:
        if request.node.name in SLOW and not ASKED:
            pytest.skip(f"it takes a minute; set {VARIABLE}=all, or =postgresql, to run it")
