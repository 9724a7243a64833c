"""Every fault of the hostile connector is caught by the case that is there for it, and an honest one passes all."""

from pathlib import Path

import pytest
from honest_harness import HonestHarness
from hostile_erp import FAULTS

from shipperone_erp.testing import ConnectorSuite
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.runner import run_case


class TestHonest(ConnectorSuite):
    """The kit passes what is right: all of it, without a departure and without a skipped case."""

    harness = HonestHarness
    suite = "1.1"


class Hostile(HonestHarness):
    """The honest ERP; a connector that is spoilt in one place. Nothing waits longer than it must."""

    deadline = 4.0
    threads = 6

    def settings(self):
        return {**super().settings(), "patience": 0.3}


def with_fault(name: str) -> type[Hostile]:
    """In the runtime a connector is found by its entry point; the fault is then one of its settings."""
    if FAULTS[name].caught_by.startswith("E"):

        class Installed(Hostile):
            connector = "hostile"

            def settings(self):
                return {**super().settings(), "fault": name}

        return Installed
    return type(name, (Hostile,), {"connector": FAULTS[name]})


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_caught_by_its_case(tmp_path: Path, name: str):
    case = CASES[FAULTS[name].caught_by]
    result = run_case(case, with_fault(name), tmp_path)
    assert result.outcome == "failed", f"{name} ({FAULTS[name].__doc__}) was not caught: {result}"
    assert case.suffers in str(result)
    assert "honest-erp-password" not in str(result)


def test_a_module_that_fails_at_import_is_caught_by_the_first_case(tmp_path, plugins):
    plugins.install("broken", "raise RuntimeError('password=hunter2')")
    result = run_case(CASES["L1"], type("Broken", (Hostile,), {"connector": "broken"}), tmp_path)
    assert (result.outcome, "cannot be imported: RuntimeError" in result.message) == ("failed", True)
    other = run_case(CASES["R1"], type("Broken", (Hostile,), {"connector": "broken"}), tmp_path)
    assert (other.outcome, other.message) == ("skipped", "the connector cannot be loaded; see L1")


def test_every_case_has_a_fault_that_only_a_wrong_connector_has():
    """A case that nothing fails would prove nothing."""
    assert {found.caught_by for found in FAULTS.values()} == set(CASES)
