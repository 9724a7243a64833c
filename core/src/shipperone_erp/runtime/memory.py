"""What the ledger holds of a listing's orders, gathered for planning in a few queries."""

from shipperone_erp.ledger.records import Job, QueueRecord
from shipperone_erp.ledger.store import Ledger
from shipperone_erp.model.work import Stage
from shipperone_erp.shipperone.reading import Listing
from shipperone_erp.stages.planning import Memory, Scope


def remember(
    ledger: Ledger,
    scope: Scope,
    listing: Listing,
    *,
    go_live: str,
    seen_in_invoice: frozenset[str],
    busy: frozenset[str] = frozenset(),
) -> tuple[Memory, QueueRecord]:
    """Blocking; reads only. `live` is False only while the queue has never been read whole in this ledger."""
    ids = [*listing.orders, *(entry.order_id for entry in listing.unreadable if entry.order_id)]
    unfinished = ledger.unfinished_jobs(scope.tenant, scope.stage)
    known = {job.id: job for job in unfinished}
    known.update((job.id, job) for job in ledger.ended_jobs_of_orders(scope.tenant, scope.stage, ids))
    allocations: list[Job] = []
    if scope.stage is Stage.INVOICE:
        orders = {*ids, *(job.order_id for job in unfinished)}
        allocations = ledger.jobs_of_orders(scope.tenant, Stage.ALLOCATION, orders)
    record = ledger.queue(scope.tenant, scope.stage) or QueueRecord(tenant=scope.tenant, stage=scope.stage)
    live = go_live == "now" or record.first_read_at is not None or record.live_at is not None
    memory = Memory(
        jobs=tuple(known.values()),
        allocations=tuple(allocations),
        seen_in_invoice=seen_in_invoice,
        live=live,
        last_good_read_at=record.last_good_read_at,
        busy=busy,
    )
    return memory, record
