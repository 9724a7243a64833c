"""The fleet as operators and their scripts read it: workers, what each serves, what each refuses."""

from typing import Any

from shipperone_erp.config.fleet import FleetSettings
from shipperone_erp.domain.fleet_records import WorkerRecord
from shipperone_erp.ledger.fleet_store import FleetStore
from shipperone_erp.operations.reports import iso

Row = dict[str, Any]


def worker_rows(store: FleetStore, settings: FleetSettings) -> list[Row]:
    """Each worker that lives, or has died within a day without a word."""
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
