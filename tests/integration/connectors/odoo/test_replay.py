"""The cases of the Odoo connector on recordings of real servers: each request as it was, in its sequence.

Recorded again by: a fresh database of each version as in integration/connectors/odoo/live/test_cases.py, and for each
`ODOO_RECORD=1 pytest tests/integration/connectors/odoo/live/test_cases.py -k test_case`; those of sales orders likewise, by integration/connectors/odoo/live/test_sales.py.
"""

import pytest

from odoo_cases import CASES
from odoo_replays import FILES, SALE_FILES
from odoo_sale_cases import SALE_CASES
from odoo_shop import replayed


@pytest.mark.parametrize(("files", "cases"), [(FILES, CASES), (SALE_FILES, SALE_CASES)], ids=["cases", "sales"])
def test_every_version_and_every_case_is_recorded(files, cases):
    assert set(files) == {"17-jsonrpc.jsonl", "18-jsonrpc.jsonl", "19-json2.jsonl"}
    for name, (_, by_case) in files.items():
        assert set(by_case) == set(cases), name


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("file", FILES)
def test_case(file, case):
    about, by_case = FILES[file]
    with replayed(case, about, by_case[case]) as shop:
        CASES[case](shop)


@pytest.mark.parametrize("case", SALE_CASES)
@pytest.mark.parametrize("file", SALE_FILES)
def test_sale_case(file, case):
    about, by_case = SALE_FILES[file]
    with replayed(case, about, by_case[case]) as shop:
        SALE_CASES[case](shop)


@pytest.mark.parametrize("wrong", ["another content", "another sequence", "one too few", "one too many"])
def test_a_recording_that_no_longer_matches_fails(wrong):
    about, by_case = FILES["19-json2.jsonl"]
    kept = [dict(entry) for entry in by_case["reserve_twice"]]
    if wrong == "another content":
        kept[-1]["request"] = {**kept[-1]["request"], "limit": 1}
    elif wrong == "another sequence":
        kept[0], kept[1] = kept[1], kept[0]
    elif wrong == "one too few":
        kept.pop()
    else:
        kept.append(kept[-1])
    mismatch = pytest.raises(AssertionError, match=r"record")
    with mismatch, replayed("reserve_twice", about, kept) as shop:
        CASES["reserve_twice"](shop)
