"""The short forms of `nox -s chaos` and `nox -s chaos -- --fleet`: everything goes wrong at once, and then effects are counted.

`SHIPPERONE_ERP_CHAOS_SEED=7 pytest tests/crash/test_chaos.py` repeats what a failure has printed.
"""

import os

import pytest

from endurance.chaos import SHORT, SHORT_FLEET, Chaos, table
from ledger_databases import empty_postgresql, own_postgresql

SEED = int(os.environ.get("SHIPPERONE_ERP_CHAOS_SEED", "1"))


@pytest.mark.timeout(300)
def test_under_random_faults_no_effect_is_repeated_or_lost(tmp_path, ledger_url):
    result = Chaos(tmp_path, ledger_url, SHORT, SEED).run()
    print(f"seed {SEED}\n{table(result.counts)}")
    assert not result.wrong, "\n".join(result.wrong)
    counts = result.counts
    assert (counts["orders"], counts["kills"], counts["freezes past the lease"]) == (SHORT.orders, SHORT.kills, 1)
    for what in ("faults struck at ShipperOne", "effects whose outcome was lost", "invoices accepted"):
        assert int(counts[what]) > SHORT.orders // 10, f"{what}: there was no chaos"


@pytest.mark.timeout(300)
def test_under_random_faults_of_a_fleet_no_effect_is_repeated_or_lost(tmp_path):
    pytest.importorskip("procrastinate")
    with own_postgresql() as server, empty_postgresql(server.url) as url:
        result = Chaos(tmp_path, url, SHORT_FLEET, SEED, server).run()
    print(f"seed {SEED}\n{table(result.counts)}")
    assert not result.wrong, "\n".join(result.wrong)
    counts = result.counts
    struck = (counts["kills"], counts["freezes past the lease"], counts["stops"], counts["restart"])
    assert (counts["orders"], *struck) == (SHORT_FLEET.orders, 4, 2, 1, 1)
    for what in ("faults struck at ShipperOne", "effects whose outcome was lost", "invoices accepted"):
        assert int(counts[what]) > SHORT_FLEET.orders // 10, f"{what}: there was no chaos"
