"""Commands that steer: go-live, order retry, order repeat."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer

from shipperone_erp.cli.options import DEFAULT_FILE, ConfigFile, configuration, print_text
from shipperone_erp.cli.reading import OnlyStage, OnlyTenant
from shipperone_erp.errors import UsageError
from shipperone_erp.ledger.records import Job
from shipperone_erp.ledger.store import Ledger
from shipperone_erp.operations import steering
from shipperone_erp.operations.steering import Pick
from shipperone_erp.runtime.runtime import utc_now

Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="Orders' ids, or jobs' keys.")]
OneKey = Annotated[str | None, typer.Option("--key", help="The job with this key.")]
NoteText = Annotated[str | None, typer.Option("--note", help="Why; kept with the act.")]


def retry(
    order_ids: Ids,
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    stage: OnlyStage = None,
    key: OneKey = None,
    note: NoteText = None,
) -> None:
    """Take a held, waiting or ignored job up again, with both sides read afresh."""
    picks = [Pick(order_id, tenant, stage, key) for order_id in order_ids]
    _steer(config, picks, steering.can_be_retried, "retried", steering.retry, note)


def repeat(
    order_ids: Ids,
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    stage: OnlyStage = None,
    key: OneKey = None,
    note: NoteText = None,
) -> None:
    """Say that what is listed again is a true second shipment of the same items in the same quantity."""
    picks = [Pick(order_id, tenant, stage, key) for order_id in order_ids]
    _steer(config, picks, steering.can_be_repeated, "repeated", steering.repeat, note)


def _steer(
    config: ConfigFile,
    picks: list[Pick],
    fits: Callable[[Job], bool],
    done: str,
    act: Callable[[Ledger, Job, datetime, str | None], None],
    note: str | None,
) -> None:
    ledger = Ledger.open(configuration(config, tenants_may_fail=True).runtime.ledger)
    try:
        jobs = [steering.pick(ledger, wanted, fits, done) for wanted in picks]
        for job in jobs:
            act(ledger, job, utc_now(), note)
            print_text(f"{job.tenant} {job.stage} {job.order_id}: {done}; the next cycle takes it up")
    finally:
        ledger.close()


def go_live(
    tenant: Annotated[str, typer.Argument(metavar="TENANT")],
    config: ConfigFile = DEFAULT_FILE,
    everything: Annotated[bool, typer.Option("--all", help="What was listed before goes on as well.")] = False,
    from_now: Annotated[bool, typer.Option("--from-now", help="What is listed now is left alone.")] = False,
) -> None:
    """Decide about what ShipperOne listed before this tenant went live; only then does any of it go on."""
    if everything == from_now:
        raise UsageError("say either --all or --from-now")
    loaded = configuration(config, tenants_may_fail=True)
    if tenant not in loaded.tenants:
        raise UsageError(f"there is no tenant {tenant}; the configuration names {', '.join(sorted(loaded.tenants))}")
    ledger = Ledger.open(loaded.runtime.ledger)
    try:
        stages = loaded.tenants[tenant].stages
        jobs = steering.go_live(ledger, tenant, stages, utc_now(), from_now=from_now)
    finally:
        ledger.close()
    what = "left alone (undone by `order retry`)" if from_now else "released"
    print_text(f"{tenant} is live; {len(jobs)} order(s) that were listed before: {what}")
