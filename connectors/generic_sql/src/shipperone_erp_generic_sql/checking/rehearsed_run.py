"""`run --once` of one tenant against another ShipperOne and another ledger: the process that a rehearsal kills.

python -m shipperone_erp_generic_sql.checking.rehearsed_run CONFIG TENANT BASE_URL TOKEN LEDGER
"""

import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from shipperone_erp import Secret
from shipperone_erp.cli.running import run_once
from shipperone_erp.config import load
from shipperone_erp.runtime.stage_run import Selection

LASTS = timedelta(seconds=60)


def main() -> int:
    """Its exit code is the run's."""
    config, tenant, base_url, token, ledger = sys.argv[1:]
    loaded = load(Path(config), environment=os.environ, tenants_may_fail=True)
    elsewhere = {
        "base_url": base_url, "store_code": "default", "token": Secret(token), "go_live": "now", "approve": (),
        "settle": timedelta(seconds=1), "stock_retry": timedelta(seconds=2), "fields": {}, "policies": (),
        "policy_settings": {},
    }  # fmt: skip
    one = loaded.tenants[tenant].model_copy(update=elsewhere)
    runtime = loaded.runtime.model_copy(update={"ledger": ledger, "lease": timedelta(seconds=1)})
    rehearsed = replace(loaded, runtime=runtime, tenants={tenant: one}, problems=())
    return run_once(rehearsed, [], Selection(), LASTS)


if __name__ == "__main__":
    sys.exit(main())
