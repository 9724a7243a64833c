"""One alert of the tenant for all orders that are held because nothing proves how their discounts count."""

import logging
from collections.abc import Iterable

from shipperone_erp.domain.discount_readings import held_for_discount, together
from shipperone_erp.domain.job import Job


class OpenDiscounts:
    """Of one tenant, while a process serves it. Reported when it begins, and whenever twice as many orders are held."""

    def __init__(self, tenant: str, log: logging.Logger) -> None:
        self._tenant = tenant
        self._log = log
        self._told = 0

    def tell(self, unfinished: Iterable[Job]) -> None:
        """One line for all of them, with what each reading comes to."""
        held = [job for job in unfinished if held_for_discount(job)]
        if len(held) < 2 * self._told or not held:
            self._told = self._told if held else 0
            return
        self._told = len(held)
        self._log.warning(
            "%s: %s; first: order %s. Set `discount` in [tenants.%s] to the right one: all of them then resume by "
            "themselves", self._tenant, together([job.differences for job in held]), held[0].order_id, self._tenant,
        )  # fmt: skip
