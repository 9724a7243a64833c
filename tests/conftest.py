"""Fixtures for every test: a sandbox, a merchant's world, the ledger's databases."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for place in (HERE, HERE / "plugins" / "counting", HERE / "plugins" / "hostile"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

from shipperone_erp.sandbox import Sandbox  # noqa: E402
from world import World  # noqa: E402

pytest_plugins = ["ledger_databases", "installed_plugins", "sql_servers", "sql_erp", "author"]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        running.auto_ship = True
        yield running


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> World:
    return World(tmp_path, sandbox)
