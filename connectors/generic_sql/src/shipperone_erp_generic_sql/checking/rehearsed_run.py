"""`run --once` of one tenant against another ShipperOne and another ledger: the process that a rehearsal kills.

python -m shipperone_erp_generic_sql.checking.rehearsed_run CONFIG TENANT BASE_URL TOKEN LEDGER
"""

import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from shipperone_erp import Secret
from shipperone_erp.cli.options import say
from shipperone_erp.cli.run import run_once
from shipperone_erp.config import load
from shipperone_erp.config.settings import ChargeSettings
from shipperone_erp.engine.cycle import Selection
from shipperone_erp.ledger.queries import Wanted
from shipperone_erp.ledger.repository import Ledger

LASTS = timedelta(seconds=60)
FEE = "rehearsal_fee"
"""Where the sandbox lists the charge of the rehearsed order."""


def main() -> int:
    """Its exit code is the run's."""
    config, tenant, base_url, token, ledger = sys.argv[1:]
    loaded = load(Path(config), environment=os.environ, tenants_may_fail=True)
    elsewhere = {
        "base_url": base_url, "store_code": "default", "token": Secret(token), "go_live": "now", "approve": (),
        "settle": timedelta(seconds=1), "stock_retry": 2 * LASTS, "gone_grace": timedelta(0), "fields": {},
        "policies": (), "policy_settings": {}, "transfer": "reserved",
        "charges": (ChargeSettings(name=FEE, path=FEE, kind="line"),),
    }  # fmt: skip
    one = loaded.tenants[tenant].model_copy(update=elsewhere)
    runtime = loaded.runtime.model_copy(update={"ledger": ledger, "lease": timedelta(seconds=1)})
    rehearsed = replace(loaded, runtime=runtime, tenants={tenant: one}, problems=())
    ending = run_once(rehearsed, [], Selection(), LASTS)
    with Ledger.open(ledger, read_only=True) as read:
        for job in read.listed(Wanted(tenant=tenant)):
            if not job.order_id.endswith("-SHORT"):  # that one is to wait
                say(f"order {job.order_id} {job.state}, {job.reason}: {job.sentence}")
    return ending


if __name__ == "__main__":
    sys.exit(main())
