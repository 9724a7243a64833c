"""The log as an observer: one line for each order that has shipped and is not invoiced in time."""

import logging

from shipperone_erp.domain.events import Event, Observer, WorkLeft
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.durations import words


def overdue_invoices(log: logging.Logger) -> Observer:
    """An order is logged again only if it was invoiced, or in time, in between."""
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
