"""Sales orders on a real server: every case over every protocol, and twenty threads with one key."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from odoo_sale_cases import SALE_CASES, connector
from odoo_shop import Shop, ids
from shipperone_erp import Done, Pending, Reserved, Unknown
from test_odoo_live import about, key, pytestmark, recordings, run, seed

__all__ = ["about", "key", "pytestmark", "recordings", "seed"]

XMLRPC_CANNOT = {
    "sale_foreign": "it cannot tell whose a document is",
    "sale_invoiced_by_hand": "it cannot tell whose a document is",
    "sale_listed": "it cannot carry external ids",
}


@pytest.mark.parametrize("case", SALE_CASES)
def test_case(case, about, seed, recordings):
    if about["protocol"] == "xmlrpc" and case in XMLRPC_CANNOT:
        pytest.skip(f"XML-RPC: {XMLRPC_CANNOT[case]}")
    run(SALE_CASES, case, about, seed, recordings, "sales/")
