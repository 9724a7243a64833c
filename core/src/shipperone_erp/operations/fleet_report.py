"""The fleet for operators and their scripts: the workers, the tenants that each serves, and those that it refuses."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from shipperone_erp.config import Configuration
from shipperone_erp.config.fleet import FleetSettings
from shipperone_erp.domain.fleet_records import MemberRecord, WorkerRecord
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.ledger.fleet_store import FleetStore
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.reports import iso, status_rows

Row = dict[str, Any]


def status_with_fleet(configuration: Configuration, ledger: Ledger, now: datetime) -> tuple[list[Row], list[Row]]:
    """The rows of `status` and the workers of the fleet; where there is none, the rows alone.

    `oldest_read` of a worker: of all queues that it serves, when the one was read whole that was not for longest.
    """
    rows, store = status_rows(configuration, ledger, now), fleet_of(ledger)
    if store is None:
        return rows, []
    fleet = configuration.runtime.fleet
    rows = with_fleet(rows, store.tenants(stalled=fleet.stalled.total_seconds()))
    read = grouped((row for row in rows if row.get("last_good_cycle")), key=lambda row: row["worker"])
    oldest = {worker: min(row["last_good_cycle"] for row in served) for worker, served in read.items()}
    return rows, [{**row, "oldest_read": oldest.get(row["worker"])} for row in worker_rows(store, fleet)]


def fleet_of(ledger: Ledger) -> FleetStore | None:
    """The data of a fleet in the ledger's database; None if there never was a fleet."""
    store = ledger.fleet()
    return store if store is not None and store.exists() else None


def with_fleet(rows: Iterable[Row], members: Iterable[MemberRecord]) -> list[Row]:
    """The rows of `status`, each with the tenant's group, its assigned worker, and the workers that refuse it."""
    known = {
        member.tenant: {"group": member.group, "worker": member.worker, "refused": list(member.refused)}
        for member in members
    }
    return [{**row, **known.get(row["tenant"], {"group": None, "worker": None, "refused": []})} for row in rows]


def worker_line(row: Row) -> str:
    """'worker erp1: serving, 12 groups with 480 tenants, 31 hand-outs'"""
    return (
        f"worker {row['worker']}: {row['state']}, {row['groups']} groups with {row['tenants']} tenants, "
        f"{row['hand_outs']} hand-outs"
    )


def worker_rows(store: FleetStore, settings: FleetSettings) -> list[Row]:
    """Each worker that is alive, or has died within a day without signing off."""
    stalled = settings.stalled.total_seconds()
    refusals = store.refusals()
    return [
        {
            "worker": worker.name,
            "state": state_of(worker),
            "host": worker.host,
            "pid": worker.pid,
            "version": worker.version,
            "started_at": iso(worker.started_at),
            "seen_at": iso(worker.seen_at),
            "slots": worker.slots,
            "groups": len(worker.groups),
            "group_names": list(worker.groups),
            "tenants": worker.tenants,
            "hand_outs": worker.hand_outs,
            "refuses": [
                {"tenant": refusal.tenant, "sentence": refusal.sentence} for refusal in refusals.get(worker.id, ())
            ],
        }
        for worker in store.workers(stalled=stalled)
    ]


def state_of(worker: WorkerRecord) -> str:
    """'serving', 'draining', 'drained', or 'dead'."""
    if not worker.lives:
        return "dead"
    if worker.draining:
        return "draining" if worker.groups else "drained"
    return "serving"
