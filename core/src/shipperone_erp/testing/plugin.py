"""The pytest plugin, found by its entry point: `--conformance-list`, `--live`, and the fixture of the suite.

It is loaded by every run of pytest where shipperone-erp is installed, so it imports the kit only on demand.
"""

import sys

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Two options, in a group of their own."""
    group = parser.getgroup("shipperone-erp", "conformance of ShipperOne connectors")
    group.addoption("--conformance-list", action="store_true", help="print every case of the kit, and run nothing")
    group.addoption("--live", action="store_true", help="also test connectors against a real ERP")


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Print the list instead of running tests."""
    if not config.getoption("conformance_list"):
        return None
    from shipperone_erp.testing.case_pages import listed

    print(listed())  # noqa: T201
    return 0


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(obj: object) -> None:
    """Check that a suite's cases are unchanged since its class was created."""
    suite = sys.modules.get("shipperone_erp.testing.suite")
    if suite is not None and isinstance(obj, type) and issubclass(obj, suite.ConnectorSuite):
        suite.look_again(obj)


@pytest.fixture
def conformance_live(request: pytest.FixtureRequest) -> bool:
    """Whether a real ERP may be used."""
    return bool(request.config.getoption("live"))
