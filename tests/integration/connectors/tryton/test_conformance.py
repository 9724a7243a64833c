"""Tryton passes the conformance kit, the connector in the process of the test as it is in a service.

Tryton has one kind of database for a process: SQLite, or PostgreSQL if that is asked for. Each case is a second or more of
Tryton's CPU, and the whole kit some minutes. What always runs is ALWAYS: a race, a kill while an invoice is posted, and a
case of each promise that tests/integration/connectors/tryton/test_tables.py does not read in the tables anyway. All others run where they are asked for.
"""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from shipperone_erp.testing import ConnectorSuite
from tryton_bench import KeptTryton
from tryton_postgresql import ASKED, VARIABLE, PostgresqlTryton, tryton_on

ALWAYS = frozenset({
    "L1", "L2", "L3", "L5", "L6", "L7", "L8", "C1", "C2", "C3", "F2", "R2", "R5", "I4", "I6", "V3", "M1", "K4",
})  # fmt: skip
"""The cases that CI runs, on SQLite."""


class SqliteTryton(KeptTryton):
    threads = 20 if ASKED else 8


@pytest.fixture(autouse=True, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[None]:
    """The PostgreSQL of these tests, where it is asked for."""
    with tryton_on(request.getfixturevalue("postgresql_server")) if ASKED == "postgresql" else nullcontext():
        yield


class TestTryton(ConnectorSuite):
    harness = PostgresqlTryton if ASKED == "postgresql" else SqliteTryton
    suite = "1.1"
    pytestmark = pytest.mark.timeout(600 if ASKED else 300)  # thirty orders among faults are minutes on a busy machine

    @pytest.fixture(autouse=True)
    def _in_time(self, request: pytest.FixtureRequest) -> None:
        if not ASKED and request.node.name.removeprefix("test_") not in ALWAYS:
            pytest.skip(f"it costs a second or more of CPU; set {VARIABLE}=all, or =postgresql, to run it")
