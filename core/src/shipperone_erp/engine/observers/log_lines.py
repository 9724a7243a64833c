"""The log as observers: one line for each change of a job's state, and one for a finding about many orders."""

import logging

from shipperone_erp.domain.amounts.discount_readings import held_for_discount, together
from shipperone_erp.domain.disproved_denials import disproved_sentence
from shipperone_erp.domain.events import Event, JobChanged, Observer, WorkLeft
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.durations import words


def change_log(log: logging.Logger) -> Observer:
    """One line for each change of a job's state; a retry for the same reason is not logged again."""

    def observe(event: Event) -> None:
        if not isinstance(event, JobChanged):
            return
        before, after = event.before, event.after
        if before is not None and (before.state, before.reason) == (after.state, after.reason):
            return
        if after.state in (State.NEW, State.WORKING):
            return
        why = f", {after.reason}: {after.sentence} ({after.owner})" if after.reason else ""
        made = f" {after.number or after.reference}" if after.number or after.reference else ""
        line = f"{after.tenant} {after.stage} {after.order_id} {after.state}{made}{why}"
        log.info("%s", line, extra={"fields": _fields(after)})

    return observe


def denial_alert(log: logging.Logger) -> Observer:
    """One line for a tenant whose ShipperOne denies confirmations that it has accepted.

    Counts by tenant the denials that the queue has disproved while this process runs, and logs a finding once.
    """
    disproved: dict[str, set[int]] = {}
    reported: set[str] = set()

    def observe(event: Event) -> None:
        if not isinstance(event, JobChanged):
            return
        job = event.after
        if job.tenant in reported or not (job.inferred and job.accepted) or job.refusal is None:
            return
        known = disproved.setdefault(job.tenant, set())
        known.add(job.id)
        sentence = disproved_sentence(len(known), job.refusal)
        if sentence is not None:
            reported.add(job.tenant)
            log.warning("%s: %s", job.tenant, sentence)

    return observe


def open_discounts(log: logging.Logger) -> Observer:
    """One line of a tenant for all orders that are held for an undecided discount.

    Logged when the first is held, and whenever their number has doubled, with the total by each reading.
    """
    reported: dict[tuple[str, Stage], int] = {}

    def observe(event: Event) -> None:
        if not isinstance(event, WorkLeft):
            return
        queue = event.tenant, event.stage
        held = [job for job in event.jobs if held_for_discount(job)]
        if len(held) < 2 * reported.get(queue, 0) or not held:
            if not held:
                reported.pop(queue, None)
            return
        reported[queue] = len(held)
        log.warning(
            "%s: %s; first: order %s. Set `discount` in [tenants.%s] to the right one: all of these orders then "
            "resume automatically",
            event.tenant, together([job.differences for job in held]), held[0].order_id, event.tenant,
        )  # fmt: skip

    return observe


def overdue_invoices(log: logging.Logger) -> Observer:
    """One line for each order that has shipped and is not invoiced in time.

    An order is logged again only if it was invoiced, or in time, in between.
    """
    reported: dict[tuple[str, Stage], frozenset[int]] = {}

    def observe(event: Event) -> None:
        if not isinstance(event, WorkLeft):
            return
        queue, within = (event.tenant, event.stage), event.invoice_within
        late = [job for job in event.jobs if job.overdue(within, event.at)]
        for job in late:
            if job.id not in reported.get(queue, ()):
                log.warning(
                    "%s invoice %s has shipped and is not invoiced within %s (%s)", job.tenant, job.order_id,
                    words(within), job.reason or job.state,
                )  # fmt: skip
        reported[queue] = frozenset(job.id for job in late)

    return observe


def _fields(job: Job) -> dict[str, str | int | None]:
    """The fields of a log line about a job: no amounts, no personal data."""
    return {
        "event": "order_changed",
        "tenant": job.tenant,
        "stage": job.stage.value,
        "order_id": job.order_id,
        "key": job.key,
        "state": job.state.value,
        "reason": job.reason.value if job.reason else None,
        "owner": job.owner.value if job.owner else None,
        "sentence": job.sentence,
        "attempts": job.attempts,
        "next_attempt_at": job.next_attempt_at.isoformat(timespec="seconds") if job.next_attempt_at else None,
        "reference": job.reference,
        "number": job.number,
    }
