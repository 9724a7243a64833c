"""The log as an observer: one line of a tenant for all orders that are held for an undecided discount."""

import logging

from shipperone_erp.domain.amounts.discount_readings import held_for_discount, together
from shipperone_erp.domain.events import Event, Observer, WorkLeft
from shipperone_erp.domain.states import Stage


def open_discounts(log: logging.Logger) -> Observer:
    """Logged when the first is held, and whenever their number has doubled, with the total by each reading."""
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
