"""Fixtures for every test: a sandbox, a merchant's world, the ledger's databases."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SUPPORT = TESTS / "support"
# the root, by which a process that multiprocessing starts finds a test module again
for place in (TESTS.parent, TESTS, SUPPORT, SUPPORT / "plugins" / "counting", SUPPORT / "plugins" / "hostile"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

import made_once  # noqa: E402
from distribution import dealt  # noqa: E402
from shipperone_erp.sandbox import Sandbox  # noqa: E402
from world import World  # noqa: E402

pytest_plugins = [
    "ledger_databases",
    "installed_plugins",
    "sql_servers",
    "sql_erp",
    "sql_documents",
    "sql_rehearsals",
    "author",
    "merchant",
    "sql_command",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--case", metavar="NUMBER", help="only the tests of this row of docs/explanation/failure-modes.md, such as D1"
    )


def pytest_configure() -> None:
    made_once.begin()  # before the workers are started
    # most of what a test makes stays or goes without a cycle: to look for cycles as often as usual is a tenth of the CPU
    gc.set_threshold(20_000, 50)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items[:] = dealt(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), TESTS)
    if (wanted := config.getoption("--case")) is None:
        return
    kept = [item for item in items if any(wanted.upper() in mark.args for mark in item.iter_markers("case"))]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """One search for what was never closed; pytest's own two find nothing left to look through."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        running.auto_ship = True
        yield running


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> World:
    return World(tmp_path, sandbox)


KINDS_OF_ERP: dict[str, dict[str, dict[str, str]]] = {
    "drafts": {},
    "without drafts": {"erp": {"drafts": "false"}},
    "fiscal first": {"erp": {"fiscal": "true"}, "tenant": {"fiscal_first": "true"}},
    "batches": {"tenant": {"connector": '"counting_batch"'}},
    "no deliver, no undo": {"tenant": {"connector": '"counting_bare"'}},
}


@pytest.fixture(params=KINDS_OF_ERP)
def any_world(request: pytest.FixtureRequest, world: World) -> World:
    """The same day with every kind of ERP."""
    kind = KINDS_OF_ERP[request.param]
    world.erp_settings.update(kind.get("erp", {}))
    world.settings.update(kind.get("tenant", {}))
    return world
