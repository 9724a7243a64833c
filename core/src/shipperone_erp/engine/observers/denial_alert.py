"""The log as an observer: one line for a tenant whose ShipperOne denies confirmations that it has accepted."""

import logging

from shipperone_erp.domain.disproved_denials import disproved_sentence
from shipperone_erp.domain.events import Event, JobChanged, Observer


def denial_alert(log: logging.Logger) -> Observer:
    """Counts by tenant the denials that the queue has disproved while this process runs, and logs a finding once."""
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
