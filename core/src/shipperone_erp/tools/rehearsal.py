"""`run --once` of one tenant against another ShipperOne and another ledger: it uses its ERP, not its real orders."""

import os
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from shipperone_erp.cli.run import run_once
from shipperone_erp.config import load
from shipperone_erp.config.settings import ChargeSettings
from shipperone_erp.connector.secret import Secret
from shipperone_erp.engine.selection import Selection
from shipperone_erp.ledger.queries import Wanted
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.served_tenants import tenants_served


@dataclass(frozen=True, slots=True)
class RehearsedOrder:
    """The final state of one job, with the reason and the sentence if it is not done."""

    order_id: str
    state: str
    reason: str | None
    sentence: str | None


def rehearse(
    file: Path,
    tenant: str,
    *,
    base_url: str,
    token: Secret,
    ledger: str,
    fee: str | None = None,
    lasts: timedelta = timedelta(seconds=60),
) -> tuple[int, tuple[RehearsedOrder, ...]]:
    """One complete cycle of the tenant in `file`: the exit code of `run --once`, and the jobs in the ledger.

    `base_url` and `token` are those of a `Sandbox`, `ledger` is a URL as in `[runtime]`. `fee`: a key of the order that
    lists a charge of kind `line`. The cycle waits for no approval and no policy; a shortage is not tried again.
    """
    loaded = load(file, environment=os.environ, tenants_may_fail=True, served=tenants_served)
    elsewhere = {
        "base_url": base_url, "store_code": "default", "token": token, "go_live": "now", "approve": (),
        "settle": timedelta(seconds=1), "stock_retry": 2 * lasts, "gone_grace": timedelta(0), "fields": {},
        "policies": (), "policy_settings": {}, "transfer": "reserved",
        "charges": (ChargeSettings(name=fee, path=fee, kind="line"),) if fee else (),
    }  # fmt: skip
    one = loaded.tenants[tenant].model_copy(update=elsewhere)
    runtime = loaded.runtime.model_copy(update={"ledger": ledger, "lease": timedelta(seconds=1)})
    rehearsed = replace(loaded, runtime=runtime, tenants={tenant: one}, problems=())
    ending = run_once(rehearsed, [], Selection(), lasts)
    with Ledger.open(ledger, read_only=True) as read:
        jobs = tuple(
            RehearsedOrder(job.order_id, job.state, job.reason, job.sentence)
            for job in read.listed(Wanted(tenant=tenant))
        )
    return ending, jobs
