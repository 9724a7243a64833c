"""Tryton passes the conformance kit, the connector in the process of the test as it is in a service.

Tryton has one kind of database for a process: SQLite, or PostgreSQL if that is asked for. A process that is killed loads
Tryton's models anew for each kill, and the whole list of faults is thirty orders: what costs more than ten seconds of CPU
runs only if it is asked for. A kill while an invoice is posted always runs.
"""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from shipperone_erp.testing import ConnectorSuite
from shipperone_erp_tryton.conformance import TrytonHarness
from tryton_postgresql import ASKED, VARIABLE, PostgresqlTryton, tryton_on

SLOW = frozenset({"test_K1", "test_K2", "test_K3", "test_K5", "test_K6", "test_K7", "test_E2"})


@pytest.fixture(autouse=True, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[None]:
    """The PostgreSQL of these tests, where it is asked for."""
    with tryton_on(request.getfixturevalue("postgresql_server")) if ASKED == "postgresql" else nullcontext():
        yield


class TestTryton(ConnectorSuite):
    harness = PostgresqlTryton if ASKED == "postgresql" else TrytonHarness
    suite = "1.1"

    @pytest.fixture(autouse=True)
    def _in_time(self, request: pytest.FixtureRequest) -> None:
        if request.node.name in SLOW and not ASKED:
            pytest.skip(f"it takes a minute; set {VARIABLE}=all, or =postgresql, to run it")
