"""The demo's summary, computed from the ledger, the ERP's tables and the sandbox's state."""

from collections import Counter
from collections.abc import Iterable

from shipperone_erp.demo.erp import Counted
from shipperone_erp.demo.sample_orders import STORIES
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import Effect
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.sandbox import Sandbox


def summary_lines(ledger: Ledger, sandbox: Sandbox, counted: Counted, listed: int, seconds: float) -> list[str]:
    """The lines of the summary."""
    jobs = ledger.find_jobs()
    done = Counter(job.stage for job in jobs if job.state is State.DONE)
    held = [job for job in jobs if job.state is State.HELD]
    orders_done = {job.order_id for job in jobs if job.stage is Stage.INVOICE and job.state is State.DONE}
    lines = [
        f"{listed} orders in {seconds:.0f} seconds: {len(orders_done)} went through both stages, {len(held)} held.",
        "",
        f"  ledger      {done[Stage.ALLOCATION]} allocations and {done[Stage.INVOICE]} invoices done",
        f"  ERP         {counted.live_reservations} reservations, {counted.issued} invoices issued "
        f"(numbers 1 to {counted.highest_number}), {counted.deliveries} deliveries, {counted.voided} drafts discarded, "
        f"{counted.drafts} left",
        f"  ShipperOne  {_accepted(sandbox, jobs)} invoices accepted, {_refused(sandbox)} POSTs refused",
        "",
        "Orders with a special course:",
    ]
    for order_id, story in STORIES.items():
        mine = sorted((job for job in jobs if job.order_id == order_id), key=lambda job: job.id)
        lines.append(f"  {order_id:<12} {story}: {'; '.join(_chapter(ledger, mine))}")
    return lines


def _accepted(sandbox: Sandbox, jobs: Iterable[Job]) -> int:
    return sum(len(sandbox.order(order_id).invoices) for order_id in {job.order_id for job in jobs})


def _refused(sandbox: Sandbox) -> int:
    return sum(1 for post in sandbox.posts if post.status == 400)


def _chapter(ledger: Ledger, jobs: list[Job]) -> Iterable[str]:
    """The history of one order, from the ledger."""
    for job in jobs:
        effects = ledger.effects(job.id)
        yield from _tries(job, effects)
        if job.state is State.SUPERSEDED:
            yield "its draft was discarded, because ShipperOne had changed the order"
        elif job.state is State.HELD:
            yield f"held for {job.owner}: {job.sentence}"
        elif job.stage is Stage.INVOICE and job.state is State.DONE:
            again = " (inferred from the queue)" if job.inferred else ""
            yield f"invoice {job.number} of {len(job.item_ids)} item(s) issued{again}"
        elif job.stage is Stage.INVOICE:
            yield f"{job.state}, {job.reason}: {job.sentence}"


def _tries(job: Job, effects: list[Effect]) -> Iterable[str]:
    reserves = [effect for effect in effects if effect.kind is EffectKind.RESERVE]
    pending = sum(1 for effect in reserves if effect.outcome is Outcome.PENDING)
    if pending:
        yield f"waited for its transfer ({pending} checks)"
    elif len(reserves) > 1:
        yield f"reserved at attempt {len(reserves)}, after goods had arrived"
    for effect in effects:
        if effect.kind is EffectKind.CONFIRM and effect.outcome is Outcome.REFUSED:
            yield "ShipperOne refused its invoice"
        if effect.kind is EffectKind.CONFIRM and effect.outcome is Outcome.UNKNOWN:
            yield "an answer was lost"
