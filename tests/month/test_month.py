"""The month in short: 150 orders in five days. `nox -s month` lives the whole of it."""

import pytest

from month.kinds import KINDS
from month.run import run_month


@pytest.mark.timeout(400)
def test_a_short_month_agrees_to_the_piece_and_the_cent(tmp_path):
    printed, wrong = run_month(tmp_path, orders=150, days=5, seed=7)
    print(printed)
    assert wrong == [], printed
    assert all(kind in printed for kind in KINDS)
