"""`run --once` of one tenant against another ShipperOne and another ledger: the process that a rehearsal kills.

python -m shipperone_erp_generic_sql.checking.rehearsed_run CONFIG TENANT BASE_URL TOKEN LEDGER
"""

import sys
from pathlib import Path

from shipperone_erp import Secret
from shipperone_erp.tools import rehearse, say

FEE = "rehearsal_fee"
"""The field in which the sandbox lists the charge of the rehearsed order."""


def main() -> int:
    """Run once; returns the exit code of the run."""
    config, tenant, base_url, token, ledger = sys.argv[1:]
    ending, jobs = rehearse(Path(config), tenant, base_url=base_url, token=Secret(token), ledger=ledger, fee=FEE)
    for job in jobs:
        if not job.order_id.endswith("-SHORT"):  # that order has to wait, as intended
            say(f"order {job.order_id} {job.state}, {job.reason}: {job.sentence}")
    return ending


if __name__ == "__main__":
    sys.exit(main())
