"""What the ledger and the other queue tell of a reservation, before anything is planned."""

from dataclasses import replace

from ledger_databases import NOON, ORDER, a_job
from planning import scope
from shipperone_erp.domain.listing import Listed, Listing
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.planner_input_loader import load_planner_input
from shipperone_erp.ledger.unit_of_work import InsertJob

SCOPE = scope()
NOTHING = Listing(
    stage=Stage.ALLOCATION, began_at=NOON, orders={}, unreadable=(), complete=True, proves_absence=True,
    alert=None,
)  # fmt: skip


def shipped(item_id):
    (item,) = ORDER.items
    return {"FO-1": Listed(replace(ORDER, items=(replace(item, item_id=item_id),)), "fingerprint")}


def seen(ledger, listed):
    memory, _ = load_planner_input(ledger, SCOPE, NOTHING, go_live="now", shipped=listed)
    return memory.seen_in_invoice


def test_another_part_in_pending_invoice_does_not_confirm_this_one(ledger):
    first, second = a_job(item_ids=(11,), state=State.DONE, open=False), a_job(item_ids=(12,), state=State.WAITING)
    ledger.write(InsertJob(first), InsertJob(second), lease=None).result()
    assert seen(ledger, {}) == frozenset()
    assert seen(ledger, shipped(11)) == frozenset()
    assert seen(ledger, shipped("12")) == {second.id}


def test_only_a_job_whose_items_were_invoiced_since_counts_as_confirmed(ledger):
    job = a_job(item_ids=(11,), state=State.WAITING)
    other = a_job(stage=Stage.INVOICE, item_ids=(12,), state=State.DONE, open=False)
    ledger.write(InsertJob(job), InsertJob(other), lease=None).result()
    assert seen(ledger, {}) == frozenset()
    same = a_job(stage=Stage.INVOICE, item_ids=(11, 12), state=State.DONE, open=False)
    ledger.write(InsertJob(same), lease=None).result()
    assert seen(ledger, {}) == {job.id}
