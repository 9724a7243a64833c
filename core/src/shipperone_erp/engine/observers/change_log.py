"""The log as an observer: one line for each change of a job's state."""

import logging

from shipperone_erp.domain.events import Event, JobChanged, Observer
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import State


def change_log(log: logging.Logger) -> Observer:
    """A retry for the same reason is not logged again."""

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
        words = f"{after.tenant} {after.stage} {after.order_id} {after.state}{made}{why}"
        log.info("%s", words, extra={"fields": _fields(after)})

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
