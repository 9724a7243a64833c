"""The short form of `nox -s chaos`: everything goes wrong at once, and then effects are counted.

`SHIPPERONE_ERP_CHAOS_SEED=7 pytest tests/crash/test_chaos.py` repeats what a failure has printed.
"""

import os

import pytest

from endurance.chaos import SHORT, Chaos, table

SEED = int(os.environ.get("SHIPPERONE_ERP_CHAOS_SEED", "1"))


@pytest.mark.timeout(300)
def test_whatever_happens_nothing_is_done_twice_and_nothing_is_lost(tmp_path, ledger_url):
    result = Chaos(tmp_path, ledger_url, SHORT, SEED).run()
    print(f"seed {SEED}\n{table(result.counts)}")
    assert not result.wrong, "\n".join(result.wrong)
    counts = result.counts
    assert (counts["orders"], counts["kills"], counts["freezes past the lease"]) == (SHORT.orders, SHORT.kills, 1)
    for what in ("faults struck at ShipperOne", "effects whose outcome was lost", "invoices accepted"):
        assert int(counts[what]) > SHORT.orders // 10, f"{what}: there was no chaos"
