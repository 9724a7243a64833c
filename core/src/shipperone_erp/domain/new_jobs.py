"""The new job of an order without an open one: started, or held until an operator releases it."""

from datetime import datetime

from shipperone_erp.domain.decisions import Start, StartHeld, listed_items
from shipperone_erp.domain.history import History
from shipperone_erp.domain.ids import new_id
from shipperone_erp.domain.invoice_checks.comparison import order_differences, side_by_side
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import content_digest, job_key
from shipperone_erp.domain.listing import Listed
from shipperone_erp.domain.planner_input import PlannerRules
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.restored_parts import lost_part
from shipperone_erp.domain.serialization import order_text
from shipperone_erp.domain.states import Stage, State


def start_job(
    rules: PlannerRules, listed: Listed, history: History, live: bool, now: datetime, *, occurrence: int = 1
) -> Start | StartHeld:
    """The next job of a listing: held before the go-live, or if it exceeds the allocated quantity; else started."""
    job = new_job(rules, listed, history, now, occurrence=occurrence)
    if not live:
        return held_before_go_live(rules, job)
    if rules.stage is Stage.INVOICE:
        too_much = history.more_than_allocated(listed.order)
        if too_much:
            return StartHeld(job.held(Reason.MORE_THAN_ORDERED, too_much, Owner.SHIPPERONE))
        if rules.restored_at is not None and occurrence == 1:
            lost = lost_part(job, listed.order, history.jobs, history.allocations, rules.restored_at)
            if lost:
                # a retry asks the ERP under this very key
                return StartHeld(job.of_restored_ledger().held(Reason.OUTCOME_UNKNOWN, lost, Owner.ACCOUNTANT))
    return Start(job)


def held_before_go_live(rules: PlannerRules, job: Job, before: str = "") -> StartHeld:
    """A new job of an order that was listed before the go-live. `before`: more about it, for its sentence."""
    sentence = (
        f"{before}it was listed before {rules.tenant} went live and may have been handled by hand: `go-live "
        f"{rules.tenant} --all` processes all such orders, `--from-now` ignores them"
    )
    return StartHeld(job.held(Reason.BEFORE_GO_LIVE, sentence, Owner.IT))


def held_since_ignored(rules: PlannerRules, listed: Listed, ignored: Job, history: History, now: datetime) -> StartHeld:
    """An ignored order is listed differently: an operator decides whether that is handled by hand, too."""
    job, order_id = new_job(rules, listed, history, now), listed.order.order_id
    both = side_by_side(order_differences(ignored.order, listed.order), "ignored", "now")
    sentence = (
        f"an operator has ignored {ignored.key}, and ShipperOne lists the order differently now ({both}): run `order "
        f"retry {job.key}` to process it, or `order ignore {order_id}` if it is handled by hand, too"
    )
    owner = Owner.ACCOUNTANT if rules.stage is Stage.INVOICE else Owner.WAREHOUSE
    return StartHeld(job.held(Reason.ITEMS_CHANGED, sentence, owner))


def adopted_for_another_listing(
    rules: PlannerRules, listed: Listed, job: Job, history: History, now: datetime
) -> StartHeld:
    """The document made elsewhere was for the earlier listing: an operator checks whether it fits this one."""
    sentence = (
        f"{job.reference} was created elsewhere for the order as listed before, and ShipperOne lists the order "
        "differently now: correct the document, then run `order adopt` again"
    )
    owner = Owner.ACCOUNTANT if job.stage is Stage.INVOICE else Owner.WAREHOUSE
    successor = new_job(rules, listed, history, now).of_adopted(job)
    return StartHeld(successor.held(Reason.ITEMS_CHANGED, sentence, owner))


def new_job(rules: PlannerRules, listed: Listed, history: History, now: datetime, *, occurrence: int = 1) -> Job:
    """A job of the listing under a key that no job has had; the counts of the order's earlier jobs are carried over."""
    order = listed.order
    content = content_digest(rules.settings.base_url, rules.settings.store_code, rules.stage, order)
    before = [job.generation for job in history.jobs if job.content == content and job.occurrence == occurrence]
    generation = max(before, default=0) + 1
    latest = max(history.jobs, key=lambda job: job.id, default=None)
    carried = latest if latest is not None and not latest.accepted else None
    # An order that changes while it is listed keeps its first time: its tax date may depend on it.
    first_listed_at = carried.first_listed_at if carried and carried.state is not State.GONE else now
    return Job(
        id=new_id(),
        tenant=rules.tenant,
        stage=rules.stage,
        order_id=order.order_id,
        key=job_key(rules.stage, order.order_id, content, generation=generation, occurrence=occurrence),
        content=content,
        generation=generation,
        occurrence=occurrence,
        fingerprint=listed.fingerprint,
        order_json=order_text(order),
        order_number=order.order_number,
        item_ids=listed_items(order),
        since=now,
        first_listed_at=first_listed_at,
        part=rules.stage is Stage.INVOICE and history.is_part(order),
        retries=carried.retries if carried else 0,
        rebuilds=carried.rebuilds if carried else 0,
        accepts=carried.accepts if carried else 0,
        without_vat=carried.without_vat if carried else None,
        approved_total=carried.approved_total if carried and carried.fingerprint == listed.fingerprint else None,
    )
