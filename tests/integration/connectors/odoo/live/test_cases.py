"""The Odoo connector on a real server: every case over every protocol it has, and what only a real one can show.

Set ODOO_TEST_URL, ODOO_TEST_DB, ODOO_TEST_USER and ODOO_TEST_PASSWORD (an administrator, for seeding): a test database,
since it makes products, warehouses and invoices there. `ODOO_RECORD=1` keeps what the cases say for the replay.
"""

import pytest

from odoo_cases import CASES
from odoo_live import ON_A_REAL_SERVER, run

pytestmark = ON_A_REAL_SERVER


XMLRPC_CANNOT = {"foreign": "it cannot tell whose a document is", "listed": "it cannot carry external ids"}


@pytest.mark.parametrize("case", CASES)
def test_case(case, about, seed, recordings):
    if about["protocol"] == "xmlrpc" and case in XMLRPC_CANNOT:
        pytest.skip(f"XML-RPC: {XMLRPC_CANNOT[case]}")
    run(CASES, case, about, seed, recordings)
