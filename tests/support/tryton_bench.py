"""A bench of the conformance kit on a Tryton of its own in a SQLite file, and that file's tables."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shipperone_erp.testing import Bench
from shipperone_erp_tryton import TrytonConnector
from shipperone_erp_tryton.conformance import TrytonHarness
from shipperone_erp_tryton.process import join
from tryton_postgresql import ASKED, VARIABLE

ON_SQLITE = pytest.mark.skipif(
    ASKED == "postgresql",
    reason=f"{VARIABLE}=postgresql: Tryton has one kind of database for a process, and these read SQLite's",
)


class KeptTryton(TrytonHarness):
    """As in a service, what Tryton has looked up stays: with its last connector each test would leave it cold."""

    def set_up(self) -> None:
        super().set_up()
        join(self.url)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    harness = KeptTryton(tmp_path)
    harness.set_up()
    made = Bench(harness, TrytonConnector, tmp_path)
    yield made
    made.close()
    harness.tear_down()


def rows(bench: Bench, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a table of Tryton holds; amounts as they are written."""
    harness = bench.harness
    assert isinstance(harness, TrytonHarness)
    with closing(sqlite3.connect(harness.room / "erp.sqlite", timeout=20)) as erp:
        return erp.execute(sql, values).fetchall()


def record(reference: str | None) -> int:
    """The id out of `account.invoice,7`."""
    return int(str(reference).partition(",")[2])
