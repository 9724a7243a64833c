"""The whole-flow cases run core for as long as it moves something: a slow ERP loses nothing, and an endless one is named."""

import pytest
from honest_erp import HonestConnector
from honest_harness import HonestHarness

from shipperone_erp.testing import shop
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.runner import run_case


class OfAClass(HonestHarness):
    connector = HonestConnector


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of each run is up after its first cycle, which invoices nothing."""
    monkeypatch.setattr(shop.Shop, "longest", 0.01)


def test_the_flow_case_repeats_runs_until_every_order_is_done(tmp_path):
    result = run_case(CASES["E1"], OfAClass, tmp_path)
    assert (result.outcome, result.message) == ("passed", "")


def test_orders_that_never_come_to_rest_are_a_finding_and_no_lost_effect(tmp_path, monkeypatch):
    monkeypatch.setattr(shop, "RUNS", 1)
    result = run_case(CASES["E1"], OfAClass, tmp_path)
    assert (result.outcome, result.message) == ("failed", "orders are still in progress after 1 runs of 0.01 s each")
